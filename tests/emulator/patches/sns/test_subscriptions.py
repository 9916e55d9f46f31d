"""Subscriptions of stacks: confirmation and signed messages."""

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
    """Return a template of a topic with one subscription."""
    body = template(
        Topic=resource("AWS::SNS::Topic", SignatureVersion=version),
        Subscription=resource(
            "AWS::SNS::Subscription", TopicArn=ref("Topic"), Protocol=protocol, Endpoint=address
        ),
    )
    return body | {"Outputs": {"Topic": {"Value": ref("Topic")}}}


def listed(aws: Aws) -> list[str]:
    """Return the ARNs of the subscriptions of the topic."""
    topic = aws.outputs("s")["Topic"]
    subscriptions = aws.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [subscription["SubscriptionArn"] for subscription in subscriptions]


@pytest.mark.parametrize("version", ["1", "2"])
def test_webhook(aws: Aws, version: str) -> None:
    """A webhook is pending until it confirms; then it gets signed messages.

    AWS: "HTTP/HTTPS subscription confirmation", "Verifying the signatures of Amazon SNS messages".
    """
    with webhook() as (address, messages):
        aws.deploy("s", subscribed("http", address, version))
        topic = aws.outputs("s")["Topic"]
        kind, request = messages.get(timeout=10)
        aws.client("sns").publish(TopicArn=topic, Message="early")
        pending = listed(aws)
        urlopen(request["SubscribeURL"]).close()  # noqa: S310
        aws.client("sns").publish(TopicArn=topic, Message="late", Subject="news")
        kind_after, message = messages.get(timeout=10)

    assert ("SubscriptionConfirmation", ["PendingConfirmation"]) == (kind, pending)
    assert ("Notification", "late") == (kind_after, message["Message"])
    assert [arn for arn in listed(aws) if arn.startswith(topic)]
    assert version == request["SignatureVersion"] == message["SignatureVersion"]
    verify(request, CONFIRMATION)
    verify(message, NOTIFICATION)


def test_address(aws: Aws) -> None:
    """An address is confirmed by the link in its message.

    AWS: "Email notifications" (SNS).
    """
    aws.deploy("s", subscribed("email", "me@cruddur.example"))
    before = listed(aws)
    [message] = emulator.messages(aws.endpoint)

    urlopen(message.secret).close()  # noqa: S310

    assert ["PendingConfirmation"] == before
    assert "me@cruddur.example" == message.to
    assert ["PendingConfirmation"] != listed(aws)


def test_missing_topic(aws: Aws) -> None:
    """A subscription to a topic that does not exist fails its stack (Subscribe, NotFound)."""
    body = subscribed("http", "http://127.0.0.1:1/")
    topic = f"arn:aws:sns:ca-central-1:{aws.endpoint.account}:missing"
    body["Resources"]["Subscription"]["Properties"]["TopicArn"] = topic

    stack = aws.deploy("s", body)

    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
    assert any("Topic does not exist" in reason for *_, reason in aws.events("s"))
