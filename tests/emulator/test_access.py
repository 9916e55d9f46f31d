"""Access control of the emulator. These tests act as attackers."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.loaders import Loader

import emulator
from emulator.process import is_locked
from tests.emulator.apis import hello
from tests.emulator.functions import ROLE, code, function
from tests.emulator.templates import att, parameter, ref, template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.emulator_server import Aws

REGION = "ca-central-1"
EVIL = "https://evil.example"
NOBODY = 65534
CHECKOUT = Path(__file__).parents[2]
QUIET = Config(retries={"total_max_attempts": 1}, proxies={})


@dataclass(frozen=True)
class Answer:
    """The response to an attacker."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(
    endpoint: emulator.Endpoint,
    method: str,
    path: str,
    body: bytes = b"",
    host: str | None = None,
    **headers: str,
) -> Answer:
    """Send a request as it is, to the port of the emulator."""
    address = urlsplit(endpoint.url).netloc
    connection = http.client.HTTPConnection(address, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body or None, {"Host": host or address} | named)
    answer = connection.getresponse()
    got = answer.read()
    connection.close()
    return Answer(answer.status, {n.lower(): v for n, v in answer.getheaders()}, got)


def sign(
    endpoint: emulator.Endpoint, method: str, path: str, body: bytes = b"", **how: str
) -> dict[str, str]:
    """Headers that the root of the account, or another key, signs a request with."""
    host = how.get("host", urlsplit(endpoint.url).netloc)
    request = AWSRequest(method, f"http://{host}{path}", data=body)
    key = how.get("key", endpoint.access_key), how.get("secret", endpoint.secret_key)
    SigV4Auth(Credentials(*key), how.get("service", "sts"), REGION).add_auth(request)
    return {name.replace("-", "_"): value for name, value in request.headers.items()}


def signed_with(
    endpoint: emulator.Endpoint,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
    **how: str,
) -> dict[str, str]:
    """Headers of a request that has more *headers*, which are signed like the others."""
    request = AWSRequest(method, f"{endpoint.url}{path}", data=body)
    for name, value in headers.items():
        request.headers[name.replace("_", "-")] = value
    signer = S3SigV4Auth if how["service"] == "s3" else SigV4Auth
    signer(Credentials(how["key"], how["secret"]), how["service"], REGION).add_auth(request)
    return {name.replace("-", "_"): value for name, value in request.headers.items()}


LOADER = Loader()  # Keeps the service models: reading EC2's takes 100 ms.


def client(
    endpoint: emulator.Endpoint,
    service: str,
    *key: str | None,
    config: Config = QUIET,
) -> Any:
    """A client with the *key* of an attacker: access key, secret and token."""
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    session = botocore.session.Session()
    session.register_component("data_loader", LOADER)
    return session.create_client(
        service,
        REGION,
        endpoint_url=endpoint.url,
        config=config,
        **dict(zip(names, key, strict=False)),
    )


def code_of(call: Any) -> str:
    """The code of the error that *call* ends with."""
    with pytest.raises(ClientError) as failed:
        call()
    return str(failed.value.response["Error"]["Code"])


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
UNKNOWN = {
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "AuthFailure",
}
MISMATCH = {"SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure"}
UNSIGNED_CODES = {
    "AccessDenied",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "MissingParameter",  # EC2 misses AWSAccessKeyId.
}


# Credentials ------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", CALLS)
def test_published_credentials(endpoint: emulator.Endpoint, service: str) -> None:
    """The account's number with MiniStack's published secret, or a guessed one, is refused."""
    for secret in ("test", "x" * 40, ""):
        key = endpoint.access_key, secret or "none"
        assert code_of(getattr(client(endpoint, service, *key), CALLS[service])) in MISMATCH


@pytest.mark.parametrize("service", CALLS)
def test_unknown_key(endpoint: emulator.Endpoint, service: str) -> None:
    """MiniStack's other published key and an unknown key are refused."""
    for key in ("test", "AKIAIOSFODNN7EXAMPLE"):
        for secret in ("test", endpoint.secret_key):
            call = getattr(client(endpoint, service, key, secret), CALLS[service])
            assert code_of(call) in UNKNOWN


@pytest.mark.parametrize("service", CALLS)
def test_unsigned(endpoint: emulator.Endpoint, service: str) -> None:
    """A call without credentials is refused; ListBuckets was served."""
    config = QUIET.merge(Config(signature_version=UNSIGNED))
    call = getattr(client(endpoint, service, config=config), CALLS[service])

    with pytest.raises(ClientError) as failed:
        call()

    assert 400 <= failed.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert failed.value.response["Error"]["Code"] in UNSIGNED_CODES


