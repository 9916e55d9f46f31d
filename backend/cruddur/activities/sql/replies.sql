-- A page of the replies to a post, the oldest first.
SELECT {sql/post_columns.sql}
FROM visible_activities AS activity
WHERE
    reply_to_activity_uuid = %(activity_uuid)s
    AND (created_at, uuid) > (%(position_time)s, %(position_id)s)
ORDER BY created_at, uuid
LIMIT %(limit)s
