"""Emails of SES, and of Cognito, in the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import emulator
from tests.emulator.patches.cognito.pools import MAIL, pool

if TYPE_CHECKING:
    from tests.emulator_server import Aws

SENDER = "noreply@cruddur.example"


def test_messages(aws: Aws) -> None:
    """An email has a message for each recipient, with subject and text, in both APIs.

    AWS: SendEmail.
    """
    subject, body = {"Data": "Héllo"}, {"Text": {"Data": "code 1\nline 2"}}
    message = {"Subject": subject, "Body": body}
    aws.client("ses").verify_email_identity(EmailAddress=SENDER)

    aws.client("ses").send_email(
        Source=SENDER, Destination={"ToAddresses": [MAIL], "CcAddresses": [SENDER]}, Message=message
    )
    aws.client("sesv2").send_email(
        FromEmailAddress=SENDER, Destination={"ToAddresses": [MAIL]}, Content={"Simple": message}
    )

    sent = [(item.to, item.about, item.secret) for item in emulator.messages(aws.endpoint)]
    text = "code 1\nline 2"
    assert sent == [(MAIL, "Héllo", text), (SENDER, "Héllo", text), (MAIL, "Héllo", text)]


def test_invitation(aws: Aws) -> None:
    """The invitation of a new user has the temporary password.

    AWS: AdminCreateUser.
    """
    outputs = pool(aws)

    aws.client("cognito-idp").admin_create_user(
        UserPoolId=outputs["Pool"],
        Username=MAIL,
        TemporaryPassword="Correct-horse-1",
        DesiredDeliveryMediums=["EMAIL"],
    )

    [message] = emulator.messages(aws.endpoint)
    assert message.to == MAIL
    assert "Correct-horse-1" in message.secret
