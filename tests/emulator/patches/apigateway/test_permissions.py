"""HTTP APIs: permission to invoke functions, and CORS rules."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

import emulator
from tests.emulator.functions import ROLE, code, function, permission
from tests.emulator.templates import ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

API = "apigateway.amazonaws.com"
ALLOW = (
    "def handler(event, context):\n    return {'isAuthorized': True, 'context': {'sub': 'me'}}\n"
)
RETURN_USER = """
def handler(event, context):
    return {"statusCode": 200, "body": event["requestContext"]["authorizer"]["lambda"]["sub"]}
"""


def api(aws: Aws, *, permitted: tuple[str, ...] = ("Handler", "Authorizer")) -> str:
    """Deploy an HTTP API with one route behind a simple authorizer; return its id."""
    uri = "arn:aws:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/${{{0}.Arn}}/invocations"
    own = "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}"
    sources = {
        "Handler": f"{own}/*/POST/avatars/key_upload",
        "Authorizer": f"{own}/authorizers/${{Check}}",
    }
    cors = {
        "AllowOrigins": ["https://cruddur.example"],
        "AllowMethods": ["POST"],
        "AllowHeaders": ["authorization"],
        "MaxAge": 600,
    }
    kind = "AWS::ApiGatewayV2"
    resources = template(
        Role=ROLE,
        Handler=function(code(aws, RETURN_USER, "user.zip")),
        Authorizer=function(code(aws, ALLOW, "allow.zip")),
        Api=resource(f"{kind}::Api", Name="a", ProtocolType="HTTP", CorsConfiguration=cors),
        Stage=resource(f"{kind}::Stage", ApiId=ref("Api"), StageName="$default", AutoDeploy=True),
        Check=resource(
            f"{kind}::Authorizer",
            ApiId=ref("Api"),
            Name="check",
            AuthorizerType="REQUEST",
            AuthorizerPayloadFormatVersion="2.0",
            EnableSimpleResponses=True,
            AuthorizerUri={"Fn::Sub": uri.format("Authorizer")},
            IdentitySource=["$request.header.Authorization"],
        ),
        Integration=resource(
            f"{kind}::Integration",
            ApiId=ref("Api"),
            IntegrationType="AWS_PROXY",
            IntegrationUri={"Fn::Sub": uri.format("Handler")},
            PayloadFormatVersion="2.0",
        ),
        Route=resource(
            f"{kind}::Route",
            ApiId=ref("Api"),
            RouteKey="POST /avatars/key_upload",
            AuthorizationType="CUSTOM",
            AuthorizerId=ref("Check"),
            Target={"Fn::Sub": "integrations/${Integration}"},
        ),
        **{
            f"{name}Permission": permission(name, API, {"Fn::Sub": sources[name]})
            for name in permitted
        },
    ) | {"Outputs": {"Api": {"Value": ref("Api")}}}
    assert (
        aws.deploy("s", resources, Capabilities=["CAPABILITY_IAM"])["StackStatus"]
        == "CREATE_COMPLETE"
    )
    return aws.outputs("s")["Api"]


def call(aws: Aws, api_id: str, method: str, **headers: str) -> Any:
    """Call the API by its host name; return status, body and headers."""
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint.url).netloc, timeout=60)
    host = f"{api_id}.execute-api.ca-central-1.amazonaws.com"
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, "/avatars/key_upload", headers={"Host": host, **more})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, answer.headers


@pytest.mark.parametrize(
    ("permitted", "status"),
    [(("Handler", "Authorizer"), 200), (("Handler",), 500), (("Authorizer",), 500)],
    ids=["both", "no authorizer", "no handler"],
)
def test_http_api(aws: Aws, permitted: tuple[str, ...], status: int) -> None:
    """API Gateway invokes functions that permit it; otherwise the response is 500.

    AWS: "Troubleshooting issues with HTTP API Lambda integrations".
    """
    api_id = api(aws, permitted=permitted)

    answered, body, _ = call(aws, api_id, "POST", Authorization="Bearer x")

    assert status == answered
    assert body == b"me" or status == 500


def test_cors(aws: Aws) -> None:
    """A preflight request is answered by the rules of the API, without the authorizer.

    AWS: "Configure CORS for HTTP APIs"; the status for a foreign origin is not verified.
    """
    api_id = api(aws)
    preflight = {"Access_Control_Request_Method": "POST"}
    origins = ["https://cruddur.example", "https://other.example"]
    emulator.allow(aws.endpoint, origins=origins)  # Otherwise the emulator refuses them.

    own = call(aws, api_id, "OPTIONS", Origin="https://cruddur.example", **preflight)
    foreign = call(aws, api_id, "OPTIONS", Origin="https://other.example", **preflight)
    post = call(aws, api_id, "POST", Origin="https://cruddur.example", Authorization="x")

    status, _, headers = own
    assert (
        status,
        headers["Access-Control-Allow-Origin"],
        headers["Access-Control-Allow-Methods"],
        headers["Access-Control-Max-Age"],
    ) == (204, "https://cruddur.example", "POST", "600")
    assert foreign[2]["Access-Control-Allow-Origin"] is None
    assert post[2]["Access-Control-Allow-Origin"] == "https://cruddur.example"
