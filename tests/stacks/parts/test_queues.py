from tests.stacks.templates import statements


def test_every_queue_wants_tls(emitted):
    """And lets in nobody else but who has a right of their own."""
    for layer in emitted.values():
        queues = layer.of("AWS::SQS::Queue")
        policies = layer.of("AWS::SQS::QueuePolicy").values()
        assert [{"Ref": title} for title in queues] == [one["Queues"][0] for one in policies]
        for policy in policies:
            denied = statements(policy["PolicyDocument"])["DenyInsecureTransport"]
            assert ("Deny", "*", ["sqs:*"]) == (
                denied["Effect"],
                denied["Principal"],
                denied["Action"],
            )
            assert {"Bool": {"aws:SecureTransport": "false"}} == denied["Condition"]
