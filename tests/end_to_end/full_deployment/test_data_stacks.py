"""Tests of the deployed database, tables, user pool, buckets and distributions.

All tests share one deployment. Each creates its own data.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

import emulator
from tests.emulator_server import REGION
from tests.end_to_end.deployed import Deployed, code_of
from tests.srp import sign_in, verify_token
from tests.viewer import view

SITE, ASSETS = "https://cruddur.localhost", "https://assets.cruddur.localhost"
EMAIL, PASSWORD = "anna@cruddur.example", "Correct-horse-1"
IMAGE, OTHER_IMAGE = b"\xff\xd8\xff image", b"\xff\xd8\xff another"
PAGE, SCRIPT = b"<!doctype html><title>Cruddur</title>", b"export {}"
SITE_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def test_database_master(deployed):
    """The managed secret has the password of the master user, who must use TLS."""
    database = deployed.outputs["database"]

    with deployed.master() as master:
        me = master.execute("SELECT current_user, current_database()").fetchone()
        [superuser] = master.execute("SHOW is_superuser").fetchone()
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        deployed.master(sslmode="disable")

    assert ("overseer", database["Name"]) == me
    assert superuser == "off"
    assert "password authentication failed" in deployed.refused(user="overseer", password="wrong")


def test_database_token(deployed):
    """A database user without a password logs in with a token of a role that is allowed to connect.

    The policy allows one database user, in the database with the resource id from the outputs.
    """
    database = deployed.outputs["database"]
    application, migrator = database["Application"], database["Migrator"]
    account = f"{REGION}:{deployed.endpoint.account}"
    arn = f"arn:aws:rds-db:{account}:dbuser:{database['ResourceId']}/{application}"
    statement = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": arn}
    clerk = deployed.role("clerk", statement).client("rds")
    stranger = deployed.role("stranger", statement | {"Resource": arn.replace("/", "x/")}).client(
        "rds"
    )
    host_and_port = database["Address"], int(database["Port"])

    token = clerk.generate_db_auth_token(*host_and_port, application)
    with deployed.connect(user=application, password=token) as connection:
        me = connection.execute("SELECT current_user").fetchone()
    tokens = {
        "another user": (migrator, clerk.generate_db_auth_token(*host_and_port, migrator)),
        "the token of another user": (migrator, token),
        "another database": (
            application,
            stranger.generate_db_auth_token(*host_and_port, application),
        ),
    }
    errors = {
        case: deployed.refused(user=user, password=password)
        for case, (user, password) in tokens.items()
    }
    plain = deployed.refused(user=application, password=token, sslmode="disable")

    assert (application,) == me
    assert all("PAM authentication failed" in error for error in errors.values()), errors
    assert "no encryption" in plain


def test_messages(deployed):
    """A role reads and writes the table and index in its policy, and no other table.

    The stream contains the new item.
    """
    messages = deployed.outputs["messages"]
    table, index = messages["Table"], messages["Index"]
    arns = [messages["TableArn"], f"{messages['TableArn']}/index/{index}"]
    actions = [f"dynamodb:{action}" for action in ("PutItem", "GetItem", "Query")]
    task = deployed.role("task", {"Effect": "Allow", "Action": actions, "Resource": arns})
    dynamodb = task.client("dynamodb", endpoint_url=deployed.endpoint.url)
    key = {"pk": {"S": "GRP#anna"}, "sk": {"S": "2026-01-01T00:00:00Z"}}
    item = key | {"message_group_uuid": {"S": "one"}, "message": {"S": "Hello"}}
    key_of = {"pk": "GRP#anna", "message_group_uuid": "one"}
    queries = {
        name: {
            "TableName": table,
            "KeyConditionExpression": f"{name} = :value",
            "ExpressionAttributeValues": {":value": {"S": value}},
        }
        for name, value in key_of.items()
    }
    other = deployed.client("dynamodb").create_table(
        TableName="other",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableName"]

    dynamodb.put_item(TableName=table, Item=item)
    by_key = dynamodb.get_item(TableName=table, Key=key)["Item"]
    by_user = dynamodb.query(**queries["pk"])["Items"]
    by_conversation = dynamodb.query(IndexName=index, **queries["message_group_uuid"])["Items"]
    denied = {
        "scan": lambda: dynamodb.scan(TableName=table),
        "scan of the index": lambda: dynamodb.scan(TableName=table, IndexName=index),
        "deletion": lambda: dynamodb.delete_item(TableName=table, Key=key),
        "another table": lambda: dynamodb.put_item(TableName=other, Item=item),
    }
    codes = {case: code_of(call) for case, call in denied.items()}

    assert item == by_key
    assert [item] == by_user == by_conversation
    assert dict.fromkeys(denied, "AccessDeniedException") == codes
    [new] = streamed(deployed, table)
    assert ("INSERT", "NEW_IMAGE", item) == (
        new["eventName"],
        new["dynamodb"]["StreamViewType"],
        new["dynamodb"]["NewImage"],
    )


def streamed(deployed: Deployed, table: str) -> list[dict[str, Any]]:
    """Return all records of a table's stream."""
    described = deployed.client("dynamodb").describe_table(TableName=table)["Table"]
    stream, client = described["LatestStreamArn"], deployed.client("dynamodbstreams")
    found = client.describe_stream(StreamArn=stream)["StreamDescription"]
    assert found["StreamStatus"] == "ENABLED"
    [shard] = found["Shards"]
    start = client.get_shard_iterator(
        StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    return client.get_records(ShardIterator=start["ShardIterator"])["Records"]


def test_users(deployed):
    """A user signs up, confirms the address, signs in and gets tokens that can be verified.

    Users sign in with SRP only, which does not send the password.
    """
    pool, client = deployed.outputs["users"]["Pool"], deployed.outputs["users"]["Client"]
    keys = f"{deployed.endpoint.url}/{pool}/.well-known/jwks.json"
    profile = {"email": EMAIL, "name": "Anna", "preferred_username": "anna"}
    attributes = [{"Name": name, "Value": value} for name, value in profile.items()]
    user = {"ClientId": client, "Username": EMAIL}
    plain = {"USERNAME": EMAIL, "PASSWORD": PASSWORD}

    with deployed.anonymous("cognito-idp") as cognito:
        weak = code_of(
            lambda: cognito.sign_up(**user, Password="correcthorse", UserAttributes=attributes)
        )
        cognito.sign_up(**user, Password=PASSWORD, UserAttributes=attributes)
        [message] = [
            message for message in emulator.messages(deployed.endpoint) if message.to == EMAIL
        ]
        early = code_of(lambda: sign_in(cognito, pool, client, EMAIL, PASSWORD))
        wrong = f"{(int(message.secret) + 1) % 10**6:06}"
        mistyped = code_of(lambda: cognito.confirm_sign_up(**user, ConfirmationCode=wrong))
        cognito.confirm_sign_up(**user, ConfirmationCode=message.secret)
        guessed = code_of(lambda: sign_in(cognito, pool, client, EMAIL, "Wrong-horse-1"))
        tokens = sign_in(cognito, pool, client, EMAIL, PASSWORD)
        with pytest.raises(ClientError, match="USER_PASSWORD_AUTH flow not enabled"):
            cognito.initiate_auth(
                ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=plain
            )

    access, identity = (verify_token(tokens[name], keys) for name in ("AccessToken", "IdToken"))
    issuer = deployed.outputs["users"]["Issuer"]
    assert (weak, early) == ("InvalidPasswordException", "UserNotConfirmedException")
    assert (mistyped, guessed) == ("CodeMismatchException", "NotAuthorizedException")
    assert (issuer, client, "access") == (access["iss"], access["client_id"], access["token_use"])
    assert (issuer, client, "id") == (identity["iss"], identity["aud"], identity["token_use"])
    assert profile == {name: identity[name] for name in profile}
    assert access["sub"] == identity["sub"]
    assert access["exp"] - access["iat"] == 60 * 60


def test_pictures(deployed):
    """Avatars are served, with the default for a missing avatar; other missing files are a 404."""
    avatars, pictures = (
        deployed.outputs["assets"]["AvatarBucket"],
        deployed.outputs["assets"]["PictureBucket"],
    )
    default = default_avatar(deployed, pictures)
    deployed.put(avatars, "avatars/anna.jpg", IMAGE)
    deployed.put(pictures, "banners/summer.jpg", OTHER_IMAGE)

    found = view(deployed.endpoint, f"{ASSETS}/avatars/anna.jpg")
    missing = view(deployed.endpoint, f"{ASSETS}/avatars/missing.jpg")
    banner = view(deployed.endpoint, f"{ASSETS}/banners/summer.jpg")
    missing_banner = view(deployed.endpoint, f"{ASSETS}/banners/x")
    root = view(deployed.endpoint, f"{ASSETS}/")
    plain = view(deployed.endpoint, f"{ASSETS.replace('https', 'http')}/avatars/anna.jpg?v=2")

    assert (found.status, found.body) == (200, IMAGE)
    assert (200, default) == (missing.status, missing.body)
    assert (banner.status, banner.body) == (200, OTHER_IMAGE)
    assert (missing_banner.status, root.status) == (404, 404)
    assert (plain.status, plain.headers["Location"]) == (301, f"{ASSETS}/avatars/anna.jpg?v=2")
    for response in (found, missing, banner):
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-site"
        assert "sandbox" in response.headers["Content-Security-Policy"]


def default_avatar(deployed: Deployed, bucket: str) -> bytes:
    """Return the default avatar, which `deploy` uploads."""
    found = deployed.client("s3").get_object(Bucket=bucket, Key="defaults/avatar.jpg")
    return found["Body"].read()


def test_private_buckets(deployed):
    """Buckets are readable only through their distribution, and not writable through it."""
    buckets = {
        deployed.outputs["assets"]["AvatarBucket"]: "avatars/ben.jpg",
        deployed.outputs["assets"]["PictureBucket"]: "banners/winter.jpg",
        deployed.outputs["cdn"]["SiteBucket"]: "secret.txt",
    }
    for bucket, key in buckets.items():
        deployed.put(bucket, key, IMAGE)

    with deployed.anonymous("s3") as s3:
        codes = [
            code_of(lambda call=call: call())
            for bucket, key in buckets.items()
            for call in (
                lambda b=bucket, k=key: s3.get_object(Bucket=b, Key=k),
                lambda b=bucket: s3.list_objects_v2(Bucket=b),
                lambda b=bucket, k=key: s3.put_object(Bucket=b, Key=k, Body=b""),
            )
        ]
    written = view(deployed.endpoint, f"{ASSETS}/avatars/ben.jpg", "PUT").status

    assert set(codes) == {"AccessDenied"}
    assert written == 403
    assert view(deployed.endpoint, f"{ASSETS}/avatars/ben.jpg").body == IMAGE


def test_site(deployed):
    """The site serves files and pages, redirects to its domain, and answers 404 for a missing file."""
    bucket = deployed.outputs["cdn"]["SiteBucket"]
    deployed.put(bucket, "index.html", PAGE, "text/html")
    deployed.put(bucket, "assets/app.js", SCRIPT, "text/javascript")
    paths = ("/", "/@anna/status/1", "/@anna.b", "/assets/app.js", "/assets/missing.js")

    answers = {path: view(deployed.endpoint, SITE + path) for path in paths}
    moved = {
        url: view(deployed.endpoint, url).headers["Location"]
        for url in (
            "https://www.cruddur.localhost/a/b?c=d%20e&f",
            "http://cruddur.localhost/a/b?c=d%20e&f",
            "http://www.cruddur.localhost/a/b?c=d",
        )
    }

    got = {path: (answer.status, answer.body) for path, answer in answers.items()}
    page, script = (200, PAGE), (200, SCRIPT)
    assert got.pop("/assets/missing.js")[0] == 404
    assert dict(zip(paths, (page, page, page, script), strict=False)) == got
    assert answers["/@anna/status/1"].headers["Content-Type"] == "text/html"
    assert list(moved.values()) == [
        "https://cruddur.localhost/a/b?c=d%20e&f",
        "https://cruddur.localhost/a/b?c=d%20e&f",
        "https://www.cruddur.localhost/a/b?c=d",
    ]


def test_site_headers(deployed):
    """Every response of the site has the security headers, including error responses."""
    deployed.put(deployed.outputs["cdn"]["SiteBucket"], "index.html", PAGE, "text/html")

    for path in ("/", "/notifications", "/assets/missing.js"):
        headers = view(deployed.endpoint, SITE + path).headers
        content = headers["Content-Security-Policy"].split("; ")

        assert {name: headers[name] for name in SITE_HEADERS} == SITE_HEADERS
        assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= {*content}
        [origins] = [
            directive.split() for directive in content if directive.startswith("connect-src")
        ]
        assert f"https://cognito-idp.{REGION}.amazonaws.com" in origins
        assert "api.cruddur.localhost:*" in origins
