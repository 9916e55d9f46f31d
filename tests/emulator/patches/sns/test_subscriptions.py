"""SNS subscriptions made by stacks, and the messages they get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

import emulator
from tests.emulator.templates import ref, resource, template
from tests.webhook import CONFIRMATION, NOTIFICATION, verify, webhook

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def subscribed(protocol: str, address: str, version: str = "2") -> dict[str, Any]:
    """A topic and one subscription."""
    made = template(
        Topic=resource("AWS::SNS::Topic", SignatureVersion=version),
        Subscription=resource(
            "AWS::SNS::Subscription", TopicArn=ref("Topic"), Protocol=protocol, Endpoint=address
        ),
    )
    return made | {"Outputs": {"Topic": {"Value": ref("Topic")}}}


def listed(aws: Aws) -> list[str]:
    """The ARNs of the topic's subscriptions."""
    topic = aws.outputs("s")["Topic"]
    found = aws.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [one["SubscriptionArn"] for one in found]


@pytest.mark.parametrize("version", ["1", "2"])
def test_webhook(aws: Aws, version: str) -> None:
    """A webhook is asked, stays pending until it confirms, then gets signed messages.

    AWS: "HTTP/HTTPS subscription confirmation", "Verifying the signatures of Amazon SNS messages".
    """
    with webhook() as (address, got):
        aws.deploy("s", subscribed("http", address, version))
        topic = aws.outputs("s")["Topic"]
        kind, asked = got.get(timeout=10)
        aws.client("sns").publish(TopicArn=topic, Message="early")
        pending = listed(aws)
        urlopen(asked["SubscribeURL"]).close()  # noqa: S310
        aws.client("sns").publish(TopicArn=topic, Message="late", Subject="news")
        kind_after, message = got.get(timeout=10)

    assert ("SubscriptionConfirmation", ["PendingConfirmation"]) == (kind, pending)
    assert ("Notification", "late") == (kind_after, message["Message"])
    assert [one for one in listed(aws) if one.startswith(topic)]
    assert version == asked["SignatureVersion"] == message["SignatureVersion"]
    verify(asked, CONFIRMATION)
    verify(message, NOTIFICATION)


def test_address(aws: Aws) -> None:
    """An address confirms by the link it was mailed. AWS: "Email notifications" (SNS)."""
    aws.deploy("s", subscribed("email", "me@cruddur.example"))
    before = listed(aws)
    [letter] = emulator.messages(aws.endpoint)

    urlopen(letter.secret).close()  # noqa: S310

    assert ["PendingConfirmation"] == before
    assert "me@cruddur.example" == letter.to
    assert ["PendingConfirmation"] != listed(aws)


def test_missing_topic(aws: Aws) -> None:
    """AWS: Subscribe answers NotFound for a topic that does not exist."""
    made = subscribed("http", "http://127.0.0.1:1/")
    topic = f"arn:aws:sns:ca-central-1:{aws.endpoint.account}:gone"
    made["Resources"]["Subscription"]["Properties"]["TopicArn"] = topic

    stack = aws.deploy("s", made)

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert any("Topic does not exist" in reason for *_, reason in aws.events("s"))
