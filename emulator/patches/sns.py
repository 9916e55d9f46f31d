"""SNS: subscriptions made by a stack are asked to confirm, and every message is really signed.

A webhook and an address stay pending until somebody visits the SubscribeURL they were sent. The
certificate of the signing key is served at SigningCertURL: here at the emulator's own address,
where AWS's would be https://sns.REGION.amazonaws.com/SimpleNotificationService-….pem.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import threading
import uuid
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

from emulator import ministack, outbox, sns_signing
from emulator.ministack import Answer, Params, Props

Made = tuple[str, dict[str, Any]]
Message = dict[str, Any]

_TOPIC = "AWS::SNS::Topic"
_SUBSCRIPTION = "AWS::SNS::Subscription"
_BY_POST = {"http", "https"}
_BY_MAIL = {"email", "email-json"}
_SECONDS = 5
_ARN_PARTS = 6
_SIGNED = {
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


def close() -> None:
    """Let stacks subscribe as callers do, and sign what is sent."""
    ministack.wrap_type(_SUBSCRIPTION, "create", _asked)
    for verb in ("create", "update"):
        ministack.wrap_type(_TOPIC, verb, _asking_and_signing)
    ministack.swap(ministack.sns, "_build_envelope", _enveloped)
    ministack.swap(ministack.sns, "_http_post_sync", _posted)
    ministack.swap(ministack.sns, "_confirm_subscription", _where_the_topic_is)
    for action in ("_list_subscriptions", "_list_subscriptions_by_topic"):
        ministack.swap(ministack.sns, action, _pending_shown)


# Subscriptions ----------------------------------------------------------------------------------


def _asked(create: Callable[..., Made]) -> Callable[..., Made]:
    def creating(title: str, props: Props, stack: str) -> Made:
        topic = _topic(props["TopicArn"])
        if not topic:
            raise ValueError("Topic does not exist (Service: Sns, Status Code: 404)")
        made, attributes = create(title, props, stack)
        _ask(topic)
        return made, attributes

    return creating


def _asking_and_signing(make: Callable[..., Made]) -> Callable[..., Made]:
    """A topic may have subscriptions of its own, and says how its messages are signed."""

    def making(*args: Any) -> Made:
        made, attributes = make(*args)
        props = [arg for arg in args if isinstance(arg, dict)][-1]
        topic = _topic(made)
        topic["attributes"]["SignatureVersion"] = str(props.get("SignatureVersion", "1"))
        _ask(topic)
        return made, attributes

    return making


def _topic(arn: str) -> dict[str, Any]:
    return ministack.store(ministack.sns, "_topics").get(arn) or {}


def _ask(topic: dict[str, Any]) -> None:
    """Ask every subscription of a stack that has not been asked yet."""
    for one in topic["subscriptions"]:
        if "token" in one or one["protocol"] not in _BY_POST | _BY_MAIL:
            continue
        one["token"] = str(uuid.uuid4())
        one["confirmed"] = False
        one["attributes"]["PendingConfirmation"] = "true"
        if one["protocol"] in _BY_MAIL:
            link = _own(f"?Action=ConfirmSubscription&TopicArn={topic['arn']}&Token={one['token']}")
            outbox.send(one["endpoint"], about=f"subscription to {topic['arn']}", secret=link)
        else:
            asking = ministack.store(ministack.sns, "_send_subscription_confirmation")
            run = functools.partial(_run, asking, topic["arn"], one)
            threading.Thread(target=run, daemon=True).start()


def _run(asking: Callable[..., Any], *args: Any) -> None:
    asyncio.run(asking(*args))


def _where_the_topic_is(confirm: Callable[[Params], Answer]) -> Callable[[Params], Answer]:
    """A visited link has no credentials that would say in whose account and region it is meant."""

    def confirming(params: Params) -> Answer:
        parts = ministack.param(params, "TopicArn").split(":")
        if len(parts) != _ARN_PARTS:
            return confirm(params)
        with ministack.scope(parts[4], parts[3]):
            return confirm(params)

    return confirming


def _pending_shown(list_: Callable[[Params], Answer]) -> Callable[[Params], Answer]:
    """A subscription has no ARN to show until it is confirmed."""

    def listing(params: Params) -> Answer:
        status, headers, body = list_(params)
        for topic in ministack.store(ministack.sns, "_topics").values():
            for one in topic["subscriptions"]:
                if not one["confirmed"]:
                    body = body.replace(one["arn"].encode(), b"PendingConfirmation")
        return status, headers, body

    return listing


# Messages ---------------------------------------------------------------------------------------


def _enveloped(build: Callable[..., str]) -> Callable[..., str]:
    def building(topic: str, *rest: Any) -> str:
        text, raw = build(topic, *rest), rest[-1]
        return text if raw else json.dumps(_signed(json.loads(text)))

    return building


def _signed(message: Message) -> Message:
    parts = message["TopicArn"].split(":")
    with ministack.scope(parts[4], parts[3]):
        attributes = _topic(message["TopicArn"]).get("attributes", {})
    version = attributes.get("SignatureVersion", "1")
    named = [name for name in _SIGNED[message["Type"]] if name in message]
    text = "".join(f"{name}\n{message[name]}\n" for name in named)
    return {
        **message,
        "SignatureVersion": version,
        "Signature": sns_signing.signer().sign(text, version=version),
        "SigningCertURL": _own("_emulator/SimpleNotificationService.pem"),
    }


def _posted(_post: Callable[..., int]) -> Callable[..., int]:
    """Post as AWS does: with its headers, and a confirmation signed like everything else."""

    def posting(endpoint: str, payload: str, kind: str) -> int:
        headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": kind}
        if payload.startswith("{") and '"TopicArn"' in payload:
            message = json.loads(payload)
            if kind == "SubscriptionConfirmation":
                link = f"?Action=ConfirmSubscription&TopicArn={message['TopicArn']}"
                message["SubscribeURL"] = _own(f"{link}&Token={message['Token']}")
                message = _signed(message)
                payload = json.dumps(message)
            headers["x-amz-sns-message-id"] = message["MessageId"]
            headers["x-amz-sns-topic-arn"] = message["TopicArn"]
        request = Request(endpoint, payload.encode(), headers, method="POST")  # noqa: S310  As subscribed.
        with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return int(answer.status)

    return posting


def _own(path: str) -> str:
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}/{path}"
