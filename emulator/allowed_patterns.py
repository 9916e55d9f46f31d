"""Match AllowedPattern of template parameters in a separate process, with a timeout.

Python's re cannot be interrupted: a pattern such as (a+)+$ would block the emulator for hours.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from emulator.ministack import cloudformation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TIMEOUT_SECONDS = 2.0  # On a busy machine, the start of the process takes most of this time.
_PROGRAM = """
import json, re, sys
pattern, values = json.load(sys.stdin)
print(json.dumps(all(re.fullmatch(pattern, value) for value in values)))
"""
_LISTS = {"CommaDelimitedList", "List<Number>"}  # Each member must match.
# Parts of patterns that can try many ways to match: repetitions, alternatives, backreferences.
_CHOICES = re.compile(r"[*+?{|]|\\[1-9]|\(\?P=")


def install() -> None:
    """Match the AllowedPattern of every template parameter with a timeout."""
    cloudformation.check_parameter.around(_check)


def _check(
    check: Callable[..., None], name: str, parameter: dict[str, Any], kind: str, value: str
) -> None:
    """Match a pattern that may take long in a separate process; MiniStack checks everything else."""
    pattern = str(parameter.get("AllowedPattern", ""))
    if len(_CHOICES.findall(pattern)) < 2:  # The time then grows with the length of the value.
        check(name, parameter, kind, value)
        return
    _compile(name, pattern)
    values = [item.strip() for item in value.split(",")] if kind in _LISTS else [value]
    if kind != "Number" and not _match(name, pattern, tuple(values)):
        reason = parameter.get("ConstraintDescription") or f"must match pattern {pattern}"
        raise ValueError(f"Parameter '{name}' {reason}")
    other_constraints = {key: item for key, item in parameter.items() if key != "AllowedPattern"}
    check(name, other_constraints, kind, value)


def _compile(name: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"Parameter '{name}' has an invalid AllowedPattern: {error}") from None


@functools.lru_cache(maxsize=256)  # Each parameter is checked several times for one change set.
def _match(name: str, pattern: str, values: Sequence[str]) -> bool:
    try:
        result = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            input=json.dumps([pattern, values]).encode(),
            capture_output=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        message = f"Parameter '{name}' takes more than {TIMEOUT_SECONDS:.0f} s to match its AllowedPattern"
        raise ValueError(message) from None
    if result.returncode:
        raise ValueError(f"Parameter '{name}' cannot be matched against its AllowedPattern")
    return bool(json.loads(result.stdout))
