"""User pools of stacks: sign-up, confirmation codes, triggers and sign-in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

import emulator
from tests.emulator.functions import code, function, permission, trusting
from tests.emulator.templates import att, ref, resource, template
from tests.srp import sign_in, verify_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator_server import Aws

MAIL = "ada@cruddur.example"
PASSWORD = "Correct-horse-1"
SEND_EVENT = """
import boto3, json, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
    return event
"""
FAIL = "def handler(event, context):\n    raise RuntimeError('no row for you')\n"


def pool(
    aws: Aws, source: str = "", *, permitted: bool = True, **properties: Any
) -> dict[str, str]:
    """Deploy a user pool and its client, with *source* as the trigger if given; return outputs."""
    settings: dict[str, Any] = {
        "UserPoolName": "users",
        "UsernameAttributes": ["email"],
        "AutoVerifiedAttributes": ["email"],
    }
    sending = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": att("Queue", "Arn")}
    resources = {"Queue": resource("AWS::SQS::Queue")}
    if source:
        settings["LambdaConfig"] = {"PostConfirmation": att("Trigger", "Arn")}
        variables = {"Variables": {"QUEUE": ref("Queue")}}
        resources["Role"] = trusting("lambda.amazonaws.com", sending)
        resources["Trigger"] = function(code(aws, source), Environment=variables)
        if permitted:
            service = "cognito-idp.amazonaws.com"
            resources["Permission"] = permission("Trigger", service, att("Pool", "Arn"))
    client = resource(
        "AWS::Cognito::UserPoolClient",
        UserPoolId=ref("Pool"),
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"],
        PreventUserExistenceErrors="ENABLED",
        RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 60},
    )
    body = template(
        **resources,
        Pool=resource("AWS::Cognito::UserPool", **settings | properties),
        Client=client,
    )
    outputs = {
        "Pool": ref("Pool"),
        "Client": ref("Client"),
        "Queue": ref("Queue"),
        "ProviderName": att("Pool", "ProviderName"),
        "ProviderURL": att("Pool", "ProviderURL"),
    }
    body |= {"Outputs": {name: {"Value": value} for name, value in outputs.items()}}
    stack = aws.deploy("s", body, Capabilities=["CAPABILITY_IAM"])
    assert "CREATE_COMPLETE" == stack["StackStatus"], aws.events("s")
    return aws.outputs("s")


@pytest.fixture
def cognito(aws: Aws) -> Iterator[Any]:
    """Yield a client of Cognito without credentials, as the users of the application have."""
    config = Config(signature_version=UNSIGNED)
    client = boto3.client(
        "cognito-idp", "ca-central-1", endpoint_url=aws.endpoint.url, config=config
    )
    yield client
    client.close()


def sign_up(aws: Aws, cognito: Any, client: str) -> str:
    """Sign up and return the code from the message."""
    mail = [{"Name": "email", "Value": MAIL}]
    cognito.sign_up(ClientId=client, Username=MAIL, Password=PASSWORD, UserAttributes=mail)
    [message] = emulator.messages(aws.endpoint)
    assert MAIL == message.to
    return message.secret


def received(aws: Aws, outputs: dict[str, str]) -> list[dict[str, Any]]:
    """Return the events that the trigger received."""
    response = aws.client("sqs").receive_message(QueueUrl=outputs["Queue"], MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in response.get("Messages", [])]


def test_confirmation(aws: Aws, cognito: Any) -> None:
    """Only the code from the message confirms; the trigger receives a user with a verified address.

    AWS: "Post confirmation Lambda trigger" (developer guide), ConfirmSignUp errors.
    """
    outputs = pool(aws, SEND_EVENT)
    client = outputs["Client"]
    code_sent = sign_up(aws, cognito, client)

    wrong = "000000" if code_sent != "000000" else "000001"
    with pytest.raises(ClientError, match="CodeMismatchException"):
        cognito.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=wrong)
    before = received(aws, outputs)
    cognito.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=code_sent)
    with pytest.raises(ClientError, match="Current status is CONFIRMED"):
        cognito.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=code_sent)

    [event] = received(aws, outputs)
    attributes = event["request"]["userAttributes"]
    assert [] == before
    assert "PostConfirmation_ConfirmSignUp" == event["triggerSource"]
    assert (outputs["Pool"], client) == (event["userPoolId"], event["callerContext"]["clientId"])
    assert ("true", "CONFIRMED") == (
        attributes["email_verified"],
        attributes["cognito:user_status"],
    )
    assert attributes["sub"] == event["userName"]


def test_new_code(aws: Aws, cognito: Any) -> None:
    """A second message has another code, and the first code is no longer valid.

    AWS: ResendConfirmationCode; that the first becomes invalid is not verified.
    """
    client = pool(aws)["Client"]
    first = sign_up(aws, cognito, client)
    second = first
    while second == first:
        cognito.resend_confirmation_code(ClientId=client, Username=MAIL)
        second = emulator.messages(aws.endpoint)[-1].secret

    with pytest.raises(ClientError, match="CodeMismatchException"):
        cognito.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=first)
    cognito.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=second)


def test_other_confirmations(aws: Aws, cognito: Any) -> None:
    """A confirmation by an administrator and a new password invoke the trigger as well.

    AWS: "Post confirmation Lambda trigger", trigger sources.
    """
    outputs = pool(aws, SEND_EVENT)
    client, pool_id = outputs["Client"], outputs["Pool"]
    sign_up(aws, cognito, client)

    aws.client("cognito-idp").admin_confirm_sign_up(UserPoolId=pool_id, Username=MAIL)
    with pytest.raises(ClientError, match="Current status is CONFIRMED"):
        aws.client("cognito-idp").admin_confirm_sign_up(UserPoolId=pool_id, Username=MAIL)
    cognito.forgot_password(ClientId=client, Username=MAIL)
    sent = emulator.messages(aws.endpoint)[-1].secret
    cognito.confirm_forgot_password(
        ClientId=client, Username=MAIL, ConfirmationCode=sent, Password="Other-horse-2"
    )

    assert ["PostConfirmation_ConfirmSignUp", "PostConfirmation_ConfirmForgotPassword"] == [
        event["triggerSource"] for event in received(aws, outputs)
    ]


@pytest.mark.parametrize(
    ("source", "permitted", "error", "text"),
    [
        (FAIL, True, "UserLambdaValidationException", "failed with error no row for you."),
        (SEND_EVENT, False, "UnexpectedLambdaException", "due to error AccessDeniedException"),
        ("def handler(e, c): pass\n", True, "InvalidLambdaResponseException", "Unrecognizable"),
    ],
    ids=["fails", "not permitted", "returns nothing"],
)
def test_failing_trigger(
    aws: Aws, cognito: Any, source: str, error: str, text: str, *, permitted: bool
) -> None:
    """A failing trigger fails the call, but the user is confirmed.

    AWS: "Post confirmation Lambda trigger"; Cognito's errors of Lambda triggers. AWS invokes it
    three times within 5 s each, the emulator once.
    """
    outputs = pool(aws, source, permitted=permitted)
    sent = sign_up(aws, cognito, outputs["Client"])

    with pytest.raises(ClientError) as refused:
        cognito.confirm_sign_up(ClientId=outputs["Client"], Username=MAIL, ConfirmationCode=sent)

    error_ = refused.value.response["Error"]
    user = aws.client("cognito-idp").admin_get_user(UserPoolId=outputs["Pool"], Username=MAIL)
    assert error == error_["Code"]
    assert text in error_["Message"]
    assert "CONFIRMED" == user["UserStatus"]


def test_attributes_and_rotation(aws: Aws) -> None:
    """A pool has ProviderURL, its client RefreshTokenRotation; a disabled auth flow is refused.

    AWS: AWS::Cognito::UserPool, return values; AWS::Cognito::UserPoolClient; AdminInitiateAuth.
    """
    outputs = pool(aws)
    idp, pool_id = aws.client("cognito-idp"), outputs["Pool"]
    name = f"cognito-idp.ca-central-1.amazonaws.com/{pool_id}"

    client = idp.describe_user_pool_client(UserPoolId=pool_id, ClientId=outputs["Client"])
    with pytest.raises(ClientError, match="Auth flow not enabled for this client"):
        idp.admin_initiate_auth(
            UserPoolId=pool_id,
            ClientId=outputs["Client"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": MAIL, "PASSWORD": PASSWORD},
        )

    assert (name, f"https://{name}") == (outputs["ProviderName"], outputs["ProviderURL"])
    assert {"Feature": "ENABLED", "RetryGracePeriodSeconds": 60} == client["UserPoolClient"][
        "RefreshTokenRotation"
    ]


def test_protected_pool(aws: Aws) -> None:
    """A user pool with deletion protection is not deleted: DELETE_FAILED."""
    pool(aws, DeletionProtection="ACTIVE")

    stack = aws.delete("s")

    assert "DELETE_FAILED" == stack["StackStatus"]


def test_sign_in(aws: Aws, cognito: Any) -> None:
    """A user signs in with SRP, without sending the password, and gets tokens of the pool.

    AWS: "SRP authentication", "Verifying a JSON web token". The issuer has AWS's address; its
    keys are at /POOL/.well-known/jwks.json of the emulator.
    """
    outputs = pool(aws)
    pool_id, client = outputs["Pool"], outputs["Client"]
    sent = sign_up(aws, cognito, client)
    cognito.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=sent)

    with pytest.raises(ClientError, match="NotAuthorizedException"):
        sign_in(cognito, pool_id, client, MAIL, "Wrong-horse-1")
    tokens = sign_in(cognito, pool_id, client, MAIL, PASSWORD)

    issuer = f"https://{outputs['ProviderName']}"
    access = verify_token(
        tokens["AccessToken"], f"{aws.endpoint.url}/{pool_id}/.well-known/jwks.json"
    )
    identity = verify_token(
        tokens["IdToken"], f"{aws.endpoint.url}/{pool_id}/.well-known/jwks.json"
    )
    assert (issuer, client, "access") == (
        access["iss"],
        access["client_id"],
        access["token_use"],
    )
    assert (client, MAIL, "id") == (identity["aud"], identity["email"], identity["token_use"])
