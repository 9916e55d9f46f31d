-- The profile of the user who sends the request.
SELECT uuid, handle, display_name, cognito_user_id, avatar_version, bio, profile_version
FROM users
WHERE cognito_user_id = %(cognito_user_id)s
