-- Posts of users, and replies to them.

CREATE TABLE activities (
    uuid uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    user_uuid uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    message text NOT NULL,
    replies_count integer DEFAULT 0 NOT NULL CHECK (replies_count >= 0),
    reposts_count integer DEFAULT 0 NOT NULL CHECK (reposts_count >= 0),
    likes_count integer DEFAULT 0 NOT NULL CHECK (likes_count >= 0),
    -- A reply is deleted with its post, because it cannot be understood without it.
    reply_to_activity_uuid uuid REFERENCES activities ON DELETE CASCADE,
    expires_at timestamptz, -- Null for a reply.
    created_at timestamptz DEFAULT current_timestamp NOT NULL,
    CONSTRAINT activities_message_check CHECK (
        char_length(message) BETWEEN 1
        AND CASE WHEN reply_to_activity_uuid IS NULL THEN 280 ELSE 1024 END
    ),
    CONSTRAINT activities_expires_at_check CHECK (expires_at > created_at),
    CONSTRAINT activities_reply_check CHECK (
        reply_to_activity_uuid <> uuid AND (reply_to_activity_uuid IS NULL OR expires_at IS NULL)
    )
);

-- For the feed of all users, the posts of one user, and the replies to a post, with keyset pagination.
CREATE INDEX activities_feed ON activities (created_at DESC, uuid DESC);
CREATE INDEX activities_of_user ON activities (user_uuid, created_at DESC, uuid DESC);
CREATE INDEX activities_replies ON activities (reply_to_activity_uuid, created_at, uuid)
WHERE reply_to_activity_uuid IS NOT NULL;
-- For the removal of expired posts.
CREATE INDEX activities_expiring ON activities (expires_at) WHERE expires_at IS NOT NULL;

-- Messages are never changed; expired posts are deleted.
GRANT SELECT, INSERT, DELETE ON activities TO application;
GRANT UPDATE (replies_count, reposts_count, likes_count) ON activities TO application;