def test_session_and_user(aws: Aws) -> None:
    """Keys that IAM and STS give out are good with their own secret only, and their own token."""
    iam = aws.client("iam")
    iam.create_user(UserName="ada")
    user = iam.create_access_key(UserName="ada")["AccessKey"]
    key, secret = user["AccessKeyId"], user["SecretAccessKey"]

    assert client(aws.endpoint, "sts", key, secret).get_caller_identity()["Arn"].endswith("/ada")
    for wrong in (aws.endpoint.secret_key, "test", secret[::-1]):
        assert code_of(client(aws.endpoint, "sts", key, wrong).get_caller_identity) in MISMATCH

    session = aws.client("sts").get_session_token()["Credentials"]
    own = session["AccessKeyId"], session["SecretAccessKey"]
    client(aws.endpoint, "sts", *own, session["SessionToken"]).get_caller_identity()
    assert code_of(client(aws.endpoint, "sts", *own).get_caller_identity) in UNKNOWN
    assert code_of(client(aws.endpoint, "sts", *own, "x").get_caller_identity) in UNKNOWN

    iam.delete_access_key(UserName="ada", AccessKeyId=key)
    assert code_of(client(aws.endpoint, "sts", key, secret).get_caller_identity) in UNKNOWN


def reader(aws: Aws, *actions: str) -> dict[str, str]:
    """The key of a user whom a policy allows *actions* everywhere, as `sign` takes it."""
    iam, statement = aws.client("iam"), {"Effect": "Allow", "Action": actions, "Resource": "*"}
    iam.create_user(UserName="ada")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="ada", PolicyName="reads", PolicyDocument=policy)
    made = iam.create_access_key(UserName="ada")["AccessKey"]
    return {"key": made["AccessKeyId"], "secret": made["SecretAccessKey"]}


FORM = {"Content_Type": "application/x-www-form-urlencoded"}
TARGET = {"X_Amz_Target": "DynamoDB_20120810.DeleteTable"}


@pytest.mark.parametrize(
    ("service", "line", "body", "more"),
    [
        ("s3", "PUT /{bucket}/key?Action=GetObject", b"mine", {}),
        ("s3", "DELETE /{bucket}/key?Action=GetObject", b"", {}),
        ("s3", "PUT /{bucket}/key", b"mine", {"X_Amz_Target": "S3.GetObject"}),
        ("lambda", "DELETE /2015-03-31/functions/f?Action=GetFunction", b"", {}),
        ("lambda", "DELETE /2015-03-31/functions/f", b"", {"X_Amz_Target": "L.GetFunction"}),
        ("dynamodb", "POST /?Action=DescribeTable", b'{"TableName": "t"}', TARGET),
        ("cloudformation", "POST /?Action=ListStacks", b"Action=DeleteStack&StackName=s", FORM),
        ("iam", "POST /?Action=GetUser&Action=DeleteUser&UserName=ada", b"", {}),
        ("iam", "POST /?Action=GetUser", b"", FORM | {"Content_Encoding": "gzip"}),
    ],
)
def test_second_operation(
    aws: Aws, service: str, line: str, body: bytes, more: dict[str, str]
) -> None:
    """A request that names an operation which policies allow, and performs another, is refused."""
    key = reader(
        aws,
        *("s3:GetObject", "lambda:GetFunction", "dynamodb:DescribeTable"),
        *("cloudformation:ListStacks", "iam:GetUser"),
    )
    method, path = line.format(bucket=f"b-{aws.endpoint.account}").split()
    headers = signed_with(aws.endpoint, method, path, body, more, service=service, **key)

    answer = ask(aws.endpoint, method, path, body, **headers)

    assert b"InvalidAction" in answer.body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/2021-11-15/functions/f/response-streaming-invocations"),
        ("POST", "/2014-11-13/functions/f/invoke-async"),
        ("DELETE", "/2018-10-31/layers/l/versions/1"),
        ("PUT", "/2015-03-31/event-source-mappings/e"),
    ],
)
def test_operation_without_a_name(aws: Aws, method: str, path: str) -> None:
    """What MiniStack knows no permission for is denied to whom no policy allows everything."""
    key = reader(aws, "lambda:GetFunction")
    mine = sign(aws.endpoint, method, path, b"{}", service="lambda", **key)
    root = sign(aws.endpoint, method, path, b"{}", service="lambda")

    assert b"AccessDenied" in ask(aws.endpoint, method, path, b"{}", **mine).body
    assert b"AccessDenied" not in ask(aws.endpoint, method, path, b"{}", **root).body


TELLS = """
import json, os

def handler(event, context):
    return json.dumps([os.environ[name] for name in (
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")])
"""


