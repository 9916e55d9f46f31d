"""Format the results of a preflight: for each check, whether a first deploy would succeed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from deployer.report.style import Emphasis, Style
from deployer.report.text import JSON_VERSION, clean

Verdict: TypeAlias = Literal["ok", "command", "manual", "unknown"]

_LABELS: dict[Verdict, tuple[Emphasis, str]] = {
    "ok": ("green", "ok"),
    "command": ("yellow", "fix by command"),
    "manual": ("yellow", "fix manually"),
    "unknown": ("dim", "not checked"),
}
_WIDTH = max(len(label) for _, label in _LABELS.values())


@dataclass(frozen=True)
class PreflightResult:
    """The result of a check: the *fact* that it found, and the *action* that an operator must take.

    *verdict* is `ok`, or the kind of the action: `command` for a command to run, `manual` for work
    that no command does. It is `unknown` if the credentials do not allow the check; then *action*
    says how to find out.
    """

    check: str
    verdict: Verdict
    fact: str
    action: str = ""


def preflight_text(results: Sequence[PreflightResult], *, style: Style | None = None) -> str:
    """Return *results* as lines: verdict, check and fact; the action is on a line of its own."""
    style = style or Style()
    lines = []
    for result in results:
        color, label = _LABELS[result.verdict]
        lines.append(
            f"{style(color, label.ljust(_WIDTH))}  {clean(result.check)}: {clean(result.fact)}"
        )
        if result.action:
            lines.append(f"{'':{_WIDTH}}  → {clean(result.action)}")
    counts = Counter(_LABELS[result.verdict][1] for result in results)
    ordered = [label for _, label in _LABELS.values() if counts[label]]
    lines.append(", ".join(f"{counts[label]} {label}" for label in ordered))
    return "".join(f"{style.fit(line)}\n" for line in lines)


def preflight_json(results: Sequence[PreflightResult]) -> str:
    """Return *results* as one JSON document: see docs/json.md."""
    document = {"version": JSON_VERSION, "results": [asdict(result) for result in results]}
    return json.dumps(document) + "\n"
