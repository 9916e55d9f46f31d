"""Dead-letter queues: SQS queues for events and messages that could not be processed."""

from __future__ import annotations

from collections.abc import Sequence

from awacs import sqs as sqs_actions
from awacs.aws import Action, PolicyDocument, Statement
from troposphere import sqs

from deployer.model import Env, Template
from stacks.parts.iam import allow, deny_insecure_transport
from stacks.parts.retention import retention_policies

RETENTION_DAYS = 14  # The maximum of SQS: operators need time to fix and redrive.


def dead_letter_queue(
    t: Template, title: str, env: Env, statements: Sequence[Statement] = ()
) -> sqs.Queue:
    """Add a queue that keeps failed events for two weeks.

    A message about records of a stream contains their positions in the stream, not their content.
    The stream deletes the content after a day.

    The policy of the queue denies access without TLS, and has *statements*. A function that sends
    to the queue needs no statement: its execution role allows it.
    """
    queue = t.add_resource(
        sqs.Queue(
            title,
            MessageRetentionPeriod=RETENTION_DAYS * 24 * 3600,
            SqsManagedSseEnabled=True,
            **retention_policies(env),
        )
    )
    over_tls = deny_insecure_transport(Action("sqs", "*"), queue.get_att("Arn"))
    t.add_resource(
        sqs.QueuePolicy(
            f"{queue.title}Policy",
            Queues=[queue.ref()],
            PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=[over_tls, *statements]),
        )
    )
    return queue


def allow_send(queue: sqs.Queue) -> Statement:
    """Allow a function to send failed events to its dead-letter *queue*."""
    return allow("SendToDeadLetterQueue", [sqs_actions.SendMessage], queue.get_att("Arn"))
