"""Access control of all requests; these tests act as an attacker."""

from __future__ import annotations

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

import emulator
from tests.emulator.access.attacker import (
    MISMATCH,
    NO_RETRIES,
    REGION,
    UNKNOWN_KEY,
    client,
    error_code,
    send,
    sign,
)
from tests.emulator.templates import parameter, template
from tests.emulator_server import Aws

CALLS = {
    "cloudformation": "list_stacks",
    "dynamodb": "list_tables",
    "ec2": "describe_vpcs",
    "iam": "list_users",
    "lambda": "list_functions",
    "logs": "describe_log_groups",
    "s3": "list_buckets",
    "sns": "list_topics",
    "sqs": "list_queues",
    "ssm": "describe_parameters",
    "sts": "get_caller_identity",
}
UNSIGNED_CODES = {
    "AccessDenied",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "MissingParameter",  # EC2 requires AWSAccessKeyId.
}


@pytest.mark.parametrize("service", CALLS)
def test_published_credentials(endpoint: emulator.Endpoint, service: str) -> None:
    """The account id with the published secret of MiniStack, or with a guessed secret, is refused."""
    for secret in ("test", "x" * 40, ""):
        key = endpoint.access_key, secret or "none"
        assert error_code(getattr(client(endpoint, service, *key), CALLS[service])) in MISMATCH


@pytest.mark.parametrize("service", CALLS)
def test_unknown_key(endpoint: emulator.Endpoint, service: str) -> None:
    """MiniStack's other published key and an unknown key are refused."""
    for key in ("test", "AKIAIOSFODNN7EXAMPLE"):
        for secret in ("test", endpoint.secret_key):
            call = getattr(client(endpoint, service, key, secret), CALLS[service])
            assert error_code(call) in UNKNOWN_KEY


@pytest.mark.parametrize("service", CALLS)
def test_unsigned(endpoint: emulator.Endpoint, service: str) -> None:
    """A call without credentials is refused, in each service."""
    config = NO_RETRIES.merge(Config(signature_version=UNSIGNED))
    call = getattr(client(endpoint, service, config=config), CALLS[service])

    with pytest.raises(ClientError) as failed:
        call()

    assert 400 <= failed.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert failed.value.response["Error"]["Code"] in UNSIGNED_CODES


def test_issued_keys(aws: Aws) -> None:
    """Keys of IAM users and STS sessions are valid only with their own secret key and token."""
    iam = aws.client("iam")
    iam.create_user(UserName="ada")
    user = iam.create_access_key(UserName="ada")["AccessKey"]
    key, secret = user["AccessKeyId"], user["SecretAccessKey"]

    assert client(aws.endpoint, "sts", key, secret).get_caller_identity()["Arn"].endswith("/ada")
    for wrong in (aws.endpoint.secret_key, "test", secret[::-1]):
        assert error_code(client(aws.endpoint, "sts", key, wrong).get_caller_identity) in MISMATCH

    session = aws.client("sts").get_session_token()["Credentials"]
    keys = session["AccessKeyId"], session["SecretAccessKey"]
    client(aws.endpoint, "sts", *keys, session["SessionToken"]).get_caller_identity()
    assert error_code(client(aws.endpoint, "sts", *keys).get_caller_identity) in UNKNOWN_KEY
    assert error_code(client(aws.endpoint, "sts", *keys, "x").get_caller_identity) in UNKNOWN_KEY

    iam.delete_access_key(UserName="ada", AccessKeyId=key)
    assert error_code(client(aws.endpoint, "sts", key, secret).get_caller_identity) in UNKNOWN_KEY


def test_changed_request(aws: Aws) -> None:
    """A signed request is refused after its body, path, query or headers were changed."""
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    headers = form | sign(aws.endpoint, "POST", "/", body)
    assert send(aws.endpoint, "POST", "/", body, **headers).status == 200

    other = b"Action=GetSessionToken&Version=2011-06-15"
    date = headers["X_Amz_Date"]
    later = headers | {"X_Amz_Date": f"{date[:-2]}{(int(date[-2]) + 1) % 10}Z"}
    more = headers | {"X_Amz_Target": "DynamoDB_20120810.ListTables"}
    assert send(aws.endpoint, "POST", "/", other, **headers).status == 403
    assert send(aws.endpoint, "POST", "/bucket", body, **headers).status == 403
    assert send(aws.endpoint, "POST", "/?Action=ListUsers", body, **headers).status == 403
    assert send(aws.endpoint, "POST", "/", body, **later).status == 403
    assert send(aws.endpoint, "POST", "/", body, **more).status == 403


def test_preflight_of_a_presigned_url_needs_no_signature(aws: Aws) -> None:
    """A browser sends a preflight to the same URL, whose signature is for PUT only."""
    bucket, origin = f"c-{aws.endpoint.account}", "https://site.example"
    location = {"LocationConstraint": REGION}
    aws.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
    rule = {"AllowedOrigins": [origin], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"]}
    aws.client("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    url = aws.client("s3").generate_presigned_url(
        "put_object", Params={"Bucket": bucket, "Key": "k"}
    )
    path = url.removeprefix(aws.endpoint.url)
    preflight = {"Origin": origin, "Access_Control_Request_Method": "PUT"}

    refused = send(aws.endpoint, "OPTIONS", path, **preflight)
    emulator.allow(aws.endpoint, origins=[origin])
    permitted = send(aws.endpoint, "OPTIONS", path, **preflight)
    unasked = send(aws.endpoint, "OPTIONS", path, Origin=origin)

    assert (refused.status, permitted.status, unasked.status) == (403, 200, 403)
    assert origin == permitted.headers["access-control-allow-origin"]


def test_presigned_url_is_valid_for_s3_only(aws: Aws) -> None:
    """A presigned URL cannot be used for a call of another service."""
    aws.deploy("stack", template(One=parameter("1")))
    aws.client("s3").create_bucket(
        Bucket=f"b-{aws.endpoint.account}",
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    url = aws.client("s3").generate_presigned_url(
        "put_object", Params={"Bucket": f"b-{aws.endpoint.account}", "Key": "k"}
    )
    path = url.removeprefix(aws.endpoint.url)
    form = "application/x-www-form-urlencoded"
    delete = b"Action=DeleteStack&StackName=stack&Version=2010-05-15"

    as_form = send(aws.endpoint, "PUT", path, delete, Content_Type=form)
    as_target = send(
        aws.endpoint, "PUT", path, b'{"Name": "x"}', X_Amz_Target="AmazonSSM.DeleteParameter"
    )
    as_meant = send(aws.endpoint, "PUT", path, b"body", Content_Type="text/plain")

    assert (as_form.status, as_target.status, as_meant.status) == (403, 403, 200)
    assert aws.stack("stack")["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {"Origin": "http://["}),
        ("/", {"Origin": "http://a:b:c"}),
        ("/", {"Host": "a" * 5000}),
        ("/?X-Amz-Signature=%C3%A9&X-Amz-Algorithm=AWS4-HMAC-SHA256", {}),
        ("/?%ff=%ff&X-Amz-Credential=%ff", {}),
        ("/", {"Authorization": "AWS4-HMAC-SHA256 Credential=\u00e9"}),
        ("/", {"Authorization": "AWS4-HMAC-SHA256 " + "," * 5000}),
    ],
)
def test_malformed(server: emulator.Endpoint, path: str, headers: dict[str, str]) -> None:
    """Malformed requests are refused without a server error."""
    host = headers.pop("Host", None)

    assert 400 <= send(server, "GET", path, host=host, **headers).status < 500
