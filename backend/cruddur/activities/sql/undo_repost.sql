-- Remove the repost of a user, if there is one. A trigger updates the count.
DELETE FROM reposts WHERE activity_uuid = %(activity_uuid)s AND user_uuid = %(user_uuid)s
