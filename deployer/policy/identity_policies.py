"""What somebody may do: identity policies, roles and users."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deployer.policy.model import Templates, Violation, each
from deployer.policy.statements import Statement, everything, statements
from deployer.policy.values import many, text

_ALL_ROLES = re.compile(r"arn:.*:role/[*?/]*")
_TOO_MUCH = re.compile(r"(.*/)?(\w*FullAccess|AdministratorAccess|PowerUserAccess)")


def no_wildcard_actions(templates: Templates) -> Iterator[Violation]:
    """All of a service on one table may be meant; all of it on everything never is."""
    for one in _allowing(templates):
        if wide := _wide(one):
            yield one.found(f"allows {', '.join(wide)} on everything")


def nothing_by_exclusion(templates: Templates) -> Iterator[Violation]:
    """What AWS adds tomorrow would be allowed tomorrow."""
    for one in _allowing(templates):
        if said := [key for key in ("NotAction", "NotResource") if key in one.body]:
            yield one.found(f"allows by {' and '.join(said)}: all but what it names")


def narrow_pass_role(templates: Templates) -> Iterator[Violation]:
    """Whoever passes any role to any service has the rights of all of them."""
    for one in _allowing(templates):
        if not one.does("iam:PassRole"):
            continue
        if any(everything(role) or _ALL_ROLES.fullmatch(text(role)) for role in one.resources):
            yield one.found("passes any role")
        services = [
            text(service)
            for operator in ("stringequals", "stringlike")
            for service in one.conditions.get((operator, "iam:passedtoservice"), [])
        ]
        if not services or any("*" in service for service in services):
            yield one.found("passes roles to any service: no iam:PassedToService")


def reasoned_wildcards(templates: Templates) -> Iterator[Violation]:
    """The exemptions from this rule are the budget."""
    for one in _allowing(templates):
        if any(map(everything, one.resources)) and not _wide(one):
            yield one.found(f"allows {len(one.actions)} actions on every resource")


def no_managed_power(templates: Templates) -> Iterator[Violation]:
    """AWS's own policies of everything."""
    for one in templates.of("IAM::Role", "IAM::User", "IAM::Group"):
        for arn in map(text, many(one.get("ManagedPolicyArns"))):
            if _TOO_MUCH.fullmatch(arn):
                yield one.found(f"takes {arn.rpartition('/')[2]}")


def no_users(templates: Templates) -> Iterator[Violation]:
    """A key that never expires is one that leaks."""
    for one in templates.of("IAM::User", "IAM::AccessKey"):
        yield one.found("is a user with keys that never expire: take a role")


bounded = each(
    "IAM::Role",
    ok=lambda one: bool(one.get("PermissionsBoundary")),
    message="has no permissions boundary",
)


def _wide(statement: Statement) -> list[str]:
    """The actions that are all of AWS, or all of a service on everything there is of it."""
    everywhere = any(map(everything, statement.resources))
    return [
        action
        for action in statement.actions
        if action in ("*", "*:*") or (everywhere and action.endswith(":*"))
    ]


def _allowing(templates: Templates) -> Iterator[Statement]:
    return (one for one in statements(templates, "identity") if one.allows)
