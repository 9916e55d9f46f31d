-- Add a post, which expires after an interval.
INSERT INTO activities (user_uuid, message, expires_at)
VALUES (%(user_uuid)s, %(message)s, current_timestamp + %(lifetime)s)
RETURNING uuid
