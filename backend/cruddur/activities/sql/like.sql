-- Add a like, unless the user already likes the post or it is not visible. A trigger counts it.
INSERT INTO likes (activity_uuid, user_uuid)
SELECT post.uuid, %(user_uuid)s
FROM visible_activities AS post
WHERE post.uuid = %(activity_uuid)s
ON CONFLICT DO NOTHING
