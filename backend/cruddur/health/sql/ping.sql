-- A statement that succeeds while the database is available.
SELECT true
