DROP TRIGGER users_profile_version ON users;
DROP FUNCTION increment_profile_version;
ALTER TABLE users
    DROP COLUMN profile_version,
    DROP COLUMN avatar_uuid,
    DROP COLUMN avatar_version;
