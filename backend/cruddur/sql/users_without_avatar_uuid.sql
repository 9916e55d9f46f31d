-- Users whose avatar id is not stored yet. Concurrent transactions may select the same users: an id
-- is always the same, and set_avatar_uuids.sql waits for rows that another transaction changes.
SELECT uuid, cognito_user_id FROM users
WHERE avatar_uuid IS NULL
LIMIT %(limit)s
