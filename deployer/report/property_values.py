"""Format the value of a property before and after a change, masked and shortened."""

from __future__ import annotations

import json
import re
from itertools import takewhile
from typing import Any

from deployer import secret_detection
from deployer.report.text import escaped, shorten

SENSITIVE = "(sensitive)"
_MAX_LENGTH = 60
_CONTEXT = 12  # Characters shown before and after where two long values differ.
_UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
_NO_ECHO = re.compile(r"\*{4,}")  # CloudFormation returns NoEcho values like this; * is a wildcard.
# Whether a secret is set, and where it is stored, is not secret.
_NOT_SECRET = re.compile(r"true|false|null|\{\{resolve:[^}]*\}\}|arn:aws[\w-]*:[^\s\"]+")


def masked(name: str, value: str) -> str:
    """Return *value* with secrets masked: by their name, by NoEcho, or by their form."""
    if _NO_ECHO.fullmatch(value):
        return SENSITIVE
    try:
        if value[:1] in {"[", "{"}:
            return json.dumps(_masked_tree(name, json.loads(value)), ensure_ascii=False)
    except (ValueError, RecursionError):
        pass  # It is not JSON.
    return SENSITIVE if _is_secret(name, value) else value


def before_and_after(name: str, before: str | None, after: str | None) -> str:
    """Return *before* and *after* on one line; of long values, only the part that differs."""
    old, new = _shown(name, before), _shown(name, after)
    if old == new == SENSITIVE:
        return "(sensitive, changed)"
    if before is None and after is None:
        return "(values not known)"
    if max(len(old), len(new)) > _MAX_LENGTH:
        old, new = _around_difference(old, new)
    return f"{shorten(old, _MAX_LENGTH)} → {shorten(new, _MAX_LENGTH)}"


def _shown(name: str, value: str | None) -> str:
    match value:
        case None:
            return "(none)"
        case "":
            return '""'
        case str() if _UNKNOWN in value:
            return "(known after creation)"
        case str():
            return escaped(masked(name, value))


def _around_difference(old: str, new: str) -> tuple[str, str]:
    """Return both without their long common beginning and end."""
    head = _common_length(old, new)
    tail = _common_length(old[head:][::-1], new[head:][::-1])
    start = head - _CONTEXT if head > 2 * _CONTEXT else 0
    drop = tail - _CONTEXT if tail > 2 * _CONTEXT else 0
    return _cut(old, start, drop), _cut(new, start, drop)


def _common_length(one: str, other: str) -> int:
    """Return the length of the common beginning of *one* and *other*."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _cut(text: str, start: int, drop: int) -> str:
    inner = text[start : len(text) - drop]
    return f"{'…' if start else ''}{inner}{'…' if drop else ''}"


def _masked_tree(name: str, node: Any) -> Any:
    """Return a parsed value with secrets masked; "Name" or "Key" is the name of its "Value"."""
    match node:
        case {"Name": str(key), "Value": value} | {"Key": str(key), "Value": value}:
            return node | {"Value": _masked_tree(key, value)}
        case dict():
            return {str(key): _masked_tree(str(key), value) for key, value in node.items()}
        case list():
            return [_masked_tree(name, item) for item in node]
        case str():
            return masked(name, node)
        case _:
            return SENSITIVE if _is_secret(name, json.dumps(node)) else node


def _is_secret(name: str, value: str) -> bool:
    if _NOT_SECRET.fullmatch(value):
        return False
    short_name = name.removesuffix("String")  # SecretString is the value of a secret.
    return secret_detection.is_password(short_name, value) or any(secret_detection.find(value))
