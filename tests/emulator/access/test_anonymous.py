"""Operations without credentials."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

import emulator
from emulator.access import anonymous
from tests.emulator.access.attacker import (
    EVIL,
    REGION,
    send,
    sign,
)
from tests.emulator.apis import hello_api
from tests.emulator.functions import ROLE, code, function
from tests.emulator.templates import att, ref, template
from tests.emulator_server import Aws


def test_public_cognito_operations() -> None:
    """The public operations of user pools are those that botocore sends unsigned."""
    model = botocore.session.Session().get_service_model("cognito-idp")
    unsigned = {
        name for name in model.operation_names if model.operation_model(name).auth_type == "none"
    }

    assert unsigned == anonymous.COGNITO


def test_web_identity() -> None:
    """The body must name this one operation, and no second one."""
    body = b"Action=AssumeRoleWithWebIdentity&RoleArn=x&WebIdentityToken=y"

    assert anonymous.is_web_identity(body)
    assert not anonymous.is_web_identity(body + b"&Action=ListUsers")
    assert not anonymous.is_web_identity(b"Action=ListUsers&" + body)
    assert not anonymous.is_web_identity(body.replace(b"Web", b"SAML"))
    assert not anonymous.is_web_identity(b"")


REFUSED = [
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


@pytest.mark.parametrize(("method", "path"), REFUSED, ids=str)
def test_endpoint_is_refused(server: emulator.Endpoint, method: str, path: str) -> None:
    """MiniStack's own endpoints, and operations that need credentials, are refused."""
    response = send(server, method, path, b"{}" if method == "POST" else b"")

    assert 400 <= response.status < 500
    assert "access-control-allow-origin" not in response.headers
    assert b"proof" not in response.body


@pytest.mark.parametrize("path", ["/_ministack/reset", "/_ministack/config", "/_localstack/health"])
def test_ministack_endpoint_is_refused_with_credentials(
    endpoint: emulator.Endpoint, path: str
) -> None:
    """MiniStack's own endpoints are refused, also with the root user's signature."""
    for service in ("s3", "emulator"):
        headers = sign(endpoint, "POST", path, service=service)
        assert send(endpoint, "POST", path, **headers).status == 403


def test_public_object(aws: Aws) -> None:
    """Only objects that a bucket policy makes public can be read without credentials."""
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
    before = send(aws.endpoint, "GET", f"/{bucket}/open/a").status
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)

    read = send(aws.endpoint, "GET", f"/{bucket}/open/a")

    assert (before, read.status, read.body) == (403, 200, b"content")
    assert send(aws.endpoint, "GET", f"/{bucket}/closed/a").status == 403
    assert send(aws.endpoint, "GET", f"/{bucket}").status == 403
    assert send(aws.endpoint, "GET", f"/{bucket}/open/a?acl").status == 403
    assert send(aws.endpoint, "PUT", f"/{bucket}/open/a", b"mine").status == 403
    assert send(aws.endpoint, "DELETE", f"/{bucket}/open/a").status == 403
    assert send(aws.endpoint, "GET", f"/{bucket}/open/a", Origin=EVIL).status == 403
    target = {"X_Amz_Target": "AmazonSSM.DescribeParameters"}
    assert send(aws.endpoint, "GET", f"/{bucket}/open/a", **target).status == 400
    other = send(aws.endpoint, "GET", f"/{bucket}/open/a", host=f"lambda.{REGION}.amazonaws.com")
    assert (other.status, b"MissingAuthenticationToken" in other.body) == (403, True)


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
def test_cognito_operation_is_not_public(
    endpoint: emulator.Endpoint, target: str, path: str, headers: Any
) -> None:
    """Other operations, and unusual forms of public operations, need credentials."""
    sent = {"Content_Type": "application/x-amz-json-1.1", "X_Amz_Target": target} | headers

    response = send(endpoint, "POST", path, b"{}", **sent)

    assert response.status in {400, 403}
    assert b"MissingAuthenticationToken" in response.body or b"AccessDenied" in response.body


