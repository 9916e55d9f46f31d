UPDATE users SET avatar_uuid = new.avatar_uuid
FROM unnest(%(users)s::uuid[], %(avatars)s::uuid[]) AS new (uuid, avatar_uuid)
WHERE users.uuid = new.uuid
