"""Statements are compared with the service authorization reference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scanners.authorization import Fault, Reference, faults

PUT_ITEM = {
    "table": {"condition_keys": []},
    "": {"condition_keys": ["dynamodb:LeadingKeys", "aws:RequestTag/${TagKey}"]},
}
REFERENCE = Reference(
    {
        "dynamodb": {
            "privileges": {
                "PutItem": {"resource_types": PUT_ITEM},
                "ListTables": {"resource_types": {"": {"condition_keys": []}}},
            },
            "resources": {"table": {"condition_keys": ["aws:ResourceTag/${TagKey}"]}},
        }
    }
)
TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/x"


def statement(action: str, key: str = "", resource: str = TABLE, effect: str = "Allow") -> Any:
    """Return a statement with one action, and a condition on *key*."""
    condition = {"Condition": {"StringEquals": {key: "x"}}} if key else {}
    return {"Effect": effect, "Action": [action], "Resource": [resource], **condition}


@pytest.mark.parametrize(
    "clean",
    [
        statement("dynamodb:PutItem"),
        statement("dynamodb:PutItem", "dynamodb:LeadingKeys"),
        statement("dynamodb:PutItem", "dynamodb:leadingkeys"),
        statement("dynamodb:PutItem", "aws:ResourceTag/env"),
        statement("dynamodb:PutItem", "aws:RequestTag/env"),
        statement("dynamodb:PutItem", "aws:SourceIp"),
        statement("dynamodb:ListTables", resource="*"),
        statement("dynamodb:ListTables", effect="Deny"),
        statement("dynamodb:*", "dynamodb:Other"),
        {"Effect": "Allow", "NotAction": ["dynamodb:Other"], "Resource": "*"},
    ],
)
def test_a_clean_statement(clean: Any) -> None:
    """Keys of the action and of its resource types, and keys of every request, are supported."""
    assert list(faults(clean, REFERENCE)) == []


@pytest.mark.parametrize(
    ("faulty", "fault"),
    [
        (
            statement("dynamodb:PutItems"),
            Fault("UNKNOWN_ACTION", "dynamodb:PutItems", "does not exist"),
        ),
        (
            statement("other:PutItem"),
            Fault("UNKNOWN_ACTION", "other:PutItem", "does not exist"),
        ),
        (
            statement("dynamodb:PutItem", "dynamodb:Select"),
            Fault("CONDITION_KEY", "dynamodb:PutItem", "has no condition key dynamodb:Select"),
        ),
        (
            statement("dynamodb:ListTables", "aws:ResourceTag/env", "*"),
            Fault(
                "CONDITION_KEY", "dynamodb:ListTables", "has no condition key aws:ResourceTag/env"
            ),
        ),
        (
            statement("dynamodb:ListTables"),
            Fault("RESOURCE", "dynamodb:ListTables", "supports the resource * only"),
        ),
    ],
)
def test_a_faulty_statement(faulty: Any, fault: Fault) -> None:
    """A call that such a statement allows would be refused in an account."""
    assert list(faults(faulty, REFERENCE)) == [fault]