def test_function_keys_cannot_be_computed(aws: Aws) -> None:
    """A function has keys of its role, which cannot be computed from the two ARNs."""
    made = template(Role=ROLE, Tells=function(code(aws, TELLS))) | {
        "Outputs": {
            "Function": {"Value": att("Tells", "Arn")},
            "Role": {"Value": att("Role", "Arn")},
        }
    }
    aws.deploy("s", made, Capabilities=["CAPABILITY_IAM"])
    known = aws.outputs("s")
    invoked = aws.client("lambda").invoke(FunctionName=known["Function"])["Payload"].read()
    key, secret, token = json.loads(json.loads(invoked))
    digest = hashlib.sha256(f"{known['Function']}:{known['Role']}".encode()).hexdigest()
    computed = (
        f"ASIA{digest[:16].upper()}",
        hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    )

    mine = client(aws.endpoint, "sts", key, secret, token).get_caller_identity()
    assert ":assumed-role/" in mine["Arn"]
    assert aws.endpoint.secret_key not in (key, secret, token)
    assert code_of(client(aws.endpoint, "sts", *computed).get_caller_identity) in UNKNOWN


def test_invented_web_identity(aws: Aws) -> None:
    """A token without a provider's signature is refused, whatever its claims."""
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": f"arn:aws:iam::{aws.endpoint.account}:oidc-provider/ci.example"},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.client("iam").create_role(RoleName="ci", AssumeRolePolicyDocument=document)["Role"]
    claims = {"iss": "https://ci.example", "aud": "sts.amazonaws.com", "sub": "me"}
    good = emulator.web_identity_token(aws.endpoint, claims)
    head, body, signature = good.split(".")
    sts = client(aws.endpoint, "sts", config=QUIET.merge(Config(signature_version=UNSIGNED)))

    def assume(token: str) -> Any:
        return sts.assume_role_with_web_identity(
            RoleArn=role["Arn"], RoleSessionName="attacker", WebIdentityToken=token
        )

    assert assume(good)["Credentials"]["AccessKeyId"].startswith("ASIA")
    for token in (f"{head}.{body}.", f"{head}.{body}.e30", f"{head}.{body[:-4]}.{signature}"):
        assert "InvalidIdentityToken" == code_of(lambda token=token: assume(token))


# Requests that were changed on their way, or kept ---------------------------------------------------


def test_tampered(aws: Aws) -> None:
    """A signed request with another body, path, query or header is refused."""
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    headers = form | sign(aws.endpoint, "POST", "/", body)
    assert 200 == ask(aws.endpoint, "POST", "/", body, **headers).status

    other = b"Action=GetSessionToken&Version=2011-06-15"
    date = headers["X_Amz_Date"]
    later = headers | {"X_Amz_Date": f"{date[:-2]}{(int(date[-2]) + 1) % 10}Z"}
    more = headers | {"X_Amz_Target": "DynamoDB_20120810.ListTables"}
    assert 403 == ask(aws.endpoint, "POST", "/", other, **headers).status
    assert 403 == ask(aws.endpoint, "POST", "/bucket", body, **headers).status
    assert 403 == ask(aws.endpoint, "POST", "/?Action=ListUsers", body, **headers).status
    assert 403 == ask(aws.endpoint, "POST", "/", body, **later).status
    assert 403 == ask(aws.endpoint, "POST", "/", body, **more).status


