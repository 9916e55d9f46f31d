-- transactional: false
DROP INDEX CONCURRENTLY users_avatar_key;
