"""User pools of stacks, and users that sign up in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import emulator
from tests.emulator.functions import code, function, permission, role_for_service
from tests.emulator.templates import att, ref, resource, template
from tests.srp import sign_in

if TYPE_CHECKING:
    from tests.emulator_server import Aws

MAIL = "ada@cruddur.example"
PASSWORD = "Correct-horse-1"


def pool(
    aws: Aws,
    source: str = "",
    *,
    permitted: bool = True,
    client: dict[str, Any] | None = None,
    **properties: Any,
) -> dict[str, str]:
    """Deploy a user pool and its app client, and return the outputs of the stack.

    *source* is the code of a trigger. *client* and *properties* are added to the properties of the
    app client and of the pool.
    """
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
        resources["Role"] = role_for_service("lambda.amazonaws.com", sending)
        resources["Trigger"] = function(code(aws, source), Environment=variables)
        if permitted:
            service = "cognito-idp.amazonaws.com"
            resources["Permission"] = permission("Trigger", service, att("Pool", "Arn"))
    client_settings = {
        "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"],
        "PreventUserExistenceErrors": "ENABLED",
        "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 60},
    } | (client or {})
    body = template(
        **resources,
        Pool=resource("AWS::Cognito::UserPool", **settings | properties),
        Client=resource("AWS::Cognito::UserPoolClient", UserPoolId=ref("Pool"), **client_settings),
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
    assert stack["StackStatus"] == "CREATE_COMPLETE", aws.events("s")
    return aws.outputs("s")


def sign_up(aws: Aws, cognito: Any, client: str, **attributes: str) -> str:
    """Sign up and return the code from the message."""
    pairs = [
        {"Name": name, "Value": value} for name, value in ({"email": MAIL} | attributes).items()
    ]
    cognito.sign_up(ClientId=client, Username=MAIL, Password=PASSWORD, UserAttributes=pairs)
    [message] = emulator.messages(aws.endpoint)
    assert message.to == MAIL
    return message.secret


def sign_up_and_in(
    aws: Aws, cognito: Any, outputs: dict[str, str], **attributes: str
) -> dict[str, str]:
    """Sign up, confirm and sign in; return the tokens."""
    client = outputs["Client"]
    sent = sign_up(aws, cognito, client, **attributes)
    cognito.confirm_sign_up(ClientId=client, Username=MAIL, ConfirmationCode=sent)
    return sign_in(cognito, outputs["Pool"], client, MAIL, PASSWORD)
