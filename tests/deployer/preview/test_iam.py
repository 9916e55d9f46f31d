"""Changed statements of policies."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.preview.iam import statement_changes, statement_paths

STATEMENT: dict[str, Any] = {
    "Sid": "Read",
    "Effect": "Allow",
    "Action": ["s3:GetObject"],
    "Resource": ["arn:aws:s3:::a/x"],
}


def properties(*statements: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a role with one policy."""
    return {"Policies": [{"PolicyName": "P", "PolicyDocument": {"Statement": [*statements]}}]}


def change(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Return each change of a statement: its name, its direction, and whether it grants."""
    found = statement_changes(properties(before), properties(after))
    return [(item.name, item.direction, item.grants) for item in found]


@pytest.mark.parametrize(
    ("edit", "direction", "grants"),
    [
        ({"Action": ["s3:GetObject", "s3:PutObject"]}, "widened", True),
        ({"Action": ["s3:*"]}, "widened", True),
        ({"Action": "s3:Get*"}, "widened", True),
        ({"Resource": ["arn:aws:s3:::a/*"]}, "widened", True),
        ({"Resource": "*"}, "widened", True),
        ({"Action": ["s3:PutObject"]}, "changed", True),
        ({"Action": []}, "narrowed", False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, "narrowed", False),
        ({"Effect": "Deny"}, "changed", False),
        ({"Principal": "*"}, "changed", True),
    ],
)
def test_directions_of_allow(edit: dict[str, Any], direction: str, grants: bool) -> None:
    """More actions, resources or principals, or fewer conditions, widen a statement that allows."""
    assert change(STATEMENT, STATEMENT | edit) == [("P/Read", direction, grants)]


def test_a_removed_condition_widens() -> None:
    """A statement without its condition allows more."""
    condition = {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}

    assert change(STATEMENT | condition, STATEMENT) == [("P/Read", "widened", True)]


def test_a_narrowed_deny_grants() -> None:
    """A narrowed Deny grants: an action that is no longer denied may be allowed."""
    deny = STATEMENT | {"Effect": "Deny", "Action": ["s3:GetObject", "s3:PutObject"]}

    assert change(deny, deny | {"Action": ["s3:GetObject"]}) == [("P/Read", "narrowed", True)]


def test_exclusions_work_the_other_way() -> None:
    """An action that is added to NotAction narrows the statement."""
    some = {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*", "Sid": "All"}

    assert change(some, some | {"NotAction": ["iam:*", "s3:*"]}) == [("P/All", "narrowed", False)]


def test_added_and_removed_statements() -> None:
    """Statements with other Sids are added and removed; a removed denial grants."""
    other = STATEMENT | {"Sid": "Write", "Effect": "Deny"}

    assert change(STATEMENT, other) == [("P/Read", "removed", False), ("P/Write", "added", False)]
    assert change(other, STATEMENT) == [("P/Write", "removed", True), ("P/Read", "added", True)]


def test_statements_without_sid_are_matched_by_similarity() -> None:
    """A statement without Sid is compared with the one that differs in one element."""
    before = {key: value for key, value in STATEMENT.items() if key != "Sid"}

    assert change(before, before | {"Resource": "*"}) == [("P", "widened", True)]


def test_documents_are_found_anywhere() -> None:
    """Trust policies, key policies and bucket policies are documents, too."""
    trust = {"AssumeRolePolicyDocument": {"Statement": [STATEMENT]}}

    assert statement_paths(trust) == {("Properties", "AssumeRolePolicyDocument", "Statement")}
    assert [item.name for item in statement_changes({}, trust)] == ["AssumeRolePolicyDocument/Read"]


def test_a_reordered_document_is_no_change() -> None:
    """The order of statements has no meaning."""
    other = STATEMENT | {"Sid": "Other"}

    assert statement_changes(properties(STATEMENT, other), properties(other, STATEMENT)) == ()