def test_url_of_s3_is_good_for_s3_alone(aws: Aws) -> None:
    """A presigned URL cannot be used for a call of another service."""
    aws.deploy("mine", template(One=parameter("1")))
    aws.client("s3").create_bucket(
        Bucket=f"b-{aws.endpoint.account}",
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    url = aws.client("s3").generate_presigned_url(
        "put_object", Params={"Bucket": f"b-{aws.endpoint.account}", "Key": "k"}
    )
    path = url.removeprefix(aws.endpoint.url)
    form = "application/x-www-form-urlencoded"
    delete = b"Action=DeleteStack&StackName=mine&Version=2010-05-15"

    as_form = ask(aws.endpoint, "PUT", path, delete, Content_Type=form)
    as_target = ask(
        aws.endpoint, "PUT", path, b'{"Name": "x"}', X_Amz_Target="AmazonSSM.DeleteParameter"
    )
    as_meant = ask(aws.endpoint, "PUT", path, b"body", Content_Type="text/plain")

    assert (403, 403, 200) == (as_form.status, as_target.status, as_meant.status)
    assert "CREATE_COMPLETE" == aws.stack("mine")["StackStatus"]


# Endpoints that were open ---------------------------------------------------------------------------

OPEN = [
    ("POST", "/_ministack/reset"),
    ("POST", "/_ministack/reset?init=1"),
    ("POST", "/_ministack/config"),
    ("GET", "/_ministack/lambda-code/x"),
    ("GET", "/_ministack/lambda-code/000000000000/ca-central-1/x"),
    ("GET", "/_ministack/lambda-layers/x/1/content"),
    ("GET", "/_ministack/health"),
    ("GET", "/_ministack/ready"),
    ("GET", "/_ministack/ses/messages"),
    ("GET", "/_ministack/sqs/messages"),
    ("GET", "/_ministack/sns/sms-messages"),
    ("GET", "/_ministack/transfer/sftp-ports"),
    ("GET", "/_ministack/iot/ca.pem"),
    ("GET", "/_ministack/rds/ca.pem"),
    ("GET", "/_ministack/elasticache/ca.pem"),
    ("POST", "/_ministack/rds/iam-auth"),
    ("POST", "/_ministack/eks-auth/x"),
    ("GET", "/_localstack/health"),
    ("GET", "/_localstack/x"),
    ("GET", "/health"),
    ("POST", "/_emulator/resource-delay"),
    ("POST", "/_emulator/prerequisites"),
    ("POST", "/_emulator/messages"),
    ("POST", "/_emulator/access"),
    ("GET", "/_emulator"),
    ("GET", f"/_emulator?challenge={'0' * 64}"),
    ("GET", "/_emulator/../_emulator"),
    ("GET", "/%5Femulator"),
    ("GET", "/"),
    ("GET", "/?Action=ListUsers&Version=2010-05-08"),
    ("POST", "/?Action=ListUsers&Version=2010-05-08"),
    ("GET", "/?Action=ConfirmSubscription&Token=x&TopicArn=x&Action=ListTopics"),
    ("GET", "/?Action=ConfirmSubscription&Token=x&StackName=x"),
    ("GET", "/_aws/execute-api/00000000/x"),
    ("GET", "/_aws/lambda-url/00000000/x"),
    ("GET", "/_alb/x/"),
    ("GET", "/restapis/0/x/_user_request_/"),
    ("GET", "/oauth2/authorize"),
    ("POST", "/oauth2/token"),
    ("POST", "/oauth2/userInfo"),
    ("POST", "/login"),
    ("GET", "/logout"),
    ("GET", "/v2/"),
    ("GET", "/v2/_catalog"),
    ("GET", "/iceberg/v1/config"),
    ("GET", "/v20180820/tags/arn%3Aaws%3As3%3A%3A%3Ax"),
    ("POST", "/Execute"),
    ("GET", "/latest/meta-data/"),
    ("PUT", "/latest/api/token"),
    ("POST", "/WriteGetObjectResponse"),
    ("PUT", "/_ministack/cfn-response/short"),
    ("DELETE", "/_ministack/cfn-response/00000000-0000-0000-0000-000000000000"),
    ("OPTIONS", "/"),
    ("OPTIONS", "/_emulator/resource-delay"),
    ("GET", "/ca-central-1_abcdefghi/.well-known/jwks.json"),
]


@pytest.mark.parametrize(("method", "path"), OPEN, ids=str)
def test_open_endpoint(server: emulator.Endpoint, method: str, path: str) -> None:
    """Nothing that is not AWS's own, and nothing of AWS's that needs credentials, is served."""
    answer = ask(server, method, path, b"{}" if method == "POST" else b"")

    assert 400 <= answer.status < 500
    assert "access-control-allow-origin" not in answer.headers
    assert b"proof" not in answer.body


@pytest.mark.parametrize("path", ["/_ministack/reset", "/_ministack/config", "/_localstack/health"])
def test_not_even_with_the_key(endpoint: emulator.Endpoint, path: str) -> None:
    """MiniStack's own endpoints cannot be reached at all."""
    for service in ("s3", "emulator"):
        headers = sign(endpoint, "POST", path, service=service)
        assert 403 == ask(endpoint, "POST", path, **headers).status


def test_orders_are_for_root(aws: Aws) -> None:
    """A session cannot give the server orders, nor a signature for one of AWS's services."""
    session = aws.client("sts").get_session_token()["Credentials"]
    body = json.dumps({"account": aws.endpoint.account, "seconds": 0}).encode()
    key = {"key": session["AccessKeyId"], "secret": session["SecretAccessKey"]}

    as_session = sign(
        aws.endpoint, "POST", "/_emulator/resource-delay", body, service="emulator", **key
    )
    as_sts = sign(aws.endpoint, "POST", "/_emulator/resource-delay", body)
    as_root = sign(aws.endpoint, "POST", "/_emulator/resource-delay", body, service="emulator")

    assert 403 == ask(aws.endpoint, "POST", "/_emulator/resource-delay", body, **as_session).status
    assert 403 == ask(aws.endpoint, "POST", "/_emulator/resource-delay", body, **as_sts).status
    assert (
        403 == ask(aws.endpoint, "POST", "/_emulator/resource-delay", body + b" ", **as_root).status
    )
    assert 200 == ask(aws.endpoint, "POST", "/_emulator/resource-delay", body, **as_root).status


# Web pages ------------------------------------------------------------------------------------------


ORIGINS = (EVIL, "null", "", "http://localhost:3000")


def test_simple_form(aws: Aws) -> None:
    """Requests that any page can send without a preflight change nothing."""
    aws.deploy("before", template(One=parameter("1")))
    slow = json.dumps({"account": aws.endpoint.account, "seconds": 600}).encode()
    attempts = (
        ("/_ministack/reset", b""),
        ("/_emulator/resource-delay", slow),
        ("/_ministack/config", b'{"lambda_svc.LAMBDA_EXECUTOR": "docker"}'),
        ("/", b"Action=DeleteStack&StackName=before&Version=2010-05-15"),
    )

    for kind, origin in product(("text/plain", "application/x-www-form-urlencoded", ""), ORIGINS):
        headers = ({"Content_Type": kind} if kind else {}) | ({"Origin": origin} if origin else {})
        for path, body in attempts:
            answer = ask(aws.endpoint, "POST", path, body, **headers)
            assert 403 == answer.status
            assert "access-control-allow-origin" not in answer.headers

    assert "CREATE_COMPLETE" == aws.stack("before")["StackStatus"]
    began = time.monotonic()
    aws.deploy("after", template(Two=parameter("2")))
    assert time.monotonic() - began < 20


def test_preflight(endpoint: emulator.Endpoint) -> None:
    """A foreign page gets no CORS headers, on any path; it used to get `*`."""
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "x"}
    for path in (
        "/",
        "/bucket/key",
        "/_emulator/resource-delay",
        "/_ministack/reset",
        "/_aws/execute-api/x/y",
    ):
        answer = ask(endpoint, "OPTIONS", path, Origin=EVIL, **asked)
        assert 403 == answer.status
        assert [] == [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/_ministack/rds/iam-auth", "/_ministack/reset", "/_alb/x/"])
def test_preflight_with_a_forged_origin(endpoint: emulator.Endpoint, path: str) -> None:
    """What claims to be a page of the local site does not reach MiniStack's own endpoints."""
    origin = "http://localhost:4567"
    emulator.allow(endpoint, origins=[origin])
    named = {"Origin": origin, "Access_Control_Request_Method": "POST"}

    answer = ask(endpoint, "OPTIONS", path, b"{}", **named)

    assert (403, True) == (answer.status, b"needs a signature" in answer.body)


def test_foreign_origin_with_the_key(aws: Aws) -> None:
    """A foreign page is refused even if it has somehow got a signature: it is not our user."""
    headers = sign(aws.endpoint, "GET", "/", service="sts")

    answer = ask(aws.endpoint, "GET", "/", Origin=EVIL, **headers)

    assert 403 == answer.status
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"Sec_Fetch_Site": "none"}, 404),
        ({"Sec_Fetch_Site": "same-origin"}, 404),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
    ],
)
def test_fetched_without_origin(aws: Aws, headers: dict[str, str], status: int) -> None:
    """A picture or script of another page is refused where it needs no credentials, too."""
    link = urlencode({
        "Action": "ConfirmSubscription",
        "TopicArn": f"arn:aws:sns:{REGION}:{aws.endpoint.account}:none",
        "Token": "x",
    })  # fmt: skip

    assert status == ask(aws.endpoint, "GET", f"/?{link}", **headers).status


