-- transactional: false
CREATE INDEX CONCURRENTLY activities_feed ON activities (created_at DESC, uuid DESC);
