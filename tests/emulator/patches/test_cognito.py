"""Cognito pools made by stacks: signing up, signing in, and the trigger between."""

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
from tests.srp import sign_in, verified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator_server import Aws

MAIL = "ada@cruddur.example"
PASSWORD = "Correct-horse-1"
KEEP = """
import boto3, json, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
    return event
"""
FAIL = "def handler(event, context):\n    raise RuntimeError('no row for you')\n"


def pool(aws: Aws, source: str = "", *, permitted: bool = True, **more: Any) -> dict[str, str]:
    """Deploy a pool and its public client, with a trigger if *source* is one; return outputs."""
    settings: dict[str, Any] = {
        "UserPoolName": "people",
        "UsernameAttributes": ["email"],
        "AutoVerifiedAttributes": ["email"],
    }
    sending = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": att("Queue", "Arn")}
    extra = {"Queue": resource("AWS::SQS::Queue")}
    if source:
        settings["LambdaConfig"] = {"PostConfirmation": att("Trigger", "Arn")}
        variables = {"Variables": {"QUEUE": ref("Queue")}}
        extra["Role"] = trusting("lambda.amazonaws.com", sending)
        extra["Trigger"] = function(code(aws, source), Environment=variables)
        if permitted:
            service = "cognito-idp.amazonaws.com"
            extra["Permission"] = permission("Trigger", service, att("Pool", "Arn"))
    client = resource(
        "AWS::Cognito::UserPoolClient",
        UserPoolId=ref("Pool"),
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"],
        PreventUserExistenceErrors="ENABLED",
        RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 60},
    )
    made = template(
        **extra,
        Pool=resource("AWS::Cognito::UserPool", **settings | more),
        Client=client,
    )
    outputs = {
        "Pool": ref("Pool"),
        "Client": ref("Client"),
        "Queue": ref("Queue"),
        "ProviderName": att("Pool", "ProviderName"),
        "ProviderURL": att("Pool", "ProviderURL"),
    }
    made |= {"Outputs": {name: {"Value": value} for name, value in outputs.items()}}
    stack = aws.deploy("s", made, Capabilities=["CAPABILITY_IAM"])
    assert "CREATE_COMPLETE" == stack["StackStatus"], aws.events("s")
    return aws.outputs("s")


@pytest.fixture
def people(aws: Aws) -> Iterator[Any]:
    """Cognito as the application's users have it: without credentials."""
    config = Config(signature_version=UNSIGNED)
    client = boto3.client(
        "cognito-idp", "ca-central-1", endpoint_url=aws.endpoint.url, config=config
    )
    yield client
    client.close()


def sign_up(aws: Aws, people: Any, client: str) -> str:
    """Sign up and return the code from the letter."""
    mail = [{"Name": "email", "Value": MAIL}]
    people.sign_up(ClientId=client, Username=MAIL, Password=PASSWORD, UserAttributes=mail)
    [letter] = emulator.messages(aws.endpoint)
    assert MAIL == letter.to
    return letter.secret


def received(aws: Aws, outputs: dict[str, str]) -> list[dict[str, Any]]:
    """The events the trigger got."""
    found = aws.client("sqs").receive_message(QueueUrl=outputs["Queue"], MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in found.get("Messages", [])]


def test_confirmation(aws: Aws, people: Any) -> None:
    """Only the code in the letter confirms; then the trigger gets the person, verified.

    AWS: "Post confirmation Lambda trigger" (developer guide), ConfirmSignUp errors.
    """
    outputs = pool(aws, KEEP)
    client = outputs["Client"]
    code_sent = sign_up(aws, people, client)

    wrong = "000000" if code_sent != "000000" else "000001"
    with pytest.raises(ClientError, match="CodeMismatchException"):
        people.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=wrong)
    before = received(aws, outputs)
    people.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=code_sent)
    with pytest.raises(ClientError, match="Current status is CONFIRMED"):
        people.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=code_sent)

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


def test_new_code(aws: Aws, people: Any) -> None:
    """A second letter has another code, and the first one is void.

    AWS: ResendConfirmationCode; that the first is void is not verified.
    """
    client = pool(aws)["Client"]
    first = sign_up(aws, people, client)
    second = first
    while second == first:
        people.resend_confirmation_code(ClientId=client, Username=MAIL)
        second = emulator.messages(aws.endpoint)[-1].secret

    with pytest.raises(ClientError, match="CodeMismatchException"):
        people.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=first)
    people.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=second)


