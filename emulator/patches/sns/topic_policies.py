"""Let a service publish to a topic only if a statement of the topic's policy permits it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from emulator.ministack import lookup, policies, services
from emulator.ministack.hooks import Function
from emulator.patches.differences import NOT_VERIFIED, Difference

DIFFERENCES = (
    Difference(
        "The default policy of a topic does not permit S3 to publish.",
        source=NOT_VERIFIED,
        ministack="Permitted.",
        test="s3/test_notifications.py::test_default_topic_policy",
    ),
)

# The statement id in the default policy of a topic, which permits accounts, not services.
_DEFAULT_SID = "__default_statement_ID"

_find_topic: Callable[[str], Any] = lookup.attribute(services.sns, "_topic_by_arn_any_scope")
_topic_policy_allows: Function[[str, str, str, str], bool] = Function(
    "topic_policy_allows", services.sns
)


def install() -> None:
    """Install the patch."""
    _topic_policy_allows.replace(_allows)


def _allows(topic: str, service: str, source: str, _account: str) -> bool:
    record = _find_topic(topic)
    policy = json.loads((record or {}).get("attributes", {}).get("Policy") or "{}")
    statements = [
        statement
        for statement in policy.get("Statement", [])
        if statement.get("Sid") != _DEFAULT_SID
    ]
    return policies.policy_allows(
        {**policy, "Statement": statements}, "sns:Publish", topic, service=service, source=source
    )
