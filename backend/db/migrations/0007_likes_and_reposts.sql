-- Likes and reposts, and counts that follow from the rows.

CREATE TABLE likes (
    activity_uuid uuid REFERENCES activities ON DELETE CASCADE,
    user_uuid uuid REFERENCES users ON DELETE CASCADE,
    created_at timestamptz DEFAULT current_timestamp NOT NULL,
    PRIMARY KEY (activity_uuid, user_uuid)
);
CREATE INDEX likes_of_user ON likes (user_uuid); -- For the removal of a user.

CREATE TABLE reposts (
    activity_uuid uuid REFERENCES activities ON DELETE CASCADE,
    user_uuid uuid REFERENCES users ON DELETE CASCADE,
    created_at timestamptz DEFAULT current_timestamp NOT NULL,
    PRIMARY KEY (activity_uuid, user_uuid)
);
CREATE INDEX reposts_of_user ON reposts (user_uuid);

-- The counts of a post change in the transaction that adds or removes a row, with the privileges of
-- the owner. If the post is deleted, so are its rows, and there is nothing to count.
CREATE FUNCTION count_likes() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE public.activities SET likes_count = likes_count + 1 WHERE uuid = NEW.activity_uuid;
    ELSE
        UPDATE public.activities SET likes_count = likes_count - 1 WHERE uuid = OLD.activity_uuid;
    END IF;
    RETURN NULL;
END;
$$;

CREATE FUNCTION count_reposts() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE public.activities SET reposts_count = reposts_count + 1
        WHERE uuid = NEW.activity_uuid;
    ELSE
        UPDATE public.activities SET reposts_count = reposts_count - 1
        WHERE uuid = OLD.activity_uuid;
    END IF;
    RETURN NULL;
END;
$$;

CREATE FUNCTION count_replies() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE public.activities SET replies_count = replies_count + 1
        WHERE uuid = NEW.reply_to_activity_uuid;
    ELSE
        UPDATE public.activities SET replies_count = replies_count - 1
        WHERE uuid = OLD.reply_to_activity_uuid;
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER likes_count AFTER INSERT OR DELETE ON likes
FOR EACH ROW EXECUTE FUNCTION count_likes();
CREATE TRIGGER reposts_count AFTER INSERT OR DELETE ON reposts
FOR EACH ROW EXECUTE FUNCTION count_reposts();
CREATE TRIGGER replies_count_insert AFTER INSERT ON activities
FOR EACH ROW WHEN (NEW.reply_to_activity_uuid IS NOT NULL) EXECUTE FUNCTION count_replies();
CREATE TRIGGER replies_count_delete AFTER DELETE ON activities
FOR EACH ROW WHEN (OLD.reply_to_activity_uuid IS NOT NULL) EXECUTE FUNCTION count_replies();

WITH counted AS (
    SELECT reply_to_activity_uuid AS uuid, count(*) AS replies
    FROM activities
    WHERE reply_to_activity_uuid IS NOT NULL
    GROUP BY reply_to_activity_uuid
)
UPDATE activities AS post SET replies_count = counted.replies
FROM counted WHERE post.uuid = counted.uuid;

GRANT SELECT, INSERT (activity_uuid, user_uuid), DELETE ON likes, reposts TO application;
