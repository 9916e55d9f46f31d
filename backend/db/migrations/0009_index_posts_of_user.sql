-- transactional: false
-- For the posts of a profile, and their number.
CREATE INDEX CONCURRENTLY activities_posts_of_user ON activities (user_uuid, created_at DESC, uuid DESC)
INCLUDE (expires_at) WHERE reply_to_activity_uuid IS NULL;
