SELECT true FROM users WHERE avatar_uuid = %(avatar_uuid)s
