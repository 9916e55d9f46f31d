"""Find and repeat the subscriptions to the topics of alarms and of avatars.

SNS deletes a subscription that is not confirmed within 48 hours, and CloudFormation does not detect
it. So a subscription in the config can be absent (SNS developer guide, message delivery).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from operations.target import Target

CONFIRMED, PENDING, ABSENT = "confirmed", "pending", "absent"
_PENDING_ARN = "PendingConfirmation"  # SNS returns it in place of a subscription's ARN.


@dataclass(frozen=True)
class Subscription:
    """A subscription that config expects, and its *state*: confirmed, pending or absent."""

    topic: str
    protocol: str
    endpoint: str
    state: str


def find(
    target: Target, topic: str, protocol: str, endpoints: Iterable[str]
) -> Iterator[Subscription]:
    """Yield the subscriptions of *endpoints* to *topic*, then others that are pending."""
    client: Any = target.client("sns")
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    arns = {
        item["Endpoint"]: item["SubscriptionArn"]
        for page in pages
        for item in page["Subscriptions"]
        if item["Protocol"] == protocol
    }
    pending = [endpoint for endpoint, arn in arns.items() if arn == _PENDING_ARN]
    for endpoint in dict.fromkeys([*endpoints, *pending]):
        arn = arns.get(endpoint)
        state = ABSENT if arn is None else PENDING if arn == _PENDING_ARN else CONFIRMED
        yield Subscription(topic, protocol, endpoint, state)


def webhook(target: Target) -> Subscription:
    """Return the subscription of the application to new avatars."""
    from stacks.parts.names import webhook_url

    topic = target.output("assets", "AvatarTopic")
    return next(find(target, topic, "https", [webhook_url(target.env)]))


def subscribe_webhook(target: Target, subscription: Subscription) -> None:
    """Subscribe the application again, so that SNS sends another confirmation request.

    The attributes are those of the template: SNS refuses others for a pending subscription.
    """
    env, queue = target.env, target.output("service", "DeadLetterQueue")
    dead_letters = f"arn:aws:sqs:{env.region}:{env.account}:{queue}"
    target.client("sns").subscribe(
        TopicArn=subscription.topic,
        Protocol=subscription.protocol,
        Endpoint=subscription.endpoint,
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_letters})},
    )
