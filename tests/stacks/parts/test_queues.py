from tests.stacks.templates import statements


def test_every_queue_requires_tls(emitted):
    """The policy of a queue denies requests without TLS."""
    for stack in emitted.values():
        queues = stack.of("AWS::SQS::Queue")
        policies = stack.of("AWS::SQS::QueuePolicy").values()
        assert [{"Ref": title} for title in queues] == [policy["Queues"][0] for policy in policies]
        for policy in policies:
            denied = statements(policy["PolicyDocument"])["DenyInsecureTransport"]
            assert ("Deny", "*", ["sqs:*"]) == (
                denied["Effect"],
                denied["Principal"],
                denied["Action"],
            )
            assert {"Bool": {"aws:SecureTransport": "false"}} == denied["Condition"]
