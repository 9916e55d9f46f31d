-- One row if a user has the avatar id, otherwise none.
SELECT true FROM users WHERE avatar_uuid = %(avatar_uuid)s
