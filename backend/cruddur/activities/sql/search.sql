-- A page of the newest posts and replies with all words of a term; the last word may be the
-- beginning of a word. A term without words finds nothing. The page is found before the authors and
-- the reactions are read, because a frequent word has many matches.
WITH viewer AS (SELECT uuid FROM users WHERE cognito_user_id = %(viewer)s),

found AS (
    SELECT uuid
    FROM activities
    WHERE
        to_tsvector('simple', message) @@ CASE
            WHEN numnode(plainto_tsquery('simple', %(term)s)) > 0
                THEN (plainto_tsquery('simple', %(term)s)::text || ':*')::tsquery
        END
        AND (created_at, uuid) < (%(before)s, %(before_id)s)
        AND (expires_at IS NULL OR expires_at > current_timestamp)
    ORDER BY created_at DESC, uuid DESC
    LIMIT %(limit)s
)

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
    coalesce(
        (SELECT TRUE FROM likes
        WHERE activity_uuid = activity.uuid AND likes.user_uuid = (SELECT uuid FROM viewer)),
        FALSE
    ) AS liked,
    coalesce(
        (SELECT TRUE FROM reposts
        WHERE activity_uuid = activity.uuid AND reposts.user_uuid = (SELECT uuid FROM viewer)),
        FALSE
    ) AS reposted,
    reply_to_activity_uuid,
    expires_at,
    created_at
FROM visible_activities AS activity
WHERE uuid IN (SELECT uuid FROM found)
ORDER BY created_at DESC, uuid DESC
