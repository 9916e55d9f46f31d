"""Mask the values of properties, and format a value before and after a change."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from deployer import secret_detection
from deployer.preview.differences import is_intrinsic
from deployer.report.text import escaped, shorten

SENSITIVE = "(sensitive)"
_MAX_LENGTH = 60
_CONTEXT = 12  # Characters shown before and after where two long values differ.
_UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
_INDEX = re.compile(r"\[\d+\]")
_NO_ECHO = re.compile(r"\*{4,}")  # CloudFormation returns NoEcho values like this; * is a wildcard.
# Flags, units, dynamic references and ARNs are not secret, even in a property called Password.
_NOT_SECRET = re.compile(
    r"true|false|null|(?:second|minute|hour|day)s|\{\{resolve:[^}]*\}\}|arn:aws[\w-]*:[^\s\"]+"
)


def masked(name: str, value: str) -> str:
    """Return *value*, of the property *name*, with secrets masked.

    A secret is recognized by the name of the property, by its form, or because CloudFormation
    returns the value of a NoEcho parameter as asterisks.
    """
    if _NO_ECHO.fullmatch(value) or (name == "SecretString" and not _NOT_SECRET.fullmatch(value)):
        return SENSITIVE
    try:
        if value.lstrip()[:1] in {"[", "{"}:
            return json.dumps(masked_value(name, json.loads(value)), ensure_ascii=False)
    except (ValueError, RecursionError):
        pass  # It is not JSON.
    if "\n" in value.strip() and not _is_secret(
        name, "x"
    ):  # Such as a script: show the other lines.
        return secret_detection.mask_random(secret_detection.mask_lines(value))
    return SENSITIVE if _is_secret(name, value) else secret_detection.mask_random(value)


def masked_value(name: str, value: Any) -> Any:
    """Return the value of the property *name* of a template with its secrets masked.

    In an item of a list, "Name" or "Key" is the name of its "Value". References are not secret.
    """
    match value:
        case {"Name": str(key), "Value": inner} | {"Key": str(key), "Value": inner}:
            return _masked_items(value) | {"Value": masked_value(key, inner)}
        case {"Ref": str()} | {"Fn::GetAtt": _} | {"Fn::ImportValue": str()} if len(value) == 1:
            return _masked_items(value)
        case {"Fn::Join": [str(separator), [*parts]]} if len(value) == 1:
            text = separator.join(part if isinstance(part, str) else "x" for part in parts)
            if _is_secret(name, text):
                return SENSITIVE
            return {"Fn::Join": [separator, masked_value(name, parts)]}
        case dict() if is_intrinsic(value):
            return {key: masked_value(name, item) for key, item in value.items()}
        case dict():
            return _masked_items(value)
        case list():
            return [masked_value(name, item) for item in value]
        case str():
            return masked(name, value)
        case _:
            return SENSITIVE if _is_secret(name, json.dumps(value, default=str)) else value


def name_of(path: Sequence[str]) -> str:
    """Return the part of *path* that names the value: by this name, secrets are recognized.

    For Environment[TOKEN].Value it is TOKEN, for Tokens[0] it is Tokens.
    """
    keys = [key for key in path if not _INDEX.fullmatch(key)] or [""]
    is_value_of_item = keys[-1] == "Value" and len(keys) > 1 and keys[-2].startswith("[")
    return (keys[-2] if is_value_of_item else keys[-1]).strip("[]")


def _masked_items(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        secret_detection.mask(str(key)): masked_value(str(key), item) for key, item in value.items()
    }


def before_and_after(name: str, before: str | None, after: str | None) -> str:
    """Return *before* and *after* on one line; of long values, only the part that differs.

    They are equal where CloudFormation lists a property because of the resource that it refers to.
    """
    old, new = _shown(name, before), _shown(name, after)
    if old == new == SENSITIVE:
        return "(sensitive, changed)"
    if before is None and after is None:
        return "(values not known)"
    if before == after:
        return "(unchanged)" if len(old) > _MAX_LENGTH else f"{old} (unchanged)"
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
    """Return both values without most of their common beginning and end, if these are long."""
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


def _is_secret(name: str, value: str) -> bool:
    if _NOT_SECRET.fullmatch(value):
        return secret_detection.CREDENTIAL.search(value) is not None
    short_name = name.removesuffix("String")  # SecretString is the value of a secret.
    return secret_detection.is_secret_value(short_name, value)
