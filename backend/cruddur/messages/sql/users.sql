-- Users by id, with their current names and avatars.
SELECT uuid, handle, display_name, cognito_user_id, avatar_version
FROM users
WHERE uuid = ANY(%(uuids)s::uuid[])