def test_other_confirmations(aws: Aws, people: Any) -> None:
    """An administrator's confirmation triggers as well; a forgotten password by its own name.

    AWS: "Post confirmation Lambda trigger", trigger sources.
    """
    outputs = pool(aws, KEEP)
    client, me = outputs["Client"], outputs["Pool"]
    sign_up(aws, people, client)

    aws.client("cognito-idp").admin_confirm_sign_up(UserPoolId=me, Username=MAIL)
    with pytest.raises(ClientError, match="Current status is CONFIRMED"):
        aws.client("cognito-idp").admin_confirm_sign_up(UserPoolId=me, Username=MAIL)
    people.forgot_password(ClientId=client, Username=MAIL)
    sent = emulator.messages(aws.endpoint)[-1].secret
    people.confirm_forgot_password(
        ClientId=client, Username=MAIL, ConfirmationCode=sent, Password="Other-horse-2"
    )

    assert ["PostConfirmation_ConfirmSignUp", "PostConfirmation_ConfirmForgotPassword"] == [
        event["triggerSource"] for event in received(aws, outputs)
    ]


@pytest.mark.parametrize(
    ("source", "permitted", "error", "words"),
    [
        (FAIL, True, "UserLambdaValidationException", "failed with error no row for you."),
        (KEEP, False, "UnexpectedLambdaException", "due to error AccessDeniedException"),
        ("def handler(e, c): pass\n", True, "InvalidLambdaResponseException", "Unrecognizable"),
    ],
    ids=["fails", "not permitted", "returns nothing"],
)
def test_failing_trigger(
    aws: Aws, people: Any, source: str, error: str, words: str, *, permitted: bool
) -> None:
    """A failing trigger fails the call; the person is confirmed all the same.

    AWS: "Post confirmation Lambda trigger"; Cognito's errors of Lambda triggers. That it tries
    three times within 5 s each is not done here.
    """
    outputs = pool(aws, source, permitted=permitted)
    sent = sign_up(aws, people, outputs["Client"])

    with pytest.raises(ClientError) as refused:
        people.confirm_sign_up(ClientId=outputs["Client"], Username=MAIL, ConfirmationCode=sent)

    said = refused.value.response["Error"]
    found = aws.client("cognito-idp").admin_get_user(UserPoolId=outputs["Pool"], Username=MAIL)
    assert error == said["Code"]
    assert words in said["Message"]
    assert "CONFIRMED" == found["UserStatus"]


def test_pool(aws: Aws) -> None:
    """A pool has its provider's names, its client its rotation, and a flow not enabled is none.

    AWS: AWS::Cognito::UserPool, return values; AWS::Cognito::UserPoolClient; AdminInitiateAuth.
    """
    outputs = pool(aws)
    idp, me = aws.client("cognito-idp"), outputs["Pool"]
    name = f"cognito-idp.ca-central-1.amazonaws.com/{me}"

    found = idp.describe_user_pool_client(UserPoolId=me, ClientId=outputs["Client"])
    with pytest.raises(ClientError, match="Auth flow not enabled for this client"):
        idp.admin_initiate_auth(
            UserPoolId=me,
            ClientId=outputs["Client"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": MAIL, "PASSWORD": PASSWORD},
        )

    assert (name, f"https://{name}") == (outputs["ProviderName"], outputs["ProviderURL"])
    assert {"Feature": "ENABLED", "RetryGracePeriodSeconds": 60} == found["UserPoolClient"][
        "RefreshTokenRotation"
    ]


def test_protected_pool(aws: Aws) -> None:
    """AWS: a pool with DeletionProtection ACTIVE is not deleted: DELETE_FAILED."""
    pool(aws, DeletionProtection="ACTIVE")

    stack = aws.delete("s")

    assert "DELETE_FAILED" == stack["StackStatus"]


def test_srp(aws: Aws, people: Any) -> None:
    """A person signs in with SRP: the password never leaves, and the tokens are the pool's.

    AWS: "SRP authentication", "Verifying a JSON web token". The issuer's address is AWS's; its
    keys are at /POOL/.well-known/jwks.json of the emulator.
    """
    outputs = pool(aws)
    me, client = outputs["Pool"], outputs["Client"]
    sent = sign_up(aws, people, client)
    people.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=sent)

    with pytest.raises(ClientError, match="NotAuthorizedException"):
        sign_in(people, me, client, MAIL, "Wrong-horse-1")
    tokens = sign_in(people, me, client, MAIL, PASSWORD)

    issuer = f"https://{outputs['ProviderName']}"
    access = verified(tokens["AccessToken"], f"{aws.endpoint.url}/{me}/.well-known/jwks.json")
    identity = verified(tokens["IdToken"], f"{aws.endpoint.url}/{me}/.well-known/jwks.json")
    assert (issuer, client, "access") == (
        access["iss"],
        access["client_id"],
        access["token_use"],
    )
    assert (client, MAIL, "id") == (identity["aud"], identity["email"], identity["token_use"])