def test_websocket(server: emulator.Endpoint) -> None:
    """A handshake is refused: browsers let every page try one."""
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    key = {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}

    for path in ("/", "/_aws/execute-api/00000000/x"):
        assert 403 == ask(server, "GET", path, Origin=EVIL, **upgrade, **key).status


# Names ----------------------------------------------------------------------------------------------

HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "evil.localhost:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.0.0.1.evil.example:{port}",
    "localhost",
    "localhost.evil.example:{port}",
    "sts.amazonaws.com.evil.example",
    "evil-amazonaws.com",
    "unknown.cloudfront.net",
    "[::1]:{port}",
    "0.0.0.0:{port}",
    "127.1:{port}",
    "2130706433:{port}",
    "127.0.0.1:{port}@evil.example",
]


@pytest.mark.parametrize("host", HOSTS)
def test_rebinding(endpoint: emulator.Endpoint, host: str) -> None:
    """An unknown Host is refused, even if the request is signed."""
    host = host.format(port=urlsplit(endpoint.url).port)
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = sign(endpoint, "POST", "/", body, host=host)
    headers |= {"Content_Type": "application/x-www-form-urlencoded"}

    answer = ask(endpoint, "POST", "/", body, host, **headers)

    assert 403 == answer.status
    assert b"Host " in answer.body