def test_cognito_is_public(endpoint: emulator.Endpoint) -> None:
    """SignUp reaches Cognito without credentials: its error is an unknown client."""
    headers = {"Content_Type": "application/x-amz-json-1.1", "X_Amz_Target": f"{COGNITO}.SignUp"}
    body = json.dumps({"ClientId": "x" * 26, "Username": "ada", "Password": "x"}).encode()

    response = send(endpoint, "POST", "/", body, **headers)

    assert b"ResourceNotFoundException" in response.body


def deploy_api(aws: Aws) -> str:
    """Deploy an HTTP API with an open route and one that requires a signature; return its id."""
    routes = {"GET /open": {}, "GET /closed": {"AuthorizationType": "AWS_IAM"}}
    body = template(**hello_api(aws, routes)) | {"Outputs": {"Api": {"Value": ref("Api")}}}
    aws.deploy("api", body, Capabilities=["CAPABILITY_IAM"])
    return aws.outputs("api")["Api"]


def test_api(aws: Aws) -> None:
    """An open route needs no signature, and one with IAM authorization needs one.

    No path on the host of an API reaches another endpoint.
    """
    api_id = deploy_api(aws)
    host, path = (
        f"{api_id}.execute-api.{REGION}.amazonaws.com",
        f"/_aws/execute-api/{api_id}/$default",
    )

    assert send(aws.endpoint, "GET", "/open", host=host).body == b"hello"
    assert send(aws.endpoint, "GET", f"{path}/open").body == b"hello"
    assert send(aws.endpoint, "GET", "/closed", host=host).status == 403
    assert send(aws.endpoint, "GET", f"{path}/closed").status == 403
    assert send(aws.endpoint, "POST", f"{path}/@connections/x").status == 403
    for secret, status in ((aws.endpoint.secret_key, 200), ("test", 403), ("x" * 40, 403)):
        headers = sign(
            aws.endpoint, "GET", "/closed", service="execute-api", host=host, secret=secret
        )
        assert status == send(aws.endpoint, "GET", "/closed", host=host, **headers).status
    forged = {
        "Authorization": "AWS4-HMAC-SHA256 Credential="
        f"{aws.endpoint.account}/20260101/{REGION}/codepipeline/aws4_request",
        "X_Amz_Target": "CodePipeline_20150709.ListPipelines",
    }
    assert send(aws.endpoint, "GET", "/open", host=host, **forged).body == b"hello"
    for path in (
        "/_ministack/reset",
        "/health",
        "/_emulator",
        "/v20180820/tags/x",
        "/oauth2/token",
    ):
        assert send(aws.endpoint, "POST", path, host=host).status == 404
    assert aws.stack("api")["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize("change", [str.upper, str.title], ids=["upper", "title"])
def test_api_host_in_another_case(aws: Aws, change: Callable[[str], str]) -> None:
    """The host of an API in another case reaches the API, and not the admin API."""
    host = change(f"{deploy_api(aws)}.execute-api.{REGION}.amazonaws.com")
    request = json.dumps({"account": aws.endpoint.account}).encode()
    challenge = f"/_emulator?challenge={'0' * 64}"

    assert send(aws.endpoint, "GET", "/open", host=host).body == b"hello"
    assert send(aws.endpoint, "POST", "/_emulator/messages", request, host=host).status == 404
    assert b"proof" not in send(aws.endpoint, "GET", challenge, host=host).body


RESPOND = """
import json, urllib.request

def handler(event, context):
    body = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body |= {"Status": "SUCCESS", "PhysicalResourceId": "made", "Data": {"Value": "from outside"}}
    request = urllib.request.Request(
        event["ResponseURL"], json.dumps(body).encode(), {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(request).close()
"""


def test_custom_resource(aws: Aws) -> None:
    """A custom resource responds without credentials: its response URL contains a token."""
    body = template(
        Role=ROLE,
        Responder=function(code(aws, RESPOND)),
        Thing={"Type": "Custom::Thing", "Properties": {"ServiceToken": att("Responder", "Arn")}},
    ) | {"Outputs": {"Value": {"Value": att("Thing", "Value")}}}

    aws.deploy("s", body, Capabilities=["CAPABILITY_IAM"])

    assert aws.outputs("s") == {"Value": "from outside"}
