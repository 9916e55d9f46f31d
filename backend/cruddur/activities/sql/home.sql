-- A page of the newest posts of all users.
SELECT {sql/post_columns.sql}
FROM visible_activities AS activity
WHERE
    reply_to_activity_uuid IS NULL
    AND (created_at, uuid) < (%(position_time)s, %(position_id)s)
ORDER BY created_at DESC, uuid DESC
LIMIT %(limit)s
