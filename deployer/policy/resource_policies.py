"""Who may do something: principals of trust and resource policies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deployer.policy.model import Templates, Violation
from deployer.policy.statements import Statement, every_account, everything, statements
from deployer.policy.values import pattern, text

_PINS = {"stringequals", "stringlike", "arnequals", "arnlike", "foranyvalue:stringlike"}
_ORIGINS = {"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceowner"}
_OURS = _ORIGINS | {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:resourceaccount",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "kms:calleraccount",
}
_SUBJECT = re.compile(r"repo:[^:*?]+/[^:*?]+:(ref:refs/heads/[^*?]+|environment:[^*?]+)")
_LOGS = re.compile(r".*/AWSLogs/\$\{AWS::AccountId\}/\*")


def not_everyone(templates: Templates) -> Iterator[Violation]:
    """An endpoint's policy grants nothing by itself, so there a narrow resource will do."""
    for one in statements(templates, "trust", "resource", "endpoint"):
        if one.allows and "NotPrincipal" in one.body:
            yield one.found("allows everyone but the principals it names")
        elif one.allows and one.everyone and not _narrowed(one, _OURS) and not _is_filter(one):
            yield one.found("allows everyone, and no condition says of which account")


def _is_filter(statement: Statement) -> bool:
    """Whether it lets through what others granted, and of that only some resources."""
    return statement.kind == "endpoint" and not any(map(everything, statement.resources))


def services_by_source(templates: Templates) -> Iterator[Violation]:
    """Else anyone's alarm, bucket or distribution makes the service come to ours."""
    for one in statements(templates, "resource"):
        sourced = _narrowed(one, _ORIGINS) or _is_log_delivery(one)
        if one.owner.type in _WITH_SOURCE and one.allows and _is_for_service(one) and not sourced:
            yield one.found("lets a service in for anyone: no aws:SourceArn, no aws:SourceAccount")


_WITH_SOURCE = {
    *("AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy"),
    *("AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy"),
}


def pinned_identities(templates: Templates) -> Iterator[Violation]:
    """A workflow of any repository of GitHub comes with a token of the same provider."""
    for one in statements(templates, "trust"):
        if not (one.allows and one.does("sts:AssumeRoleWithWebIdentity")):
            continue
        for claim in ("aud", "sub"):
            if not _pinned(one, claim):
                yield one.found(f"does not pin the token's {claim} with StringEquals")
        for subject in _values(one, "githubusercontent.com:sub"):
            if not _SUBJECT.fullmatch(subject):
                yield one.found(f"{subject!r} is not one branch or environment of one repository")


def _pinned(statement: Statement, claim: str) -> bool:
    values = _values(statement, f":{claim}")
    return bool(values) and not any(set("*?") & set(value) for value in values)


def _values(statement: Statement, end: str) -> list[str]:
    return [
        text(value)
        for (operator, key), values in statement.conditions.items()
        for value in values
        if operator == "stringequals" and key.endswith(end)
    ]


def _narrowed(statement: Statement, keys: set[str]) -> bool:
    return any(
        operator in _PINS
        and key in keys
        and values
        and not any(every_account(pattern(value)) for value in values)
        for (operator, key), values in statement.conditions.items()
    )


def _is_for_service(statement: Statement) -> bool:
    return any(kind == "Service" for kind, _ in statement.principals)


def _is_log_delivery(statement: Statement) -> bool:
    """The account in the path is the guard that AWS documents for logs of load balancers."""
    return all(_LOGS.fullmatch(text(one)) for one in statement.resources)
