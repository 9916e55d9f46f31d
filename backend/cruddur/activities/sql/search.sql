-- A page of the newest posts and replies with all words of a term; the last word may be the
-- beginning of a word. A term without words finds nothing.
WITH viewer AS (SELECT uuid FROM users WHERE cognito_user_id = %(viewer)s)

SELECT
    uuid,
    display_name,
    handle,
    cognito_user_id,
    avatar_version,
    message,
    replies_count,
    reposts_count,
    likes_count,
    EXISTS (
        SELECT FROM likes
        WHERE activity_uuid = activity.uuid AND likes.user_uuid = (SELECT uuid FROM viewer)
    ) AS liked,
    EXISTS (
        SELECT FROM reposts
        WHERE activity_uuid = activity.uuid AND reposts.user_uuid = (SELECT uuid FROM viewer)
    ) AS reposted,
    reply_to_activity_uuid,
    expires_at,
    created_at
FROM visible_activities AS activity
WHERE
    to_tsvector('simple', message) @@ CASE
        WHEN numnode(plainto_tsquery('simple', %(term)s)) > 0
            THEN (plainto_tsquery('simple', %(term)s)::text || ':*')::tsquery
    END
    AND (created_at, uuid) < (%(before)s, %(before_id)s)
ORDER BY created_at DESC, uuid DESC
LIMIT %(limit)s
