-- Add a post, which expires after an interval, unless the id is in use.
INSERT INTO activities (uuid, user_uuid, message, expires_at)
VALUES (
    coalesce(%(uuid)s, gen_random_uuid()),
    %(user_uuid)s,
    %(message)s,
    current_timestamp + %(lifetime)s
)
ON CONFLICT (uuid) DO NOTHING
RETURNING uuid
