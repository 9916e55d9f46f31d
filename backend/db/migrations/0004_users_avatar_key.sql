-- transactional: false
-- For the webhook, which receives the avatar id and no other.
CREATE UNIQUE INDEX CONCURRENTLY users_avatar_key ON users (avatar_uuid);
