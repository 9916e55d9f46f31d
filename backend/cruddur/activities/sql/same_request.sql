-- Whether an equal request added the post with an id; no row if there is no such post.
SELECT
    user_uuid = %(user_uuid)s
    AND message = %(message)s
    AND reply_to_activity_uuid IS NOT DISTINCT FROM %(activity_uuid)s::uuid
FROM activities
WHERE uuid = %(uuid)s
