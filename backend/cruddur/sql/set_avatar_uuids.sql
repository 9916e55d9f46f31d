-- Store the avatar ids of users, except those that a concurrent transaction stored meanwhile.
UPDATE users SET avatar_uuid = new.avatar_uuid
FROM unnest(%(users)s::uuid[], %(avatars)s::uuid[]) AS new (uuid, avatar_uuid)
WHERE users.uuid = new.uuid AND users.avatar_uuid IS NULL
