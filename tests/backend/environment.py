"""A complete environment of the application, with the user pool whose tokens tests can sign."""

from tests.lambdas import access_tokens

ENVIRONMENT = {
    "FRONTEND_URL": "https://cruddur.example",
    "BACKEND_URL": "https://api.cruddur.example",
    "ASSETS_URL": "https://assets.cruddur.example",
    "PGHOST": "localhost",
    "PGPORT": "5432",
    "PGDATABASE": "cruddur",
    "PGUSER": "application",
    "DDB_MESSAGE_TABLE": "messages",
    "AVATAR_TOPIC_ARN": "arn:aws:sns:ca-central-1:000000000000:avatars",
    "AWS_COGNITO_USER_POOL_ID": access_tokens.POOL,
    "AWS_COGNITO_USER_POOL_CLIENT_ID": access_tokens.CLIENT,
    "AWS_DEFAULT_REGION": access_tokens.REGION,
}
