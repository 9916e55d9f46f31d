-- The triggers of 0007 change the counts. No release of the application ever did.
REVOKE UPDATE (replies_count, reposts_count, likes_count) ON activities FROM application;
