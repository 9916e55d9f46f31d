-- The primary key of the user who sends the request.
SELECT uuid FROM users WHERE cognito_user_id = %(cognito_user_id)s
