DROP TRIGGER replies_count_insert ON activities;
DROP TRIGGER replies_count_delete ON activities;
DROP TABLE likes, reposts;
DROP FUNCTION count_likes, count_reposts, count_replies;
UPDATE activities SET replies_count = 0, reposts_count = 0, likes_count = 0
WHERE replies_count + reposts_count + likes_count > 0;
