"""Subscriptions of stacks: confirmation and signed messages."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

import emulator
from tests.emulator.load_balancers import deploy_load_balancer
from tests.emulator.templates import ref, resource, template
from tests.webhook import CONFIRMATION, NOTIFICATION, verify, webhook

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def topic_and_subscription(protocol: str, address: str, version: str = "2") -> dict[str, Any]:
    """Return a template with a topic and one subscription."""
    body = template(
        Topic=resource("AWS::SNS::Topic", SignatureVersion=version),
        Subscription=resource(
            "AWS::SNS::Subscription", TopicArn=ref("Topic"), Protocol=protocol, Endpoint=address
        ),
    )
    return body | {"Outputs": {"Topic": {"Value": ref("Topic")}}}


def subscription_arns(aws: Aws) -> list[str]:
    """Return the ARNs of the subscriptions of the topic."""
    topic = aws.outputs("s")["Topic"]
    subscriptions = aws.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [subscription["SubscriptionArn"] for subscription in subscriptions]


@pytest.mark.parametrize("version", ["1", "2"])
def test_webhook(aws: Aws, version: str) -> None:
    """A webhook is pending until it confirms; then it receives signed messages.

    AWS: "HTTP/HTTPS subscription confirmation", "Verifying the signatures of Amazon SNS messages".
    """
    with webhook() as (address, messages):
        aws.deploy("s", topic_and_subscription("http", address, version))
        topic = aws.outputs("s")["Topic"]
        kind, request = messages.get(timeout=60)
        aws.client("sns").publish(TopicArn=topic, Message="early")
        pending = subscription_arns(aws)
        urlopen(request["SubscribeURL"]).close()  # noqa: S310
        aws.client("sns").publish(TopicArn=topic, Message="late", Subject="news")
        kind_after, message = messages.get(timeout=60)

    assert (kind, pending) == ("SubscriptionConfirmation", ["PendingConfirmation"])
    assert (kind_after, message["Message"]) == ("Notification", "late")
    assert [arn for arn in subscription_arns(aws) if arn.startswith(topic)]
    assert version == request["SignatureVersion"] == message["SignatureVersion"]
    verify(request, CONFIRMATION)
    verify(message, NOTIFICATION)


def test_an_unconfirmed_subscription_is_deleted(aws: Aws) -> None:
    """An unconfirmed subscription is deleted after two days; CloudFormation does not notice.

    AWS: "Message delivery", unconfirmed subscriptions are deleted after 48 hours.
    """
    with webhook() as (address, messages):
        aws.deploy("s", topic_and_subscription("http", address))
        messages.get(timeout=60)
        pending = subscription_arns(aws)

        emulator.let_weeks_pass(aws.endpoint)

        assert (pending, subscription_arns(aws)) == (["PendingConfirmation"], [])
        assert aws.stack("s")["StackStatus"] == "CREATE_COMPLETE"


def test_repeated_confirmation(aws: Aws) -> None:
    """The request for confirmation is repeated until the webhook accepts it, and not longer.

    AWS: "Message delivery retries", "Delivery policy stages".
    """
    with webhook(failures=4) as (address, messages):
        aws.deploy("s", topic_and_subscription("http", address))
        received = [messages.get(timeout=60)[1]["MessageId"] for _ in range(5)]
        with pytest.raises(queue.Empty):
            messages.get(timeout=3)

    assert len(received) == 5


def test_webhook_behind_a_load_balancer(aws: Aws) -> None:
    """A message reaches a webhook by the name of the load balancer that forwards to it.

    AWS: "Fanout to HTTP/HTTPS endpoints".
    """
    with webhook() as (address, messages):
        host = deploy_load_balancer(
            aws, int(address.partition(":")[2].partition(":")[2].partition("/")[0])
        )
        body = topic_and_subscription("http", f"http://{host}/hook?a=b")
        aws.deploy("t", body)
        kind, _ = messages.get(timeout=60)

    assert kind == "SubscriptionConfirmation"


def test_email_address(aws: Aws) -> None:
    """An email address is confirmed by the link in its message.

    AWS: "Email notifications" (SNS).
    """
    aws.deploy("s", topic_and_subscription("email", "me@cruddur.example"))
    before = subscription_arns(aws)
    [message] = emulator.messages(aws.endpoint)

    urlopen(message.secret).close()  # noqa: S310

    assert before == ["PendingConfirmation"]
    assert message.to == "me@cruddur.example"
    assert subscription_arns(aws) != ["PendingConfirmation"]


def test_missing_topic(aws: Aws) -> None:
    """A subscription to a topic that does not exist fails its stack (Subscribe, NotFound)."""
    body = topic_and_subscription("http", "http://127.0.0.1:1/")
    topic = f"arn:aws:sns:ca-central-1:{aws.endpoint.account}:missing"
    body["Resources"]["Subscription"]["Properties"]["TopicArn"] = topic

    stack = aws.deploy("s", body)

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("Topic does not exist" in reason for *_, reason in aws.events("s"))
