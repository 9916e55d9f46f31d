"""The policies of all queues."""

from tests.stacks.templates import statements


def test_every_queue_requires_tls(emitted):
    """The policy of a queue denies requests without TLS."""
    queues = []
    for stack in emitted.values():
        titles = list(stack.of("AWS::SQS::Queue"))
        policies = stack.of("AWS::SQS::QueuePolicy").values()
        assert [{"Ref": title} for title in titles] == [policy["Queues"][0] for policy in policies]
        for policy in policies:
            denied = statements(policy["PolicyDocument"])["DenyInsecureTransport"]
            assert (
                denied["Effect"],
                denied["Principal"],
                denied["Action"],
            ) == ("Deny", "*", ["sqs:*"])
            assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        queues += titles

    assert {
        "AvatarWebhookDeadLetterQueue",
        "MessagingStreamDeadLetterQueue",
        "ThumbnailDeadLetterQueue",
    } <= set(queues)
