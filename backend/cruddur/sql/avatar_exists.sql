-- Whether a user with the avatar id is known; no row otherwise.
SELECT true FROM users WHERE avatar_uuid = %(avatar_uuid)s
