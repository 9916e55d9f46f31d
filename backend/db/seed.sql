-- Four users and two posts for development. A second run adds nothing. `./inv up` first signs up two
-- of the users in Cognito, so that they can sign in: the rows of these two are kept.

INSERT INTO users (uuid, display_name, handle, email, cognito_user_id)
VALUES
    ('00000000-0000-4000-8000-000000000001', 'Andrew Brown', 'andrewbrown', 'andrewbrown@example.com', 'MOCK-andrewbrown'),
    ('00000000-0000-4000-8000-000000000002', 'Alt Brown', 'altbrown', 'altbrown@example.com', 'MOCK-altbrown'),
    ('00000000-0000-4000-8000-000000000003', 'Andrew Bayko', 'bayko', 'bayko@example.com', 'MOCK-bayko'),
    ('00000000-0000-4000-8000-000000000004', 'Londo Mollari', 'londo', 'londo@example.com', 'MOCK-londo')
ON CONFLICT DO NOTHING;

INSERT INTO activities (uuid, user_uuid, message, expires_at)
SELECT post.uuid, users.uuid, post.message, current_timestamp + INTERVAL '10 days'
FROM (
    VALUES
        ('00000000-0000-4000-9000-000000000001'::uuid, 'andrewbrown', 'This was imported as seed data!'),
        ('00000000-0000-4000-9000-000000000002'::uuid, 'altbrown', 'I am the other!')
) AS post (uuid, author, message)
JOIN users ON lower(users.handle) = post.author
ON CONFLICT DO NOTHING;
