-- transactional: false
DROP INDEX CONCURRENTLY activities_posts_of_user;
