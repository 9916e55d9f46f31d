"""Rules for the permissions in policies, and for roles and users."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deployer.policy.model import Templates, Violation, for_each_resource
from deployer.policy.statements import Statement, is_all_resources, statements
from deployer.policy.values import as_list, text

# role/*, role* and r*: the pattern of every role of an account.
_ALL_ROLES = re.compile(r"arn:.*:(?:role/?|rol|ro|r)[*?/]*")
_BROAD_POLICY = re.compile(r"(.*/)?(\w*FullAccess\w*|AdministratorAccess(-\w+)*|PowerUserAccess)")
_ADMINISTRATOR = re.compile(r"(.*/)?AdministratorAccess")
_SERVICE_OPERATORS = ("stringequals", "stringequalsignorecase", "stringlike")


def no_wildcard_actions(templates: Templates) -> Iterator[Violation]:
    """No statement allows all actions, or all actions of a service on all resources."""
    for statement in _allowing(templates):
        if broad := _broad_actions(statement):
            yield statement.violation(f"allows {', '.join(broad)} on all resources")


def no_negated_elements(templates: Templates) -> Iterator[Violation]:
    """No statement allows with NotAction or NotResource, which would allow future actions as well."""
    for statement in statements(templates, "identity", "trust", "resource", "endpoint"):
        negated = [key for key in ("NotAction", "NotResource") if key in statement.body]
        if statement.allows and negated:
            yield statement.violation(
                f"allows everything except for what {' and '.join(negated)} lists"
            )


def narrow_pass_role(templates: Templates) -> Iterator[Violation]:
    """A statement with iam:PassRole names roles, and names services in iam:PassedToService."""
    for statement in _allowing(templates):
        if not statement.includes("iam:PassRole"):
            continue
        if any(
            is_all_resources(role) or _ALL_ROLES.fullmatch(text(role))
            for role in statement.resources
        ):
            yield statement.violation("passes any role")
        services = [
            text(service)
            for operator in _SERVICE_OPERATORS
            for quantifier in ("", "foranyvalue:")
            for service in statement.conditions.get(
                (f"{quantifier}{operator}", "iam:passedtoservice"), []
            )
        ]
        if not services or any({*"*?"} & {*service} for service in services):
            yield statement.violation("passes roles to any service: no iam:PassedToService")


def no_wildcard_resources(templates: Templates) -> Iterator[Violation]:
    """No statement allows actions on all resources; each exemption is one statement."""
    for statement in _allowing(templates):
        if any(map(is_all_resources, statement.resources)) and not _broad_actions(statement):
            count = "all other" if "NotAction" in statement.body else len(statement.actions)
            yield statement.violation(f"allows {count} actions on all resources")


def no_broad_managed_policies(templates: Templates) -> Iterator[Violation]:
    """No role, user, group or permission set has a managed policy of AWS with full access."""
    for principal in templates.of_type(
        "IAM::Role", "IAM::User", "IAM::Group", "SSO::PermissionSet"
    ):
        arns = principal.get("ManagedPolicyArns") or principal.get("ManagedPolicies")
        for arn in map(text, as_list(arns)):
            if _BROAD_POLICY.fullmatch(arn):
                yield principal.violation(f"has the managed policy {arn.rpartition('/')[2]}")


def no_users(templates: Templates) -> Iterator[Violation]:
    """Templates have no IAM users and no access keys, because they do not expire."""
    for resource in templates.of_type("IAM::User", "IAM::AccessKey"):
        yield resource.violation("is a user or key that does not expire: use a role")


permissions_boundary = for_each_resource(
    "IAM::Role",
    is_valid=lambda role: (
        bool(role.get("PermissionsBoundary"))
        and not _ADMINISTRATOR.fullmatch(text(role.get("PermissionsBoundary")))
    ),
    message="has no permissions boundary, or one that allows everything",
)


def _broad_actions(statement: Statement) -> list[str]:
    """Return the patterns that match all actions, or all actions of a service on all resources."""
    on_all_resources = any(map(is_all_resources, statement.resources))
    return [
        action
        for action in statement.actions
        if action in ("*", "*:*") or (on_all_resources and action.endswith(":*"))
    ]


def _allowing(templates: Templates) -> Iterator[Statement]:
    return (statement for statement in statements(templates, "identity") if statement.allows)
