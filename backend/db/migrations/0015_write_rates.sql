-- How often each user writes, for all tasks of the application. The rows need not survive a crash, so
-- the table is not logged: an update costs no write to the log, and a standby has no rows.

CREATE UNLOGGED TABLE write_rates (
    cognito_user_id text PRIMARY KEY,
    -- The time at which the user may write as often as the limit allows again.
    full_at timestamptz NOT NULL
) WITH (fillfactor = 50); -- Updates stay on their page, and change no index.

GRANT SELECT, INSERT, UPDATE (full_at) ON write_rates TO application;
