-- Add a reply, unless the post is not visible or a row has the id already. A trigger copies the
-- expiry of the post.
INSERT INTO activities (uuid, user_uuid, message, reply_to_activity_uuid)
SELECT coalesce(%(uuid)s, gen_random_uuid()), %(user_uuid)s, %(message)s, post.uuid
FROM visible_activities AS post
WHERE post.uuid = %(activity_uuid)s AND post.uuid IS DISTINCT FROM %(uuid)s
ON CONFLICT (uuid) DO NOTHING
RETURNING uuid
