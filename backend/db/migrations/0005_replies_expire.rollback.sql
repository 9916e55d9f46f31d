DROP TRIGGER activities_inherit ON activities;
DROP FUNCTION inherit_from_post;
UPDATE activities SET expires_at = NULL WHERE reply_to_activity_uuid IS NOT NULL;
ALTER TABLE activities DROP CONSTRAINT activities_own_reply_check;
ALTER TABLE activities ADD CONSTRAINT activities_reply_check CHECK (
    reply_to_activity_uuid <> uuid AND (reply_to_activity_uuid IS NULL OR expires_at IS NULL)
);
ALTER TABLE activities DROP COLUMN reply_to_user_uuid;