@pytest.mark.parametrize("host", ["localhost:{port}", "sts.ca-central-1.amazonaws.com"])
def test_own_names(endpoint: emulator.Endpoint, host: str) -> None:
    """The machine's own name and those of AWS's endpoints are served."""
    host = host.format(port=urlsplit(endpoint.url).port)
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = sign(endpoint, "POST", "/", body, host=host)
    headers |= {"Content_Type": "application/x-www-form-urlencoded"}

    assert 200 == ask(endpoint, "POST", "/", body, host, **headers).status


def test_two_hosts(server: emulator.Endpoint) -> None:
    """A request with two Host headers is refused."""
    address = urlsplit(server.url).netloc
    text = f"GET / HTTP/1.1\r\nHost: {address}\r\nHost: evil.example\r\n\r\n"
    with socket.create_connection(tuple(address.split(":")), timeout=10) as connection:
        connection.sendall(text.encode())
        answered = connection.recv(1024)

    assert answered.startswith(b"HTTP/1.1 4")


# What is public -------------------------------------------------------------------------------------


def test_public_object(aws: Aws) -> None:
    """Objects that a bucket's policy makes public are served, and no others."""
    bucket, s3 = f"b-{aws.endpoint.account}", aws.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"),
            False,
        ),
    )
    for key in ("open/a", "closed/a"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"content")
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/open/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    before = ask(aws.endpoint, "GET", f"/{bucket}/open/a").status
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)

    read = ask(aws.endpoint, "GET", f"/{bucket}/open/a")

    assert (403, 200, b"content") == (before, read.status, read.body)
    assert 403 == ask(aws.endpoint, "GET", f"/{bucket}/closed/a").status
    assert 403 == ask(aws.endpoint, "GET", f"/{bucket}").status
    assert 403 == ask(aws.endpoint, "GET", f"/{bucket}/open/a?acl").status
    assert 403 == ask(aws.endpoint, "PUT", f"/{bucket}/open/a", b"mine").status
    assert 403 == ask(aws.endpoint, "DELETE", f"/{bucket}/open/a").status
    assert 403 == ask(aws.endpoint, "GET", f"/{bucket}/open/a", Origin=EVIL).status
    target = {"X_Amz_Target": "AmazonSSM.DescribeParameters"}
    assert 400 == ask(aws.endpoint, "GET", f"/{bucket}/open/a", **target).status
    other = ask(aws.endpoint, "GET", f"/{bucket}/open/a", host=f"lambda.{REGION}.amazonaws.com")
    assert (403, True) == (other.status, b"MissingAuthenticationToken" in other.body)


COGNITO = "AWSCognitoIdentityProviderService"


@pytest.mark.parametrize(
    ("target", "path", "headers"),
    [
        (f"{COGNITO}.ListUserPools", "/", {}),
        (f"{COGNITO}.AdminCreateUser", "/", {}),
        (f"{COGNITO}.signup", "/", {}),
        (f"{COGNITO}.SignUp", "/bucket/key", {}),
        (f"{COGNITO}.SignUp", "/?Action=ListUsers", {}),
        (f"{COGNITO}.SignUp", "/", {"Content_Type": "text/plain"}),
        (f"{COGNITO}.SignUp", "/", {"Authorization": "Basic dGVzdDp0ZXN0"}),
        ("AWSCognitoIdentityService.GetCredentialsForIdentity", "/", {}),
        ("AWSCognitoIdentityService.GetId", "/", {}),
    ],
)
def test_cognito(endpoint: emulator.Endpoint, target: str, path: str, headers: Any) -> None:
    """Only the public operations of user pools are public, in the form that clients send them."""
    named = {"Content_Type": "application/x-amz-json-1.1", "X_Amz_Target": target} | headers

    answer = ask(endpoint, "POST", path, b"{}", **named)

    assert answer.status in {400, 403}
    assert b"MissingAuthenticationToken" in answer.body or b"AccessDenied" in answer.body


def test_cognito_is_public(endpoint: emulator.Endpoint) -> None:
    """SignUp reaches Cognito without credentials: the error is that the client is unknown."""
    named = {"Content_Type": "application/x-amz-json-1.1", "X_Amz_Target": f"{COGNITO}.SignUp"}
    body = json.dumps({"ClientId": "x" * 26, "Username": "ada", "Password": "x"}).encode()

    answer = ask(endpoint, "POST", "/", body, **named)

    assert b"ResourceNotFoundException" in answer.body


