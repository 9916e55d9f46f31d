-- transactional: false
DROP INDEX CONCURRENTLY activities_posts;
