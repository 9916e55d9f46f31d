-- Users whose avatar id is not stored yet. Two transactions store those of different users.
SELECT uuid, cognito_user_id FROM users
WHERE avatar_uuid IS NULL
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
