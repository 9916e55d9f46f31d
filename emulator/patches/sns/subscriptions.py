"""Send confirmation requests to the subscriptions of stacks, and sign every message.

A webhook or an email address is pending until the SubscribeURL that it receives is opened. The
certificate of the signing key is at SigningCertURL: here an address of the emulator, on AWS
https://sns.REGION.amazonaws.com/SimpleNotificationService-….pem.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from emulator import outbox, sns_signing
from emulator.ministack import cloudformation, context, lookup, services
from emulator.ministack.cloudformation import Created, Props, ResourceType
from emulator.ministack.context import Params, Response
from emulator.ministack.hooks import Function
from emulator.patches import elb
from emulator.patches.differences import Difference

Message = dict[str, Any]
Topic = dict[str, Any]

DIFFERENCES = (
    Difference(
        "A subscription of a stack receives a request for confirmation, and is pending until it "
        "is confirmed.",
        source="SNS developer guide, HTTP/HTTPS subscription confirmation; Email notifications",
        ministack="Webhooks receive no request; email addresses are confirmed immediately.",
        test="test_webhook",
    ),
    Difference(
        "A subscription that is not confirmed within 48 hours is deleted.",
        source="SNS developer guide, Message delivery",
        ministack="Pending until it is confirmed. With the patch, `emulator.let_weeks_pass` deletes it.",
        test="test_an_unconfirmed_subscription_is_deleted",
    ),
    Difference(
        "The request for confirmation is repeated for an hour until the webhook accepts it.",
        source="SNS developer guide, Message delivery retries, Delivery policy stages",
        ministack="Webhooks receive no request.",
        test="test_repeated_confirmation",
    ),
    Difference(
        "SNS sends messages to a webhook behind a load balancer or an API of the account.",
        source="SNS developer guide, Fanout to HTTP/HTTPS endpoints",
        ministack="The domain of the endpoint does not exist, or has no TLS.",
        test="test_webhook_behind_a_load_balancer",
    ),
    Difference(
        "SNS messages are signed, with the SignatureVersion of the topic.",
        source="SNS developer guide, Verifying the signatures of Amazon SNS messages",
        ministack="The signature is “FAKE”. With the patch, SigningCertURL is at the emulator's "
        "address.",
        test="test_webhook",
    ),
)

_TOPIC = ResourceType("AWS::SNS::Topic")
_SUBSCRIPTION = ResourceType("AWS::SNS::Subscription")
_WEBHOOK_PROTOCOLS = {"http", "https"}
_EMAIL_PROTOCOLS = {"email", "email-json"}
_TIMEOUT_SECONDS = 5
_ARN_PARTS = 6
# The seconds after each attempt: 3 retries without delay, 2 after a second each, 10 with a growing
# delay, then one every 20 seconds.
RETRY_DELAYS = (0, 0, 0, 1, 1, *range(2, 21, 2), *[20] * 35)
_SIGNED_FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}

_topics: Any = lookup.attribute(services.sns, "_topics")
_send_confirmation: Function[..., Any] = Function("_send_subscription_confirmation", services.sns)
_build_message: Function[..., str] = Function("_build_envelope", services.sns)
_post: Function[[str, str, str], int] = Function("_http_post_sync", services.sns)
_confirm_subscription: Function[[Params], Response] = Function(
    "_confirm_subscription", services.sns
)
_list_subscriptions: tuple[Function[[Params], Response], ...] = (
    Function("_list_subscriptions", services.sns),
    Function("_list_subscriptions_by_topic", services.sns),
)


# The tokens of confirmation requests to which a webhook responded with 2xx.
_accepted_tokens: set[str] = set()


def install() -> None:
    """Install the patch."""
    _SUBSCRIPTION.create.around(_create_subscription)
    _TOPIC.after(_after_topic)
    _build_message.after(_sign_message)
    _post.replace(_post_signed)
    _confirm_subscription.around(_confirm_in_scope)
    for list_ in _list_subscriptions:
        list_.after(_show_pending)


# Subscriptions ----------------------------------------------------------------------------------


def _create_subscription(
    create: Callable[..., Created], title: str, props: Props, stack: str
) -> Created:
    topic = _topic(props["TopicArn"])
    if not topic:
        raise services.refusal("Topic does not exist", "Sns", 404)
    created = create(title, props, stack)
    _request_confirmations(topic)
    return created


def _after_topic(arn: str, props: Props) -> None:
    """Set the signature version; request confirmation of the subscriptions in the topic's properties."""
    topic = _topic(arn)
    topic["attributes"]["SignatureVersion"] = str(props.get("SignatureVersion", "1"))
    _request_confirmations(topic)


def _topic(arn: str) -> Topic:
    return _topics.get(arn) or {}


