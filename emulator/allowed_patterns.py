"""Values are matched against a template's patterns in a process of their own, for a bounded time.

Python's re cannot be interrupted: one pattern such as (a+)+$ would stop the emulator for hours.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from emulator import ministack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SECONDS = 2.0  # Most of it is for a busy machine to start a process.
_PROGRAM = """
import json, re, sys
pattern, values = json.load(sys.stdin)
print(json.dumps(all(re.fullmatch(pattern, value) for value in values)))
"""
_LISTS = {"CommaDelimitedList", "List<Number>"}  # Each member has to match.
_REPEATS = re.compile(r"[*+?{]")


def install() -> None:
    """Match parameters of stacks so."""
    ministack.swap(ministack.engine, "_check_parameter_constraints", _matched_apart)


def _matched_apart(check: Callable[..., None]) -> Callable[..., None]:
    """Have a pattern that may take long decided before the emulator looks at it."""

    def checking(name: str, parameter: dict[str, Any], kind: str, value: str) -> None:
        pattern = str(parameter.get("AllowedPattern", ""))
        if len(_REPEATS.findall(pattern)) < 2:  # One alone never goes back far.
            check(name, parameter, kind, value)
            return
        _compile(name, pattern)
        values = [one.strip() for one in value.split(",")] if kind in _LISTS else [value]
        if kind != "Number" and not _match(name, pattern, tuple(values)):
            reason = parameter.get("ConstraintDescription") or f"must match pattern {pattern}"
            raise ValueError(f"Parameter '{name}' {reason}")
        others = {key: one for key, one in parameter.items() if key != "AllowedPattern"}
        check(name, others, kind, value)

    return checking


def _compile(name: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"Parameter '{name}' has an invalid AllowedPattern: {error}") from None


@functools.lru_cache(maxsize=256)  # Each parameter is checked several times for one change set.
def _match(name: str, pattern: str, values: Sequence[str]) -> bool:
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            input=json.dumps([pattern, values]).encode(),
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        message = f"Parameter '{name}' takes more than {SECONDS:.0f} s to match its AllowedPattern"
        raise ValueError(message) from None
    if done.returncode:
        raise ValueError(f"Parameter '{name}' cannot be matched against its AllowedPattern")
    return bool(json.loads(done.stdout))