def api(aws: Aws) -> str:
    """Deploy an HTTP API with an open route and one that wants a signature; return its id."""
    routes = {"GET /open": {}, "GET /closed": {"AuthorizationType": "AWS_IAM"}}
    made = template(**hello(aws, routes)) | {"Outputs": {"Api": {"Value": ref("Api")}}}
    aws.deploy("api", made, Capabilities=["CAPABILITY_IAM"])
    return aws.outputs("api")["Api"]


def test_api(aws: Aws) -> None:
    """An open route is anonymous, one with IAM's authorization needs a signature.

    No path leads anywhere but to the API.
    """
    made = api(aws)
    host, path = f"{made}.execute-api.{REGION}.amazonaws.com", f"/_aws/execute-api/{made}/$default"

    assert b"hello" == ask(aws.endpoint, "GET", "/open", host=host).body
    assert b"hello" == ask(aws.endpoint, "GET", f"{path}/open").body
    assert 403 == ask(aws.endpoint, "GET", "/closed", host=host).status
    assert 403 == ask(aws.endpoint, "GET", f"{path}/closed").status
    assert 403 == ask(aws.endpoint, "POST", f"{path}/@connections/x").status
    for secret, status in ((aws.endpoint.secret_key, 200), ("test", 403), ("x" * 40, 403)):
        headers = sign(
            aws.endpoint, "GET", "/closed", service="execute-api", host=host, secret=secret
        )
        assert status == ask(aws.endpoint, "GET", "/closed", host=host, **headers).status
    forged = {
        "Authorization": "AWS4-HMAC-SHA256 Credential="
        f"{aws.endpoint.account}/20260101/{REGION}/codepipeline/aws4_request",
        "X_Amz_Target": "CodePipeline_20150709.ListPipelines",
    }
    assert b"hello" == ask(aws.endpoint, "GET", "/open", host=host, **forged).body
    for lost in (
        "/_ministack/reset",
        "/health",
        "/_emulator",
        "/v20180820/tags/x",
        "/oauth2/token",
    ):
        assert 404 == ask(aws.endpoint, "POST", lost, host=host).status
    assert "CREATE_COMPLETE" == aws.stack("api")["StackStatus"]


@pytest.mark.parametrize("change", [str.upper, str.title], ids=["upper", "title"])
def test_api_in_other_letters(aws: Aws, change: Callable[[str], str]) -> None:
    """However its name is written, an API is anonymous, and the server's own endpoints are not."""
    host = change(f"{api(aws)}.execute-api.{REGION}.amazonaws.com")
    order = json.dumps({"account": aws.endpoint.account}).encode()
    challenge = f"/_emulator?challenge={'0' * 64}"

    assert b"hello" == ask(aws.endpoint, "GET", "/open", host=host).body
    assert 404 == ask(aws.endpoint, "POST", "/_emulator/messages", order, host=host).status
    assert b"proof" not in ask(aws.endpoint, "GET", challenge, host=host).body


ANSWERS = """
import json, urllib.request

def handler(event, context):
    body = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body |= {"Status": "SUCCESS", "PhysicalResourceId": "made", "Data": {"Value": "from outside"}}
    request = urllib.request.Request(
        event["ResponseURL"], json.dumps(body).encode(), {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(request).close()
"""


def test_custom_resource(aws: Aws) -> None:
    """A custom resource answers without credentials: the address it is given has a token."""
    made = template(
        Role=ROLE,
        Answers=function(code(aws, ANSWERS)),
        Thing={"Type": "Custom::Thing", "Properties": {"ServiceToken": att("Answers", "Arn")}},
    ) | {"Outputs": {"Value": {"Value": att("Thing", "Value")}}}

    aws.deploy("s", made, Capabilities=["CAPABILITY_IAM"])

    assert {"Value": "from outside"} == aws.outputs("s")


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

    assert 400 <= ask(server, "GET", path, host=host, **headers).status < 500


# The secret -----------------------------------------------------------------------------------------


