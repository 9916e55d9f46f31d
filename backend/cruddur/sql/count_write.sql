-- Count a write of a user. The result is 0, or the seconds until the next write is allowed.
--
-- This is a token bucket (GCRA): full_at is the time at which the bucket is full again. A write takes
-- one token, so full_at moves by the interval of one token. A write is refused if full_at would be
-- later than now plus the time in which an empty bucket becomes full.
WITH counted AS (
    INSERT INTO write_rates AS rate (cognito_user_id, full_at)
    VALUES (%(cognito_user_id)s, current_timestamp + %(interval)s)
    ON CONFLICT (cognito_user_id) DO UPDATE
    SET full_at = greatest(rate.full_at, current_timestamp) + %(interval)s
    WHERE rate.full_at + %(interval)s <= current_timestamp + %(capacity)s
    RETURNING 0 AS seconds
)

SELECT seconds FROM counted
UNION ALL
SELECT
    greatest(
        ceil(extract(EPOCH FROM full_at + %(interval)s - %(capacity)s - current_timestamp)), 1
    )::integer AS seconds
FROM write_rates
WHERE cognito_user_id = %(cognito_user_id)s AND NOT EXISTS (SELECT FROM counted)
