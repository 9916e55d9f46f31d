-- Remove the like of a user, if there is one. A trigger updates the count.
DELETE FROM likes WHERE activity_uuid = %(activity_uuid)s AND user_uuid = %(user_uuid)s
