-- Record a version of an avatar, unless the recorded version is the same or newer.
UPDATE users SET avatar_version = %(version)s
WHERE avatar_uuid = %(avatar_uuid)s AND (avatar_version IS NULL OR avatar_version < %(version)s)
