"""User pools of stacks: sign-up, confirmation codes, triggers and sign-in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

import emulator
from emulator.ministack import user_pools
from emulator.patches.cognito import confirmation
from tests.emulator.patches.cognito.pools import MAIL, PASSWORD, pool, sign_up
from tests.srp import sign_in, verify_token

if TYPE_CHECKING:
    from tests.emulator_server import Aws

SEND_EVENT = """
import boto3, json, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
    return event
"""
FAIL = "def handler(event, context):\n    raise RuntimeError('no row for you')\n"


def received(aws: Aws, outputs: dict[str, str]) -> list[dict[str, Any]]:
    """Return the events that the trigger received."""
    response = aws.client("sqs").receive_message(QueueUrl=outputs["Queue"], MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in response.get("Messages", [])]


def test_confirmation(aws: Aws, cognito: Any) -> None:
    """Only the code in the message confirms a user; the trigger receives a verified address.

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
    assert before == []
    assert event["triggerSource"] == "PostConfirmation_ConfirmSignUp"
    assert (outputs["Pool"], client) == (event["userPoolId"], event["callerContext"]["clientId"])
    assert (
        attributes["email_verified"],
        attributes["cognito:user_status"],
    ) == ("true", "CONFIRMED")
    assert attributes["sub"] == event["userName"]


def test_new_code(aws: Aws, cognito: Any) -> None:
    """A second message has another code, and the first code is no longer valid.

    AWS: ResendConfirmationCode. It is not verified that the first code becomes invalid on AWS.
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
    verified = [{"Name": "email_verified", "Value": "true"}]
    aws.client("cognito-idp").admin_update_user_attributes(
        UserPoolId=pool_id, Username=MAIL, UserAttributes=verified
    )
    cognito.forgot_password(ClientId=client, Username=MAIL)
    sent = emulator.messages(aws.endpoint)[-1].secret
    cognito.confirm_forgot_password(
        ClientId=client, Username=MAIL, ConfirmationCode=sent, Password="Other-horse-2"
    )

    assert [event["triggerSource"] for event in received(aws, outputs)] == [
        "PostConfirmation_ConfirmSignUp",
        "PostConfirmation_ConfirmForgotPassword",
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

    AWS: "Post confirmation Lambda trigger"; Cognito's errors of Lambda triggers. AWS invokes a
    failing trigger three times, the emulator once.
    """
    outputs = pool(aws, source, permitted=permitted)
    sent = sign_up(aws, cognito, outputs["Client"])

    with pytest.raises(ClientError) as refused:
        cognito.confirm_sign_up(ClientId=outputs["Client"], Username=MAIL, ConfirmationCode=sent)

    error_ = refused.value.response["Error"]
    user = aws.client("cognito-idp").admin_get_user(UserPoolId=outputs["Pool"], Username=MAIL)
    assert error == error_["Code"]
    assert text in error_["Message"]
    assert user["UserStatus"] == "CONFIRMED"


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
    assert client["UserPoolClient"]["RefreshTokenRotation"] == {
        "Feature": "ENABLED",
        "RetryGracePeriodSeconds": 60,
    }


def test_protected_pool(aws: Aws) -> None:
    """A user pool with deletion protection is not deleted: DELETE_FAILED."""
    pool(aws, DeletionProtection="ACTIVE")

    stack = aws.delete("s")

    assert stack["StackStatus"] == "DELETE_FAILED"


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


def test_confirmed_user(aws: Aws, cognito: Any) -> None:
    """A confirmed user receives no further code.

    AWS: ResendConfirmationCode, InvalidParameterException.
    """
    client = pool(aws)["Client"]
    sent = sign_up(aws, cognito, client)
    cognito.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=sent)

    with pytest.raises(ClientError, match="User is already confirmed"):
        cognito.resend_confirmation_code(ClientId=client, Username=MAIL)


@pytest.mark.parametrize("prevented", ["ENABLED", "LEGACY"])
def test_unverified_address(aws: Aws, cognito: Any, prevented: str) -> None:
    """An address that is not verified receives no code for a new password.

    AWS: "Managing user existence error responses": the response is the one for an unknown user.
    """
    client = pool(aws, client={"PreventUserExistenceErrors": prevented})["Client"]
    sign_up(aws, cognito, client)

    if prevented == "ENABLED":
        response = cognito.forgot_password(ClientId=client, Username=MAIL)
        assert response["CodeDeliveryDetails"]["Destination"] == "a****@c****"
    else:
        with pytest.raises(ClientError, match="no registered/verified email"):
            cognito.forgot_password(ClientId=client, Username=MAIL)
    assert [message.about for message in emulator.messages(aws.endpoint)] == ["confirmation"]


@pytest.mark.parametrize(
    ("seconds", "left"),
    [(3600, ["_confirmation_code", "_reset_code"]), (3601, ["_confirmation_code"]), (86401, [])],
)
def test_expired_codes(monkeypatch: pytest.MonkeyPatch, seconds: int, left: list[str]) -> None:
    """A confirmation code is valid for 24 hours, a code for a new password for an hour.

    AWS: "Signing up and confirming user accounts", "Recovering user accounts".
    """
    user = dict.fromkeys(("_confirmation_code", "_reset_code"), "1")
    user |= {f"{key}_sent_at": 1000.0 for key in user}
    monkeypatch.setattr(user_pools, "find_pool", lambda data: {"_users": {"ada": user}})
    monkeypatch.setattr(user_pools, "find_user", lambda pool, name: pool["_users"][name])
    monkeypatch.setattr(confirmation.time, "time", lambda: 1000.0 + seconds)

    confirmation._delete_expired_codes("ConfirmSignUp", {"Username": "ada"})

    assert sorted(key for key in user if not key.endswith("_sent_at")) == left
