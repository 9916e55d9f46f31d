-- transactional: false
-- activities_posts replaces it.
DROP INDEX CONCURRENTLY activities_feed;
