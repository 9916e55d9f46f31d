def test_every_topic_wants_tls(emitted):
    """And lets one service publish, for this account."""
    for layer in emitted.values():
        for policy in layer.of("AWS::SNS::TopicPolicy").values():
            allowed, denied = policy["PolicyDocument"]["Statement"]
            assert {"Ref": "AWS::AccountId"} == allowed["Condition"]["StringEquals"][
                "aws:SourceAccount"
            ]
            assert ("DenyInsecureTransport", "Deny", "*") == (
                denied["Sid"],
                denied["Effect"],
                denied["Principal"],
            )
