GRANT UPDATE (replies_count, reposts_count, likes_count) ON activities TO application;
