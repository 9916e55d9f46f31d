"""The policies of all topics."""


def test_every_topic_requires_tls(emitted):
    """Each topic denies requests without TLS, and lets one service publish, for this account only."""
    policies = [
        policy
        for stack in emitted.values()
        for policy in stack.of("AWS::SNS::TopicPolicy").values()
    ]

    assert len(policies) == 2
    for policy in policies:
        allowed, denied = policy["PolicyDocument"]["Statement"]
        assert allowed["Condition"]["StringEquals"]["aws:SourceAccount"] == {
            "Ref": "AWS::AccountId"
        }
        assert (
            denied["Sid"],
            denied["Effect"],
            denied["Principal"],
        ) == ("DenyInsecureTransport", "Deny", "*")