def _request_confirmations(topic: Topic) -> None:
    """Send a confirmation request to every new subscription of a stack."""
    for subscription in topic["subscriptions"]:
        protocol = subscription["protocol"]
        if "token" in subscription or protocol not in _WEBHOOK_PROTOCOLS | _EMAIL_PROTOCOLS:
            continue
        token = str(uuid.uuid4())
        subscription["token"] = token
        subscription["confirmed"] = False
        subscription["attributes"]["PendingConfirmation"] = "true"
        if protocol in _EMAIL_PROTOCOLS:
            link = _confirmation_url(topic["arn"], token)
            about = f"subscription to {topic['arn']}"
            outbox.send(subscription["endpoint"], about=about, secret=link)
        else:
            _start_confirmation(topic, subscription)


def resume() -> None:
    """Continue to send the confirmation requests of the saved state that are not confirmed."""
    for (account, region, *_), topic in context.items_of_all_accounts(_topics):
        with context.scope(account, region):
            for subscription in topic["subscriptions"]:
                is_webhook = subscription["protocol"] in _WEBHOOK_PROTOCOLS
                if is_webhook and "token" in subscription and not subscription["confirmed"]:
                    _start_confirmation(topic, subscription)


def _start_confirmation(topic: Topic, subscription: dict[str, Any]) -> None:
    send = functools.partial(_send_confirmation_request, topic["arn"], subscription)
    threading.Thread(target=send, daemon=True, name="sns-confirmation").start()


def _send_confirmation_request(topic: str, subscription: dict[str, Any]) -> None:
    """Send a confirmation request again until the webhook accepts it, with the delays of SNS."""
    for delay in RETRY_DELAYS:
        asyncio.run(_send_confirmation(topic, subscription))
        if subscription["confirmed"] or subscription["token"] in _accepted_tokens:
            return
        time.sleep(delay)


def _confirm_in_scope(confirm: Callable[[Params], Response], params: Params) -> Response:
    """Confirm in the account and region of the topic's ARN: a link has no credentials."""
    parts = cloudformation.param(params, "TopicArn").split(":")
    if len(parts) != _ARN_PARTS:
        return confirm(params)
    with context.scope(parts[4], parts[3]):
        return confirm(params)


def _show_pending(response: Response, _params: Params) -> Response:
    """Replace the ARN of every unconfirmed subscription by PendingConfirmation."""
    status, headers, body = response
    for topic in _topics.values():
        for subscription in topic["subscriptions"]:
            if not subscription["confirmed"]:
                body = body.replace(subscription["arn"].encode(), b"PendingConfirmation")
    return status, headers, body


# Messages ---------------------------------------------------------------------------------------


def _sign_message(text: str, *args: Any) -> str:
    is_raw = args[-1]
    return text if is_raw else json.dumps(_signed(json.loads(text)))


def _signed(message: Message) -> Message:
    parts = message["TopicArn"].split(":")
    with context.scope(parts[4], parts[3]):
        attributes = _topic(message["TopicArn"]).get("attributes", {})
    version = attributes.get("SignatureVersion", "1")
    fields = [name for name in _SIGNED_FIELDS[message["Type"]] if name in message]
    text = "".join(f"{name}\n{message[name]}\n" for name in fields)
    return {
        **message,
        "SignatureVersion": version,
        "Signature": sns_signing.signer().sign(text, version=version),
        "SigningCertURL": _url(sns_signing.CERTIFICATE_PATH),
    }


def _post_signed(endpoint: str, payload: str, kind: str) -> int:
    """Post with the headers of SNS; sign confirmation requests as well."""
    headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": kind}
    if payload.startswith("{") and '"TopicArn"' in payload:
        message = json.loads(payload)
        if kind == "SubscriptionConfirmation":
            url = _confirmation_url(message["TopicArn"], message["Token"])
            message = _signed({**message, "SubscribeURL": url})
            payload = json.dumps(message)
        headers["x-amz-sns-message-id"] = message["MessageId"]
        headers["x-amz-sns-topic-arn"] = message["TopicArn"]
    url, local_headers = _reachable(endpoint)
    request = Request(url, payload.encode(), headers | local_headers, method="POST")  # noqa: S310  A subscriber's URL.
    with urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
        if kind == "SubscriptionConfirmation":
            _accepted_tokens.add(json.loads(payload)["Token"])
        return int(response.status)


def _reachable(endpoint: str) -> tuple[str, dict[str, str]]:
    """Return the URL and the headers that reach *endpoint*: a load balancer is at the emulator's port."""
    parts = urlsplit(endpoint)
    if not parts.hostname or not elb.find(parts.hostname):
        return endpoint, {}
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _url(path), {"Host": f"{parts.hostname}:{port}"}


def _confirmation_url(topic: str, token: str) -> str:
    """Return the URL that confirms the subscription with *token* when it is opened."""
    return _url(f"/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}")


def _url(path: str) -> str:
    """Return the URL of *path* at the emulator."""
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}{path}"
