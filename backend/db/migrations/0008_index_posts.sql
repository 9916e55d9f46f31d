-- transactional: false
-- For the feed of all users, which has no replies.
CREATE INDEX CONCURRENTLY activities_posts ON activities (created_at DESC, uuid DESC)
WHERE reply_to_activity_uuid IS NULL;
