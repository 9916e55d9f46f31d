-- A page of the newest posts and replies with all words of a term; the last word may be the
-- beginning of a word. A term without words finds nothing. A frequent word has many matches, so the
-- page is selected before authors and reactions are joined.
WITH found AS (
    SELECT uuid
    FROM activities
    WHERE
        to_tsvector('simple', message) @@ CASE
            WHEN numnode(plainto_tsquery('simple', %(term)s)) > 0
                THEN (plainto_tsquery('simple', %(term)s)::text || ':*')::tsquery
        END
        AND (created_at, uuid) < (%(position_time)s, %(position_id)s)
        AND (expires_at IS NULL OR expires_at > current_timestamp)
    ORDER BY created_at DESC, uuid DESC
    LIMIT %(limit)s
)

SELECT {sql/post_columns.sql}
FROM visible_activities AS activity
WHERE uuid IN (SELECT uuid FROM found)
ORDER BY created_at DESC, uuid DESC
