"""Run checks of an account, and turn a refused call into a result."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deployer.errors import CloudError, UnreachableError
from deployer.model.desired import DesiredStack, NestedTemplate
from deployer.report import PreflightResult, Verdict
from operations.target import Target

_SHOWN = 10  # Parts in one finding.


@dataclass(frozen=True)
class Finding:
    """The verdict of a check, the fact that it found, and what to do: see `PreflightResult`."""

    verdict: Verdict
    fact: str
    action: str


class Refusals:
    """The parts of a check that AWS refused, so that the others are still checked."""

    def __init__(self) -> None:
        self._parts: dict[str, list[str]] = defaultdict(list)  # By reason.

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Keep the reason if AWS refuses a call about *part*; raise UnreachableError."""
        try:
            yield
        except UnreachableError:
            raise
        except CloudError as error:
            self._parts[error.aws_code or error.message].append(part)

    def findings(self, question: str) -> Iterator[Finding]:
        """Yield a finding for each reason: *question* has `{}` in place of the parts."""
        for reason, parts in self._parts.items():
            more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
            fact = f"{question.format(', '.join(parts[:_SHOWN]) + more)}: {reason}"
            yield Finding("unknown", fact, "allow the caller the managed policy ReadOnlyAccess")


@dataclass(frozen=True)
class PlannedResource:
    """A resource of a stack that is not deployed, with the *properties* of the template."""

    stack: str
    logical_id: str
    type: str
    region: str
    properties: Mapping[str, Any]

    @property
    def place(self) -> str:
        """Return the stack and the logical id, such as `network/Vpc`."""
        return f"{self.stack}/{self.logical_id}"


@dataclass(frozen=True)
class Planned:
    """A target, and the resources of its stacks that are not deployed yet."""

    target: Target
    resources: tuple[PlannedResource, ...]

    def of(self, type_: str) -> list[PlannedResource]:
        """Return the planned resources of one type."""
        return [resource for resource in self.resources if resource.type == type_]


@dataclass(frozen=True)
class Check:
    """A check with its *name*. *ok* is the fact if *find* yields no finding."""

    name: str
    ok: str
    find: Callable[[Planned], Iterator[Finding]]


def run(target: Target, checks: Iterable[Check]) -> Iterator[PreflightResult]:
    """Yield the results of *checks*, at least one for each.

    If AWS refuses a call of a check, or does not support the call in the region, the verdict is
    `unknown`. Raise UnreachableError if AWS does not respond.
    """
    planned = Planned(target, tuple(_planned_resources(target)))
    for check in checks:
        found = False
        try:
            for finding in check.find(planned):
                found = True
                yield PreflightResult(check.name, finding.verdict, finding.fact, finding.action)
        except UnreachableError:
            raise
        except CloudError as error:
            found = True
            yield PreflightResult(check.name, "unknown", error.message, error.hint)
        if not found:
            yield PreflightResult(check.name, "ok", check.ok)


def _planned_resources(target: Target) -> Iterator[PlannedResource]:
    """Yield the resources of the desired stacks, also nested ones, that are not deployed."""
    deployed = {
        stack.name
        for region in target.environment.regions
        for stack in target.account.stacks(region)
        if stack.outputs
    }
    for stack in target.environment.desired:
        if stack.name in deployed:
            continue
        templates: list[DesiredStack | NestedTemplate] = [stack, *stack.nested]
        for template in templates:
            for logical_id, resource in template.body.get("Resources", {}).items():
                yield PlannedResource(
                    stack.short_name,
                    logical_id,
                    resource["Type"],
                    template.region,
                    resource.get("Properties", {}),
                )
