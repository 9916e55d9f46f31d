-- A user by handle.
SELECT uuid, handle, display_name, cognito_user_id, avatar_version
FROM users
WHERE lower(handle) = lower(%(handle)s)
