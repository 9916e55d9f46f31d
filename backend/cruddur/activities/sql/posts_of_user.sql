-- A page of the newest posts of one user.
SELECT {sql/post_columns.sql}
FROM visible_activities AS activity
WHERE
    user_uuid = %(user_uuid)s
    AND reply_to_activity_uuid IS NULL
    AND (created_at, uuid) < (%(position_time)s, %(position_id)s)
ORDER BY created_at DESC, uuid DESC
LIMIT %(limit)s
