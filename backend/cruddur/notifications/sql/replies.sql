-- A page of the newest replies of other users to posts of the user.
SELECT {sql/post_columns.sql}
FROM visible_activities AS activity
WHERE
    reply_to_user_uuid = (SELECT uuid FROM users WHERE cognito_user_id = %(viewer)s)
    AND reply_to_user_uuid <> user_uuid
    AND (created_at, uuid) < (%(position_time)s, %(position_id)s)
ORDER BY created_at DESC, uuid DESC
LIMIT %(limit)s
