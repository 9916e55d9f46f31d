-- Add a post that expires after an interval, unless a row has the id already.
INSERT INTO activities (uuid, user_uuid, message, expires_at)
VALUES (
    coalesce(%(uuid)s, gen_random_uuid()),
    %(user_uuid)s,
    %(message)s,
    current_timestamp + %(lifetime)s
)
ON CONFLICT (uuid) DO NOTHING
RETURNING uuid
