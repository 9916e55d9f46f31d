-- The profile of a user, with the number of their posts.
SELECT
    uuid,
    handle,
    display_name,
    cognito_user_id,
    avatar_version,
    bio,
    (
        SELECT count(*) FROM activities
        WHERE
            user_uuid = users.uuid
            AND reply_to_activity_uuid IS NULL
            AND (expires_at IS NULL OR expires_at > current_timestamp)
    ) AS cruds_count,
    profile_version,
    created_at
FROM users
WHERE lower(handle) = lower(%(handle)s)
