"""The statements of all policy documents in the templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from deployer.policy.model import Resource, Templates, Violation
from deployer.policy.policy_documents import Kind, documents
from deployer.policy.values import as_list, as_mapping, get, pattern, text

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_WILDCARDS = re.compile(r"[*?]*\*[*?]*")
# Patterns that match everything, such as *, ** and */*.
_MATCH_ALL = re.compile(r"[*?/:]*\*[*?/:]*")


@dataclass(frozen=True)
class Statement:
    """A statement of a policy document, with the resource that has the document."""

    owner: Resource
    kind: Kind
    name: str  # The Sid, else the name of the policy, else the number in the document.
    body: Mapping[str, Any]

    @property
    def allows(self) -> bool:
        """Whether the effect is Allow."""
        return self.body.get("Effect") == "Allow"

    @property
    def actions(self) -> list[str]:
        """The patterns of actions, in lower case, because IAM ignores case."""
        actions = (text(action).lower() for action in as_list(self.body.get("Action")))
        return [_WILDCARDS.sub("*", action) for action in actions]

    @property
    def resources(self) -> list[Any]:
        """The resources, as they are in the template."""
        return as_list(self.body.get("Resource"))

    @property
    def principals(self) -> list[tuple[str, Any]]:
        """The principals, each with its type: Service, AWS or Federated. Everyone is ("AWS", "*")."""
        principal = self.body.get("Principal")
        if principal == "*":
            return [("AWS", "*")]
        return [
            (kind, principal)
            for kind, principals in as_mapping(principal).items()
            for principal in as_list(principals)
        ]

    @property
    def is_for_everyone(self) -> bool:
        """Whether the statement applies to every principal of every account."""
        return any(name in ("*", "arn:aws:iam::*:root") for _, name in self.principals)

    @cached_property
    def conditions(self) -> Mapping[tuple[str, str], list[Any]]:
        """The values of the conditions by operator and key, both in lower case."""
        return {
            (str(operator).lower(), str(key).lower()): as_list(values)
            for operator, keys in as_mapping(self.body.get("Condition")).items()
            for key, values in as_mapping(keys).items()
        }

    def includes(self, action: str) -> bool:
        """Return whether a pattern of actions matches *action*, such as iam:PassRole."""
        searched = action.lower()
        return any(_matches(pattern, searched) for pattern in self.actions)

    def includes_all(self, actions: str) -> bool:
        """Return whether a pattern is *actions*, such as s3:*, or matches all actions."""
        return bool({actions, "*", "*:*"} & {*self.actions})

    def violation(self, message: str) -> Violation:
        """Return a violation of this statement."""
        return self.owner.violation(message, self.name)


def _matches(pattern: str, action: str) -> bool:
    """Return whether *pattern* matches *action*; fnmatch is slow, so only wildcards use it."""
    return fnmatchcase(action, pattern) if _has_wildcard(pattern) else pattern == action


def is_all_resources(resource: Any) -> bool:
    """Return whether *resource* matches all resources, or all resources of a service."""
    name = _VARIABLE.sub("x", pattern(resource))
    fixed, *rest = name.split(":", 5)
    if fixed == "arn" and len(rest) == 5:
        return _MATCH_ALL.fullmatch(rest[-1]) is not None
    return _MATCH_ALL.fullmatch(name) is not None or _ends_before_resource(name)


def _ends_before_resource(name: str) -> bool:
    """Return whether *name* is an ARN with a wildcard before the resource, such as arn:aws:s3*."""
    return name.startswith("ar") and name.endswith("*") and "*" not in name.rstrip("*")


def is_any_account(name: str) -> bool:
    """Return whether *name* in a condition matches any account: an ARN, account or organization.

    ARNs of S3 have no account. The name of a bucket is unique, so an ARN with a bucket is specific.
    """
    _, *rest = _VARIABLE.sub("x", name).split(":", 5)
    if len(rest) < 5:
        return _has_wildcard(name.partition("/")[0])  # A path of aws:PrincipalOrgPaths: o-abc/*.
    _, service, _, account, resource = rest
    if account and service != "s3":
        return _has_wildcard(account)
    has_any_account = not account or _has_wildcard(account)
    return has_any_account and _MATCH_ALL.fullmatch(resource) is not None


def _has_wildcard(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def statements(templates: Templates, *kinds: Kind) -> Iterator[Statement]:
    """Yield every statement of the documents of these *kinds*."""
    for kind in kinds:
        for owner, document, name in documents(templates, kind):
            yield from _statements(owner, kind, document, name)


def statements_of_role(templates: Templates, role: Resource) -> Iterator[Statement]:
    """Yield the statements of *role*: in its inline and managed policies, and in policies that name it."""
    managed = {*templates.referenced(role.stack, role.get("ManagedPolicyArns"))}
    for statement in statements(templates, "identity"):
        owner = statement.owner
        roles = [owner.get("Roles"), owner.get("RoleName")]
        if owner in {role, *managed} or role in templates.referenced(owner.stack, roles):
            yield statement


def parse_policy(document: str) -> Any:
    """Return a policy from JSON in a string; None for invalid JSON, which cfn-lint reports."""
    try:
        return json.loads(document)
    except ValueError:
        return None


def _statements(
    owner: Resource, kind: Kind, document: Any, policy: str = ""
) -> Iterator[Statement]:
    bodies = map(_parsed, as_list(get(_parsed(document), "Statement")))
    for number, body in enumerate(bodies, 1):
        name = text(get(body, "Sid")) or policy or str(number)
        yield Statement(owner, kind, name, as_mapping(body))


def _parsed(document: Any) -> Any:
    """Return a policy document or a statement; JSON in a string or in Fn::Sub is parsed."""
    match document:
        case str():
            return parse_policy(document)
        case {"Fn::Sub": str(template)}:
            return _with_references(parse_policy(template), {})
        case {"Fn::Sub": [str(template), dict(variables)]}:
            return _with_references(parse_policy(template), variables)
        case _:
            return document


def _with_references(value: Any, variables: Mapping[str, Any]) -> Any:
    """Return *value*, a part of the JSON in Fn::Sub, with each string that has references as Fn::Sub."""
    match value:
        case dict():
            return {key: _with_references(item, variables) for key, item in value.items()}
        case list():
            return [_with_references(item, variables) for item in value]
        case str() if "${" in value:
            return {"Fn::Sub": [value, variables] if variables else value}
        case _:
            return value
