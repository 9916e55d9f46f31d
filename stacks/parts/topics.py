"""SNS topics and their policies."""

from __future__ import annotations

from awacs import sns as sns_actions
from awacs.aws import PolicyDocument, Statement
from troposphere import sns

from deployer.model import Template
from stacks.parts.iam import deny_insecure_transport


def topic_policy(t: Template, topic: sns.Topic, publisher: Statement) -> sns.TopicPolicy:
    """Add the policy of *topic*: deny access without TLS, and allow one *publisher*."""
    return t.add_resource(
        sns.TopicPolicy(
            f"{topic.title}Policy",
            Topics=[topic.ref()],
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[publisher, deny_insecure_transport(sns_actions.Publish, topic.ref())],
            ),
        )
    )
