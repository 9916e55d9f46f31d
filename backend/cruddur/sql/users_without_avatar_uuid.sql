-- Users whose avatar id is not stored yet. Concurrent transactions select different users.
SELECT uuid, cognito_user_id FROM users
WHERE avatar_uuid IS NULL
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
