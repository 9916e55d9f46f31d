"""The results of a preflight as text and JSON."""

from __future__ import annotations

import json

from deployer.report import PreflightResult, Style, preflight_json, preflight_text

RESULTS = [
    PreflightResult("zones", "ok", "the region has enough availability zones"),
    PreflightResult("service roles", "command", "the role X does not exist", "aws iam create"),
    PreflightResult("domain", "manual", "the zone is \x1bprivate", "create a public one"),
    PreflightResult("quotas", "unknown", "AccessDenied"),
]


def test_text() -> None:
    """Each result has its verdict, check and fact, and its action on a line of its own."""
    assert preflight_text(RESULTS) == (
        "ok              zones: the region has enough availability zones\n"
        "fix by command  service roles: the role X does not exist\n"
        "                → aws iam create\n"
        "fix manually    domain: the zone is \\x1bprivate\n"
        "                → create a public one\n"
        "not checked     quotas: AccessDenied\n"
        "1 ok, 1 fix by command, 1 fix manually, 1 not checked\n"
    )


def test_a_stream_without_unicode() -> None:
    """The arrow is replaced in an ASCII terminal."""
    text = preflight_text(RESULTS, style=Style(encoding="ascii"))

    assert "                -> aws iam create\n" in text


def test_json() -> None:
    """The document has the results with the keys of docs/json.md."""
    document = json.loads(preflight_json(RESULTS))

    assert document["version"] == 2
    assert document["results"][1] == {
        "check": "service roles",
        "verdict": "command",
        "fact": "the role X does not exist",
        "action": "aws iam create",
    }
