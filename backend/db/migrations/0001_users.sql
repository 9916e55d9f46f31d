-- The profiles of users, as other users see them. Cognito authenticates the users.

CREATE TABLE users (
    uuid uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 100),
    handle text NOT NULL CHECK (handle ~ '^[0-9A-Za-z_]{1,30}$'),
    email text CHECK (char_length(email) BETWEEN 3 AND 254),
    cognito_user_id text NOT NULL UNIQUE,
    bio text DEFAULT '' NOT NULL CHECK (char_length(bio) <= 1024),
    created_at timestamptz DEFAULT current_timestamp NOT NULL
);

-- Handles and e-mail addresses are unique without regard to case. An address becomes null if
-- another user confirms it.
CREATE UNIQUE INDEX users_handle_key ON users (lower(handle));
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

-- A user is added once; the handle and the Cognito id never change.
GRANT SELECT, INSERT (display_name, handle, email, cognito_user_id) ON users TO application;
GRANT UPDATE (display_name, email, bio) ON users TO application;
