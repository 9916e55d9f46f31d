ALTER TABLE activities DROP CONSTRAINT activities_own_reply_check;
ALTER TABLE activities
    ADD CONSTRAINT activities_own_reply_check CHECK (reply_to_activity_uuid <> uuid) NOT VALID;