@pytest.fixture
def apart() -> Iterator[Path]:
    """The folder of a server of its own, in a folder that every user may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        Path(made).chmod(0o755)
        folder = Path(made) / ".emulator"
        yield folder
        emulator.stop(folder)


def family(pid: int) -> list[int]:
    """A process and all that it has started."""
    children = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to look at other processes")
def test_secret_is_nowhere_else(apart: Path) -> None:
    """Neither environment, command line, log nor state of the server and its functions has it."""
    from tests.emulator_server import Aws

    endpoint = emulator.start(apart)
    aws = Aws(endpoint)
    waits = "import os, subprocess\n\ndef handler(event, context):\n    return dict(os.environ)\n"
    aws.deploy(
        "s", template(Role=ROLE, F=function(code(aws, waits))), Capabilities=["CAPABILITY_IAM"]
    )
    name = aws.client("lambda").list_functions()["Functions"][0]["FunctionName"]
    seen = aws.client("lambda").invoke(FunctionName=name)["Payload"].read()
    processes = family(int(emulator.status(apart).pid or 0))
    looked_at = [
        Path(f"/proc/{pid}/{file}").read_bytes()
        for pid in processes
        for file in ("environ", "cmdline")
    ]
    emulator.stop(apart)
    files = [file for file in apart.rglob("*") if file.is_file() and file.name != "secret"]

    secret = endpoint.secret_key.encode()
    assert len(processes) > 1
    assert secret in (apart / "secret").read_bytes()
    assert [] == [text for text in [seen, *looked_at] if secret in text]
    assert apart / "state.json" in files
    assert [] == [file for file in files if secret in file.read_bytes()]
    assert endpoint.secret_key not in repr(endpoint)


ATTACKER = """
import encodings.idna, http.client, json, os, sys

folder, address, requests = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
os.setgroups([])
os.setgid({nobody})
os.setuid({nobody})
for name in ("secret", "state.json", "server.json", "."):
    try:
        os.listdir(folder) if name == "." else open(os.path.join(folder, name)).read()
        print("read")
    except PermissionError:
        print("denied")
for headers, body in requests:
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request("POST", "/", body, headers)
    print(connection.getresponse().status)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_second_user(apart: Path) -> None:
    """Another user of the machine can reach the port, and neither read the secret nor call AWS."""
    endpoint = emulator.start(apart)
    address = urlsplit(endpoint.url).netloc
    body = b"Action=CreateUser&UserName=evil&Version=2010-05-08"
    form = {"Content-Type": "application/x-www-form-urlencoded", "Host": address}
    keys = [(endpoint.access_key, "test"), ("test", "test"), (endpoint.access_key, "x" * 40)]
    signed = [
        sign(endpoint, "POST", "/", body, service="iam", key=key, secret=secret)
        for key, secret in keys
    ]
    attempts = [{}, *({n.replace("_", "-"): v for n, v in headers.items()} for headers in signed)]
    requests = [(form | headers, body.decode()) for headers in attempts]
    attack = ATTACKER.format(nobody=NOBODY)

    ran = subprocess.run(
        [sys.executable, "-c", attack, str(apart), address, json.dumps(requests)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "" == ran.stderr
    assert ["denied"] * 4 + ["403"] * 4 == ran.stdout.split()
    users = client(endpoint, "iam", endpoint.access_key, endpoint.secret_key).list_users()
    assert [] == users["Users"]


class Stranger(socketserver.ThreadingTCPServer):
    """Listens on a port in the place of the server, and keeps what it is sent."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Heard)


class _Heard(socketserver.StreamRequestHandler):
    server: Stranger

    def handle(self) -> None:
        text = b""
        while not text.endswith(b"\r\n\r\n"):
            text += self.rfile.read(1)
        self.server.heard.append(text)
        proof = b'{"proof": "%s", "token": "x"}' % (b"0" * 64)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        self.wfile.write(head % len(proof) + proof)


@contextmanager
def stranger() -> Iterator[Stranger]:
    """A stranger that listens."""
    with Stranger() as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


def test_stranger_on_the_port(apart: Path) -> None:
    """Another process on the server's port is not accepted, and does not get the secret."""
    endpoint = emulator.start(apart)
    written = json.loads((apart / "server.json").read_text())
    with stranger() as listening:
        port = listening.server_address[1]
        (apart / "server.json").write_text(json.dumps(written | {"port": port}))

        found = emulator.running(apart)
        [heard] = listening.heard

    (apart / "server.json").write_text(json.dumps(written))
    assert is_locked(apart / "server.lock")
    assert found is None
    assert endpoint.secret_key.encode() not in heard
    assert b"Signature=" in heard


def test_another_folder(apart: Path, server: emulator.Endpoint) -> None:
    """The key of one folder opens no other, and its server is not taken for another's."""
    other = emulator.start(apart)

    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client(server, "sts", other.access_key, other.secret_key).get_caller_identity()

    written = json.loads((apart / "server.json").read_text())
    port = urlsplit(server.url).port
    (apart / "server.json").write_text(json.dumps(written | {"port": port}))
    assert emulator.running(apart) is None
    (apart / "server.json").write_text(json.dumps(written))
    assert other == emulator.running(apart)
