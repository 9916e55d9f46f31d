-- A page of the newest replies of other users to posts of the user.
WITH viewer AS (SELECT uuid FROM users WHERE cognito_user_id = %(viewer)s)

SELECT
    uuid,
    display_name,
    handle,
    cognito_user_id,
    avatar_version,
    message,
    replies_count,
    reposts_count,
    likes_count,
    coalesce(
        (SELECT TRUE FROM likes
        WHERE activity_uuid = activity.uuid AND likes.user_uuid = (SELECT uuid FROM viewer)),
        FALSE
    ) AS liked,
    coalesce(
        (SELECT TRUE FROM reposts
        WHERE activity_uuid = activity.uuid AND reposts.user_uuid = (SELECT uuid FROM viewer)),
        FALSE
    ) AS reposted,
    reply_to_activity_uuid,
    expires_at,
    created_at
FROM visible_activities AS activity
WHERE
    reply_to_user_uuid = (SELECT uuid FROM viewer)
    AND reply_to_user_uuid <> user_uuid
    AND (created_at, uuid) < (%(before)s, %(before_id)s)
ORDER BY created_at DESC, uuid DESC
LIMIT %(limit)s
