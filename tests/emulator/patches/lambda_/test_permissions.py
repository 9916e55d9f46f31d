"""What AWS services may do only if the policy of the function, topic or queue says so."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

import emulator
from tests.emulator.functions import ROLE, code, function, permission, trusting
from tests.emulator.templates import att, ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws

UNABLE = "Unable to validate the following destination configurations"
S3 = "s3.amazonaws.com"
API = "apigateway.amazonaws.com"
KEEP = """
import boto3, json, os
def handler(event, context):
    key = event["Records"][0]["s3"]["object"]["key"]
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=key)
"""
ALLOW = (
    "def handler(event, context):\n    return {'isAuthorized': True, 'context': {'sub': 'me'}}\n"
)
WHO = """
def handler(event, context):
    return {"statusCode": 200, "body": event["requestContext"]["authorizer"]["lambda"]["sub"]}
"""


def policy(resource_type: str, target: str, key: str, action: str, bucket: str) -> dict[str, Any]:
    """A topic's or queue's policy for notifications of a bucket."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": S3},
        "Action": action,
        "Resource": "*",
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return resource(resource_type, **{key: [ref(target)]}, PolicyDocument=document)


@pytest.mark.parametrize("permitted", [True, False])
@pytest.mark.parametrize("kind", ["Lambda", "Topic", "Queue"])
def test_notification(aws: Aws, kind: str, *, permitted: bool) -> None:
    """S3 validates a destination when it is configured: without its policy the bucket fails.

    AWS: "Granting permissions to publish event notification messages to a destination" (S3).
    """
    bucket = f"n{kind.lower()}-{permitted}-{aws.endpoint.account}".lower()
    given = bucket if permitted else "another-bucket"
    where = code(aws)
    parts = {
        "Lambda": (
            {
                "Role": ROLE,
                "Function": function(where),
                "Policy": permission("Function", S3, f"arn:aws:s3:::{given}"),
            },
            {"Event": "s3:ObjectCreated:*", "Function": att("Function", "Arn")},
        ),
        "Topic": (
            {
                "Topic": resource("AWS::SNS::Topic"),
                "Policy": policy("AWS::SNS::TopicPolicy", "Topic", "Topics", "sns:Publish", given),
            },
            {"Event": "s3:ObjectCreated:*", "Topic": ref("Topic")},
        ),
        "Queue": (
            {
                "Queue": resource("AWS::SQS::Queue"),
                "Policy": policy(
                    "AWS::SQS::QueuePolicy", "Queue", "Queues", "sqs:SendMessage", given
                ),
            },
            {"Event": "s3:ObjectCreated:*", "Queue": att("Queue", "Arn")},
        ),
    }
    resources, destination = parts[kind]
    notified = resource(
        "AWS::S3::Bucket",
        BucketName=bucket,
        NotificationConfiguration={f"{kind}Configurations": [destination]},
    )

    stack = aws.deploy(
        "s",
        template(**resources, Bucket={**notified, "DependsOn": "Policy"}),
        Capabilities=["CAPABILITY_IAM"],
    )

    assert ("CREATE_COMPLETE" if permitted else "ROLLBACK_COMPLETE") == stack["StackStatus"]
    assert permitted or any(UNABLE in reason for *_, reason in aws.events("s"))


def test_default_topic_policy(aws: Aws) -> None:
    """A topic's default policy is no permission for S3 (not verified in AWS's documents)."""
    bucket = resource(
        "AWS::S3::Bucket",
        NotificationConfiguration={
            "TopicConfigurations": [{"Event": "s3:ObjectCreated:*", "Topic": ref("Topic")}]
        },
    )

    stack = aws.deploy("s", template(Topic=resource("AWS::SNS::Topic"), Bucket=bucket))

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]


