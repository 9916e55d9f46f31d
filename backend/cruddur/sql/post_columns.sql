-- The columns of a post, in the order of `Post` in posts.py, from visible_activities AS activity. The
-- reactions are subqueries, which PostgreSQL cannot turn into joins, so that they are read only for the
-- rows of a page.
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
    (
        SELECT TRUE FROM likes
        WHERE
            activity_uuid = activity.uuid
            AND likes.user_uuid = (SELECT uuid FROM users WHERE cognito_user_id = %(viewer)s)
    ),
    FALSE
) AS liked,
coalesce(
    (
        SELECT TRUE FROM reposts
        WHERE
            activity_uuid = activity.uuid
            AND reposts.user_uuid = (SELECT uuid FROM users WHERE cognito_user_id = %(viewer)s)
    ),
    FALSE
) AS reposted,
reply_to_activity_uuid,
expires_at,
created_at
