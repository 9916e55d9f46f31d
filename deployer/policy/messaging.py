"""Rules for SNS topics and SQS queues."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.policy.buckets import WITHOUT_TLS, denials_without_tls
from deployer.policy.model import Resource, Templates, Violation, for_each_resource
from deployer.policy.values import as_list, get, is_false

# Resource type, the properties of policies that name such resources, and the actions that carry
# messages.
_MESSAGES = (
    ("SNS::Topic", ("Topics", "TopicArn"), ("sns:Publish",)),
    ("SQS::Queue", ("Queues", "Queue"), ("sqs:SendMessage", "sqs:ReceiveMessage")),
)
_REDRIVE_PROTOCOLS = ("http", "https", "lambda", "sqs", "firehose")

encrypted = for_each_resource(
    "SQS::Queue",
    # SQS encrypts queues by default.
    is_valid=lambda resource: (
        not is_false(resource.get("SqsManagedSseEnabled")) or bool(resource.get("KmsMasterKeyId"))
    ),
    message="is not encrypted: SqsManagedSseEnabled is false, and there is no KmsMasterKeyId",
)


def over_https(templates: Templates) -> Iterator[Violation]:
    """No subscription has the protocol http."""
    for resource, subscription in _subscriptions(templates):
        if get(subscription, "Protocol") == "http":
            yield resource.violation("sends messages over HTTP")


def has_dead_letter_queue(templates: Templates) -> Iterator[Violation]:
    """A subscription has a queue for undelivered messages; those in a topic cannot have one."""
    for resource, subscription in _subscriptions(templates):
        can_lose = get(subscription, "Protocol") in _REDRIVE_PROTOCOLS
        if can_lose and not get(subscription, "RedrivePolicy"):
            yield resource.violation("loses undelivered messages: no RedrivePolicy")


def _subscriptions(templates: Templates) -> Iterator[tuple[Resource, Any]]:
    """Yield each subscription with its resource, which is the topic if the topic defines it."""
    for resource in templates.of_type("SNS::Subscription"):
        yield resource, resource.properties
    for topic in templates.of_type("SNS::Topic"):
        for subscription in as_list(topic.get("Subscription")):
            yield topic, subscription


def signed(templates: Templates) -> Iterator[Violation]:
    """Topics with HTTP(S) subscribers sign with SHA-256: signature version 1 uses SHA-1."""
    with_http = {
        topic
        for resource, subscription in _subscriptions(templates)
        if str(get(subscription, "Protocol")).startswith("http")
        for topic in (resource, *templates.referenced(resource.stack, resource.get("TopicArn")))
    }
    for topic in templates.of_type("SNS::Topic"):
        if topic in with_http and str(topic.get("SignatureVersion")) != "2":
            yield topic.violation('signs messages with SHA-1: SignatureVersion is not "2"')


def only_over_tls(templates: Templates) -> Iterator[Violation]:
    """A policy denies requests without TLS, at least for the actions that carry messages."""
    for type_, properties, actions in _MESSAGES:
        denials = denials_without_tls(templates, *properties)
        for resource in templates.of_type(type_):
            denied = denials.get(resource, [])
            if not all(
                any(statement.includes(action) for statement in denied) for action in actions
            ):
                yield resource.violation(WITHOUT_TLS)
