"""Topics and queues."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.policy.buckets import WITHOUT_TLS, denied_without_tls
from deployer.policy.model import Templates, Violation, each
from deployer.policy.values import get, many, true

# What carries messages, by the property of a policy that names the topic or queue.
_MESSAGES = (
    ("SNS::Topic", "Topics", ("sns:Publish",)),
    ("SQS::Queue", "Queues", ("sqs:SendMessage", "sqs:ReceiveMessage")),
)
_REDRIVEN = ("http", "https", "lambda", "sqs", "firehose")

encrypted = each(
    "SQS::Queue",
    ok=lambda one: true(one.get("SqsManagedSseEnabled")) or bool(one.get("KmsMasterKeyId")),
    message="does not say that it is encrypted",
)
over_https = each(
    "SNS::Subscription",
    ok=lambda one: one.get("Protocol") != "http",
    message="sends messages in the clear",
)
redriven = each(
    "SNS::Subscription",
    ok=lambda one: one.get("Protocol") not in _REDRIVEN or bool(one.get("RedrivePolicy")),
    message="loses what it cannot deliver: no RedrivePolicy",
)


def signed(templates: Templates) -> Iterator[Violation]:
    """Version 1 is SHA-1; who listens at an address has only the signature to go by."""
    listened = {
        topic
        for one in templates.of("SNS::Subscription")
        if str(one.get("Protocol")).startswith("http")
        for topic in templates.reached(one.stack, one.get("TopicArn"))
    }
    listened |= {
        topic
        for topic in templates.of("SNS::Topic")
        for one in many(topic.get("Subscription"))
        if str(get(one, "Protocol")).startswith("http")
    }
    for topic in templates.of("SNS::Topic"):
        if topic in listened and str(topic.get("SignatureVersion")) != "2":
            yield topic.found('signs messages with SHA-1: SignatureVersion is not "2"')


def only_over_tls(templates: Templates) -> Iterator[Violation]:
    """As buckets: a policy denies the rest, at least of what carries messages."""
    for type_, names, actions in _MESSAGES:
        guarded = denied_without_tls(templates, names)
        for one in templates.of(type_):
            denied = guarded.get(one, [])
            if not all(any(said.does(action) for said in denied) for action in actions):
                yield one.found(WITHOUT_TLS)
