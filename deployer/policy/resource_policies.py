"""Rules for the principals in trust policies, resource policies and endpoint policies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deployer.policy.model import Templates, Violation
from deployer.policy.statements import Statement, is_all_resources, is_any_account, statements
from deployer.policy.values import pattern, text

_EXACT_OPERATORS = {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"}
_EXACT_OPERATORS |= {f"foranyvalue:{operator}" for operator in _EXACT_OPERATORS}
_SOURCE_KEYS = {
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
}
# Services that do not send aws:SourceArn to KMS send an ARN in the encryption context.
_KMS_SOURCE_KEY = re.compile(r"kms:encryptioncontext:aws:[a-z0-9-]+:arn")
_OWNER_KEYS = _SOURCE_KEYS | {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
}
# In a resource policy, these keys always have the account of the resource itself.
_RESOURCE_OWNER_KEYS = {
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:resourceorgpaths",
    "s3:resourceaccount",
}
_SUBJECT = re.compile(r"repo:[^:*?]+/[^:*?]+:(ref:refs/heads/[^*?]+|environment:[^*?]+)")
_LOG_PATH = re.compile(r".*/AWSLogs/\$\{AWS::AccountId\}/\*")


def no_public_principals(templates: Templates) -> Iterator[Violation]:
    """A statement for everyone has a condition on the account or organization.

    The policy of a VPC endpoint grants nothing by itself, so a statement on specific resources needs
    no condition there.
    """
    for statement in statements(templates, "trust", "resource", "endpoint"):
        if statement.allows and "NotPrincipal" in statement.body:
            yield statement.violation("allows every principal except for those in NotPrincipal")
        elif (
            statement.allows
            and statement.is_for_everyone
            and not _has_condition(statement, _owner_keys(statement))
            and not _is_filter(statement)
        ):
            yield statement.violation("allows everyone, without a condition on the account")


def _owner_keys(statement: Statement) -> set[str]:
    """Return the condition keys that limit *statement* to accounts or organizations."""
    return _OWNER_KEYS | (_RESOURCE_OWNER_KEYS if statement.kind == "endpoint" else set())


def _is_filter(statement: Statement) -> bool:
    """Return whether *statement* is in an endpoint policy, which grants nothing, and names resources."""
    return statement.kind == "endpoint" and not any(map(is_all_resources, statement.resources))


def services_by_source(templates: Templates) -> Iterator[Violation]:
    """A service is allowed for specific sources only, to prevent the confused deputy problem."""
    for statement in statements(templates, "resource"):
        has_source = _has_condition(statement, _source_keys(statement))
        has_source = has_source or _is_log_delivery(statement)
        if statement.allows and _is_for_service(statement) and not has_source:
            yield statement.violation(
                "allows a service for any source: no aws:SourceArn, no aws:SourceAccount"
            )


def pinned_identities(templates: Templates) -> Iterator[Violation]:
    """A web identity is limited to one audience and one branch or environment of one repository."""
    for statement in statements(templates, "trust"):
        if not (statement.allows and statement.includes("sts:AssumeRoleWithWebIdentity")):
            continue
        for claim in ("aud", "sub"):
            if not _is_exact(statement, claim):
                yield statement.violation(f"does not compare the token's {claim} with StringEquals")
        for subject in _values(statement, "githubusercontent.com:sub"):
            if not _SUBJECT.fullmatch(subject):
                yield statement.violation(
                    f"{subject!r} is not one branch or environment of one repository"
                )


def _is_exact(statement: Statement, claim: str) -> bool:
    values = _values(statement, f":{claim}")
    return bool(values) and not any(set("*?") & set(value) for value in values)


def _values(statement: Statement, end: str) -> list[str]:
    return [
        text(value)
        for (operator, key), values in statement.conditions.items()
        for value in values
        if operator == "stringequals" and key.endswith(end)
    ]


def _has_condition(statement: Statement, keys: set[str]) -> bool:
    return any(
        operator in _EXACT_OPERATORS
        and key in keys
        and values
        and not any(is_any_account(pattern(value)) for value in values)
        for (operator, key), values in statement.conditions.items()
    )


def _source_keys(statement: Statement) -> set[str]:
    contexts = {key for _, key in statement.conditions if _KMS_SOURCE_KEY.fullmatch(key)}
    return _SOURCE_KEYS | contexts


def _is_for_service(statement: Statement) -> bool:
    return any(kind == "Service" for kind, _ in statement.principals)


def _is_log_delivery(statement: Statement) -> bool:
    """Return whether each resource is the path of load balancer logs, which contains the account id."""
    paths = [*map(text, statement.resources)]
    return bool(paths) and all(map(_LOG_PATH.fullmatch, paths))
