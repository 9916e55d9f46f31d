"""The findings we live with, each with its reason in exemptions.toml."""

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
STALE = "L0001"  # the rule of this table: an exemption that no finding needs any more


@dataclass(frozen=True)
class Exemption:
    """A finding that we live with. The stack and what is meant in it may be globs.

    Whose rule it is, cfn-lint's or ours, makes no difference. *setting* is the setting on whose
    value the finding depends; one that is always there has none.
    """

    rule: str
    stack: str
    resource: str
    reason: str
    date: str
    setting: str = ""
    number: int = field(default=1, compare=False)  # its line in the file

    def matches(self, finding: Finding) -> bool:
        """Whether *finding* is one we live with."""
        return (
            self.rule == finding.rule
            and fnmatchcase(finding.stack, self.stack)
            and fnmatchcase(finding.where, self.resource)
        )


def load_exemptions(file: Path = EXEMPTIONS) -> tuple[Exemption, ...]:
    """The exemptions written in *file*, in its order.

    Raises ConfigError if it says anything else, or leaves out a reason.
    """
    text = file.read_text(encoding="utf-8")
    numbers = [n for n, line in enumerate(text.splitlines(), 1) if _HEADER.match(line)]
    try:
        rows = _rows(tomllib.loads(text))
        return tuple(
            one
            for row, number in zip(rows, numbers, strict=True)
            for one in _exemptions(row, number)
        )
    except ValueError as error:
        raise ConfigError(
            f"{file.name}: {error}",
            hint="an [[exemption]] has a rule, stack, resource, reason and date, and may have a setting",
        ) from error


_HEADER = re.compile(r"\s*\[\[\s*exemption\s*\]\]")


def _rows(tables: Mapping[str, Any]) -> list[Mapping[str, object]]:
    match tables:
        case {"exemption": list(rows), **rest} if not rest:
            return rows
        case _ if not tables:
            return []
        case _:
            raise ValueError("it holds more than [[exemption]] tables")


def _exemptions(row: Mapping[str, object], number: int) -> Iterator[Exemption]:
    """One for each stack and resource of a *row* that gives one reason for several."""
    for stack, resource in product(_each(row, "stack"), _each(row, "resource")):
        yield _exemption({**row, **stack, **resource}, number)


def _each(row: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    match row.get(key):
        case list(values):
            return [{key: value} for value in values] or [{key: ""}]
        case _:
            return [{}]


def _exemption(row: Mapping[str, object], number: int) -> Exemption:
    said = {key: text for key, value in row.items() if (text := str(value).strip())}
    known = {one.name for one in fields(Exemption)} - {"number"}
    if odd := (known - {"setting"} - said.keys()) | (said.keys() - known):
        raise ValueError(f"line {number}: {', '.join(sorted(odd))} missing or unknown")
    return Exemption(**said, number=number)


def stale(
    exemptions: Iterable[Exemption], excused: Iterable[Finding], stacks: Iterable[str]
) -> Iterator[Finding]:
    """What should be deleted from the table, as far as these *stacks* can tell.

    An exemption that depends on a setting is not: another value of the setting needs it.
    """
    for one in exemptions:
        seen = not one.setting and any(fnmatchcase(stack, one.stack) for stack in stacks)
        if seen and not any(one.matches(finding) for finding in excused):
            yield _deletable(one)


def _deletable(exemption: Exemption) -> Finding:
    from deployer.model import Line

    return Finding(
        rule=STALE,
        level="warning",
        message=f"nothing needs the exemption from {exemption.rule} any more: delete it",
        path=("Resources", exemption.resource),
        row=1,
        column=1,
        docs="",
        stack=exemption.stack,
        source=Line(f"deployer/lint/{EXEMPTIONS.name}", exemption.number),
    )
