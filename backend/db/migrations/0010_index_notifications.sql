-- transactional: false
-- For the replies of other users to the posts of a user.
CREATE INDEX CONCURRENTLY activities_notifications ON activities (reply_to_user_uuid, created_at DESC, uuid DESC)
WHERE reply_to_user_uuid <> user_uuid;
