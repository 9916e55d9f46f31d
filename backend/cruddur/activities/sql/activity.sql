-- One post or reply.
SELECT {sql/post_columns.sql}
FROM visible_activities AS activity
WHERE uuid = %(activity_uuid)s
