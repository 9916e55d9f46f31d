-- A reply expires with its post, so one condition on a row decides whether it is visible. Replies
-- also have the author of their post, for notifications.

ALTER TABLE activities ADD COLUMN reply_to_user_uuid uuid;
-- squawk-ignore ban-drop-constraint
ALTER TABLE activities DROP CONSTRAINT activities_reply_check; -- Replies expire now.
ALTER TABLE activities
    ADD CONSTRAINT activities_own_reply_check CHECK (reply_to_activity_uuid <> uuid) NOT VALID;

-- Both values are copies of constants: the expiry and the author of a post never change. The
-- trigger also fills them for the previous release, which does not know them.
CREATE FUNCTION inherit_from_post() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT post.expires_at, post.user_uuid
    INTO NEW.expires_at, NEW.reply_to_user_uuid
    FROM public.activities AS post
    WHERE post.uuid = NEW.reply_to_activity_uuid;
    RETURN NEW;
END;
$$;

CREATE TRIGGER activities_inherit BEFORE INSERT ON activities
FOR EACH ROW WHEN (NEW.reply_to_activity_uuid IS NOT NULL)
EXECUTE FUNCTION inherit_from_post();

-- Replies to replies expire with the first post.
WITH RECURSIVE thread AS (
    SELECT uuid, user_uuid, expires_at FROM activities WHERE reply_to_activity_uuid IS NULL
    UNION ALL
    SELECT reply.uuid, reply.user_uuid, thread.expires_at
    FROM activities AS reply
    JOIN thread ON reply.reply_to_activity_uuid = thread.uuid
)
UPDATE activities AS reply
SET expires_at = post.expires_at, reply_to_user_uuid = post.user_uuid
FROM thread AS post
WHERE reply.reply_to_activity_uuid = post.uuid;
