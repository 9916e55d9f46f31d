"""AllowedPattern of template parameters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.emulator.rejections import PARAMETER, rejection
from tests.emulator.templates import template
from tests.emulator_server import Aws


def with_pattern(pattern: str, **properties: Any) -> str:
    """Return a template with a parameter that must match a pattern."""
    declaration = {"Type": "String", "AllowedPattern": pattern} | properties
    return json.dumps({"Parameters": {"P": declaration}} | template(One=PARAMETER))


@pytest.mark.parametrize(
    ("pattern", "value", "message"),
    [
        ("(a+)+$", "a" * 40 + "!", "takes more than 2 s to match its AllowedPattern"),
        ("(a|a)*", "a" * 40 + "!", "takes more than 2 s to match its AllowedPattern"),
        ("(x+x+)+y", "x" * 100, "takes more than 2 s to match its AllowedPattern"),
        ("[a-z]+[0-9]+", "a", "must match pattern [a-z]+[0-9]+"),
        ("[a-z]+(+", "a", "invalid AllowedPattern"),
    ],
)
def test_pattern(aws: Aws, pattern: str, value: str, message: str) -> None:
    """A slow or an invalid pattern, and a value that does not match, are rejected."""
    parameters = [{"ParameterKey": "P", "ParameterValue": value}]

    assert message in rejection(aws, with_pattern(pattern), Parameters=parameters)


def test_pattern_that_matches(aws: Aws) -> None:
    """A list is accepted if each of its members matches."""
    parameters = [{"ParameterKey": "P", "ParameterValue": "a1, b22"}]
    body = with_pattern("[a-z]+[0-9]+", Type="CommaDelimitedList")

    assert aws.deploy("s", body, Parameters=parameters)["StackStatus"] == "CREATE_COMPLETE"
