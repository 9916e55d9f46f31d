"""A small HTTP API for tests, whose routes respond with "hello"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.emulator.functions import ROLE, code, function, permission
from tests.emulator.templates import ref, resource

if TYPE_CHECKING:
    from tests.emulator_server import Aws

_KIND = "AWS::ApiGatewayV2"
_HELLO = """
def handler(event, context):
    return {"statusCode": 200, "body": "hello"}
"""
_URI = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Hello.Arn}/invocations"


def hello_api(aws: Aws, routes: dict[str, dict[str, Any]], **properties: Any) -> dict[str, Any]:
    """Return the resources of an API with *routes*: route keys with additional properties."""
    source = {"Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"}
    resources = {
        f"Route{number}": resource(
            f"{_KIND}::Route",
            ApiId=ref("Api"),
            RouteKey=key,
            Target={"Fn::Sub": "integrations/${Integration}"},
            **extra,
        )
        for number, (key, extra) in enumerate(routes.items())
    }
    return resources | {
        "Role": ROLE,
        "Hello": function(code(aws, _HELLO)),
        "Permission": permission("Hello", "apigateway.amazonaws.com", source),
        "Api": resource(f"{_KIND}::Api", Name="a", ProtocolType="HTTP", **properties),
        "Stage": resource(
            f"{_KIND}::Stage", ApiId=ref("Api"), StageName="$default", AutoDeploy=True
        ),
        "Integration": resource(
            f"{_KIND}::Integration",
            ApiId=ref("Api"),
            IntegrationType="AWS_PROXY",
            IntegrationUri={"Fn::Sub": _URI},
            PayloadFormatVersion="2.0",
        ),
    }
