"""Rules for the deletion policies of resources that hold data."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.data_loss import STATEFUL
from deployer.policy.databases import is_cluster_member
from deployer.policy.model import Templates, Violation

_TYPES = sorted(STATEFUL)
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")


def both_policies(templates: Templates) -> Iterator[Violation]:
    """Resources that hold data have both policies; I3011 of cfn-lint covers fewer types."""
    for resource in templates.of_type(*_TYPES):
        if missing := [policy for policy in POLICIES if policy not in resource.body]:
            yield resource.violation(f"holds data and has no {' and no '.join(missing)}")


def not_deleted(templates: Templates) -> Iterator[Violation]:
    """In a protected environment, neither policy is Delete; all others keep the data."""
    if not templates.env.protect:
        return
    for resource in templates.of_type(*_TYPES):
        if is_cluster_member(resource):
            continue  # The cluster has the data.
        if deleting := [policy for policy in POLICIES if resource.body.get(policy) == "Delete"]:
            yield resource.violation(
                f"{' and '.join(deleting)} is Delete in a protected environment"
            )
