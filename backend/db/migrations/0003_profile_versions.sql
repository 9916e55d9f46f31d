-- Versions of profiles, so that one of two concurrent changes is refused, and of avatars, so that
-- browsers do not show an outdated picture.

ALTER TABLE users
    ADD COLUMN profile_version bigint DEFAULT 1 NOT NULL,
    -- The id in the object key of the avatar: lambdas/shared/avatars.py. Null if it is not known yet.
    ADD COLUMN avatar_uuid uuid,
    -- Greater, as a text, than the versions before it. Null without an avatar.
    ADD COLUMN avatar_version text;

CREATE FUNCTION increment_profile_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.profile_version := OLD.profile_version + 1;
    RETURN NEW;
END;
$$;

CREATE TRIGGER users_profile_version BEFORE UPDATE OF display_name, bio ON users
FOR EACH ROW EXECUTE FUNCTION increment_profile_version();

GRANT INSERT (avatar_uuid) ON users TO application;
GRANT UPDATE (avatar_uuid, avatar_version) ON users TO application;
