"""Posts, replies, likes and reposts."""
