-- Posts and replies that have not expired, with their authors. The application reads only this view,
-- so an expired post is visible nowhere, even before it is deleted.

CREATE VIEW visible_activities AS
SELECT
    activity.uuid,
    activity.user_uuid,
    author.display_name,
    author.handle,
    author.cognito_user_id,
    author.avatar_version,
    activity.message,
    activity.replies_count,
    activity.reposts_count,
    activity.likes_count,
    activity.reply_to_activity_uuid,
    activity.reply_to_user_uuid,
    activity.expires_at,
    activity.created_at
FROM activities AS activity
JOIN users AS author ON author.uuid = activity.user_uuid
WHERE activity.expires_at IS NULL OR activity.expires_at > current_timestamp;

GRANT SELECT ON visible_activities TO application;
