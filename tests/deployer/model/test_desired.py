"""The desired stacks, and the data that their templates keep."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from deployer.model.desired import BODY_LIMIT, holds_data
from tests.fakes import desired_stack


@pytest.mark.parametrize(
    ("text", "too_long"),
    [
        ("x" * BODY_LIMIT, False),
        ("x" * (BODY_LIMIT + 1), True),
        ("é" * (BODY_LIMIT // 2 + 1), True),
    ],
    ids=["limit", "one more", "two bytes each"],
)
def test_the_length_of_a_template_is_in_bytes(text: str, too_long: bool) -> None:
    """Characters that need two bytes count twice."""
    assert too_long == replace(desired_stack("network"), text=text).too_long


def test_the_limit_is_that_of_cloudformation() -> None:
    """A template in a call has at most 51,200 bytes (CloudFormation quotas)."""
    assert BODY_LIMIT == 51_200


def test_a_key_is_in_the_folder_of_the_stack() -> None:
    """The folder is that of releases, or empty for a manual stack."""
    artifact = SimpleNamespace(key="lambdas/digest.zip")
    stack = desired_stack("messages")

    assert stack.key(artifact) == "lambdas/digest.zip"  # type: ignore[arg-type]
    assert replace(stack, key_prefix="release/").key(artifact) == "release/lambdas/digest.zip"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("    DeletionPolicy: Retain\n", True),
        ("    DeletionPolicy: RetainExceptOnCreate\n", True),
        ("    DeletionPolicy: Snapshot\n", True),
        ('{"DeletionPolicy": "Retain"}', True),
        ("    DeletionPolicy: Delete\n", False),
        ("    UpdateReplacePolicy: Retain\n", False),
        ("    DeletionPolicy: Retained\n", False),
        ("", False),
    ],
)
def test_a_retained_resource_is_data(text: str, expected: bool) -> None:
    """Only a DeletionPolicy that keeps the resource counts, in YAML and in JSON."""
    assert expected == holds_data(text)
