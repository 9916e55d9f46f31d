"""What holds data is kept."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.data_loss import STATEFUL
from deployer.policy.model import Templates, Violation

_TYPES = sorted(STATEFUL)
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")


def both_policies(templates: Templates) -> Iterator[Violation]:
    """cfn-lint's I3011 asks this of fewer types."""
    for one in templates.of(*_TYPES):
        if missing := [policy for policy in POLICIES if policy not in one.body]:
            yield one.found(f"holds data, and says no {' and no '.join(missing)}")


def not_deleted(templates: Templates) -> Iterator[Violation]:
    """Snapshot keeps the data too, and RetainExceptOnCreate all that was ever in service."""
    if not templates.env.protect:
        return
    for one in templates.of(*_TYPES):
        if gone := [policy for policy in POLICIES if one.body.get(policy) == "Delete"]:
            yield one.found(f"{' and '.join(gone)} would delete data of a protected environment")
