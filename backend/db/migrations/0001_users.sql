-- The people. Cognito knows who they are; here is what others see of them.

CREATE TABLE users (
    uuid uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 100),
    handle text NOT NULL CHECK (handle ~ '^[0-9A-Za-z_]{1,30}$'),
    email text CHECK (char_length(email) BETWEEN 3 AND 254),
    cognito_user_id text NOT NULL UNIQUE,
    bio text DEFAULT '' NOT NULL CHECK (char_length(bio) <= 1024),
    created_at timestamptz DEFAULT current_timestamp NOT NULL
);

-- Londo and londo are one handle, and one mail address. Who has none left it to somebody else.
CREATE UNIQUE INDEX users_handle_key ON users (lower(handle));
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

-- A person is added once; their handle and who they are in Cognito stay.
GRANT SELECT, INSERT (display_name, handle, email, cognito_user_id) ON users TO application;
GRANT UPDATE (display_name, email, bio) ON users TO application;