def test_notified(aws: Aws) -> None:
    """A put object reaches the function; a permission taken away later loses the event.

    AWS: S3 invokes asynchronously, as a service that the function's policy names.
    """
    name = f"up-{aws.endpoint.account}"
    role = {**ROLE, "Properties": {**ROLE["Properties"]}}
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": att("Queue", "Arn")}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    role["Properties"]["Policies"] = [{"PolicyName": "own", "PolicyDocument": document}]
    wanted = {"Event": "s3:ObjectCreated:*", "Function": att("Function", "Arn")}
    made = template(
        Queue=resource("AWS::SQS::Queue"),
        Role=role,
        Function=function(code(aws, KEEP), Environment={"Variables": {"QUEUE": ref("Queue")}}),
        Permission=permission("Function", S3, f"arn:aws:s3:::{name}"),
        Bucket={
            **resource(
                "AWS::S3::Bucket",
                BucketName=name,
                NotificationConfiguration={"LambdaConfigurations": [wanted]},
            ),
            "DependsOn": "Permission",
        },
    ) | {"Outputs": {"Queue": {"Value": ref("Queue")}, "Function": {"Value": ref("Function")}}}
    aws.deploy("s", made, Capabilities=["CAPABILITY_IAM"])
    outputs = aws.outputs("s")

    aws.client("s3").put_object(Bucket=name, Key="a.jpg", Body=b"x")
    got = aws.client("sqs").receive_message(QueueUrl=outputs["Queue"], WaitTimeSeconds=10)
    policies = aws.client("lambda").get_policy(FunctionName=outputs["Function"])["Policy"]
    sid = json.loads(policies)["Statement"][0]["Sid"]
    aws.client("lambda").remove_permission(FunctionName=outputs["Function"], StatementId=sid)
    aws.client("s3").put_object(Bucket=name, Key="b.jpg", Body=b"x")
    time.sleep(0.5)  # Nothing tells that an event is lost; a warm function takes a tenth of this.
    later = aws.client("sqs").receive_message(QueueUrl=outputs["Queue"])

    assert ["a.jpg"] == [message["Body"] for message in got["Messages"]]
    assert "b.jpg" not in [message["Body"] for message in later.get("Messages", [])]


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
    made = template(
        Role=ROLE,
        Handler=function(code(aws, WHO, "who.zip")),
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
        **{f"May{name}": permission(name, API, {"Fn::Sub": sources[name]}) for name in permitted},
    ) | {"Outputs": {"Api": {"Value": ref("Api")}}}
    assert (
        "CREATE_COMPLETE" == aws.deploy("s", made, Capabilities=["CAPABILITY_IAM"])["StackStatus"]
    )
    return aws.outputs("s")["Api"]


def call(aws: Aws, api_id: str, method: str, **headers: str) -> Any:
    """Call the API by its host name."""
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint.url).netloc, timeout=10)
    host = f"{api_id}.execute-api.ca-central-1.amazonaws.com"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, "/avatars/key_upload", headers={"Host": host, **named})
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
    """API Gateway invokes what lets it; else the client gets 500.

    AWS: "Troubleshooting issues with HTTP API Lambda integrations".
    """
    made = api(aws, permitted=permitted)

    got, body, _ = call(aws, made, "POST", Authorization="Bearer x")

    assert status == got
    assert b"me" == body or status == 500


def test_cors(aws: Aws) -> None:
    """Preflight is answered by the API's own rules, without the authorizer.

    AWS: "Configure CORS for HTTP APIs". (What a foreign origin's status is, is not verified.)
    """
    made = api(aws)
    asked = {"Access_Control_Request_Method": "POST"}
    origins = ["https://cruddur.example", "https://other.example"]
    emulator.allow(aws.endpoint, origins=origins)  # Else they do not get as far as the API.

    ours = call(aws, made, "OPTIONS", Origin="https://cruddur.example", **asked)
    foreign = call(aws, made, "OPTIONS", Origin="https://other.example", **asked)
    real = call(aws, made, "POST", Origin="https://cruddur.example", Authorization="x")

    status, _, headers = ours
    assert (204, "https://cruddur.example", "POST", "600") == (
        status,
        headers["Access-Control-Allow-Origin"],
        headers["Access-Control-Allow-Methods"],
        headers["Access-Control-Max-Age"],
    )
    assert foreign[2]["Access-Control-Allow-Origin"] is None
    assert "https://cruddur.example" == real[2]["Access-Control-Allow-Origin"]


def test_tls(aws: Aws) -> None:
    """A bucket that denies all but TLS is open to a role that has a right to it.

    AWS: "aws:SecureTransport" (IAM). What reaches the emulator has not left the machine.
    """
    bucket = f"tls-{aws.endpoint.account}"
    arn = f"arn:aws:s3:::{bucket}"
    refusal = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    source = """
import boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket=event["bucket"], Key="there", Body=b"")
"""
    aws.deploy(
        "s",
        template(
            Bucket=resource("AWS::S3::Bucket", BucketName=bucket),
            Policy=resource(
                "AWS::S3::BucketPolicy",
                Bucket=ref("Bucket"),
                PolicyDocument={"Version": "2012-10-17", "Statement": [refusal]},
            ),
            Role=trusting(
                "lambda.amazonaws.com",
                {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{arn}/*"},
            ),
            Writer=function(code(aws, source), FunctionName="writer"),
        ),
        Capabilities=["CAPABILITY_IAM"],
    )

    said = aws.client("lambda").invoke(
        FunctionName="writer", Payload=json.dumps({"bucket": bucket})
    )

    assert "FunctionError" not in said, said["Payload"].read()
    assert ["there"] == [
        each["Key"] for each in aws.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    ]


def test_unknown_function(aws: Aws) -> None:
    """A permission for a function that does not exist fails its stack.

    AWS: AddPermission, ResourceNotFoundException.
    """
    source = "arn:aws:s3:::bucket"
    missing = resource(
        "AWS::Lambda::Permission",
        FunctionName="missing",
        Action="lambda:InvokeFunction",
        Principal=S3,
        SourceArn=source,
    )

    stack = aws.deploy("s", template(Permission=missing))

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert any("Function not found: missing" in reason for *_, reason in aws.events("s"))
