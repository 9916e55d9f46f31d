-- Add a reply, unless its post has expired or does not exist. A trigger copies the expiry.
INSERT INTO activities (user_uuid, message, reply_to_activity_uuid)
SELECT %(user_uuid)s, %(message)s, post.uuid
FROM visible_activities AS post
WHERE post.uuid = %(activity_uuid)s
RETURNING uuid
