-- transactional: false
-- For the search. The configuration simple has no language: words are neither stemmed nor omitted.
CREATE INDEX CONCURRENTLY activities_words ON activities USING gin (to_tsvector('simple', message));
