-- Add a reply, unless its post has expired or does not exist, or the id is in use. A trigger copies
-- the expiry.
INSERT INTO activities (uuid, user_uuid, message, reply_to_activity_uuid)
SELECT coalesce(%(uuid)s, gen_random_uuid()), %(user_uuid)s, %(message)s, post.uuid
FROM visible_activities AS post
WHERE post.uuid = %(activity_uuid)s AND post.uuid IS DISTINCT FROM %(uuid)s
ON CONFLICT (uuid) DO NOTHING
RETURNING uuid
