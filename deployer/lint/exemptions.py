"""Exemptions: accepted findings, each with its reason in exemptions.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Any

from deployer.errors import ConfigError
from deployer.lint.findings import Finding

EXEMPTIONS = Path(__file__).with_name("exemptions.toml")
STALE = "L0001"  # The rule about exemptions: each must match a finding.


@dataclass(frozen=True)
class Exemption:
    """An accepted finding of cfn-lint or of a policy rule. Stack and resource may be globs.

    *setting* is the setting on whose value the finding depends; empty if it depends on none.
    """

    rule: str
    stack: str
    resource: str
    reason: str
    date: str
    setting: str = ""
    number: int = field(default=1, compare=False)  # Its line in the file.

    def matches(self, finding: Finding) -> bool:
        """Return whether this exemption accepts *finding*."""
        return (
            self.rule == finding.rule
            and fnmatchcase(finding.stack, self.stack)
            and fnmatchcase(finding.where, self.resource)
        )


def load_exemptions(file: Path = EXEMPTIONS) -> tuple[Exemption, ...]:
    """Return the exemptions in *file*, in its order.

    Raise ConfigError if it has anything else, or an exemption without a reason.
    """
    text = file.read_text(encoding="utf-8")
    numbers = [n for n, line in enumerate(text.splitlines(), 1) if _HEADER.match(line)]
    try:
        rows = _rows(tomllib.loads(text))
        return tuple(
            exemption
            for row, number in zip(rows, numbers, strict=True)
            for exemption in _exemptions(row, number)
        )
    except ValueError as error:
        raise ConfigError(
            f"{file.name}: {error}",
            hint="write [[exemption]] tables with rule, stack, resource, reason, date; setting is optional",
        ) from error


_HEADER = re.compile(r"\s*\[\[\s*exemption\s*\]\]")


def _rows(tables: Mapping[str, Any]) -> list[Mapping[str, object]]:
    match tables:
        case {"exemption": list(rows), **rest} if not rest:
            return rows
        case _ if not tables:
            return []
        case _:
            raise ValueError("only [[exemption]] tables are allowed")


def _exemptions(row: Mapping[str, object], number: int) -> Iterator[Exemption]:
    """Yield an exemption for each stack and each resource of a *row*, which may list several."""
    for stack, resource in product(_values(row, "stack"), _values(row, "resource")):
        yield _exemption({**row, **stack, **resource}, number)


def _values(row: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    match row.get(key):
        case list(values):
            return [{key: value} for value in values] or [{key: ""}]
        case _:
            return [{}]


def _exemption(row: Mapping[str, object], number: int) -> Exemption:
    values = {key: text for key, value in row.items() if (text := str(value).strip())}
    known = {field.name for field in fields(Exemption)} - {"number"}
    if wrong := (known - {"setting"} - values.keys()) | (values.keys() - known):
        raise ValueError(f"line {number}: {', '.join(sorted(wrong))} missing or unknown")
    return Exemption(**values, number=number)


def stale(
    exemptions: Iterable[Exemption], exempt: Iterable[Finding], stacks: Iterable[str]
) -> Iterator[Finding]:
    """Yield a finding for each exemption of these *stacks* that matches none of the *exempt* findings.

    An exemption with a *setting* is not reported: another value of the setting may need it.
    """
    for exemption in exemptions:
        applies = not exemption.setting and any(
            fnmatchcase(stack, exemption.stack) for stack in stacks
        )
        if applies and not any(exemption.matches(finding) for finding in exempt):
            yield _unused(exemption)


def _unused(exemption: Exemption) -> Finding:
    from deployer.model import Line

    return Finding(
        rule=STALE,
        level="warning",
        message=f"no finding matches the exemption from {exemption.rule}: delete it",
        path=("Resources", exemption.resource),
        row=1,
        column=1,
        docs="",
        stack=exemption.stack,
        source=Line(f"deployer/lint/{EXEMPTIONS.name}", exemption.number),
    )
