-- Change the texts of a profile, if it still has the given version. A trigger increments the version.
UPDATE users
SET display_name = %(display_name)s, bio = %(bio)s
WHERE
    cognito_user_id = %(cognito_user_id)s
    AND profile_version = coalesce(%(profile_version)s, profile_version)
RETURNING uuid, handle, display_name, cognito_user_id, avatar_version, bio, profile_version
