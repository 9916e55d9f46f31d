"""Format the status of an environment: stacks, services, change sets and manual steps."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from deployer.aws.cloud import DeployedStack
from deployer.plan import Orphan
from deployer.report.pending_change_sets import PendingChangeSet, pending_data, pending_lines
from deployer.report.style import Emphasis, Style
from deployer.report.text import JSON_VERSION, clean, columns, join_counts

_MANUAL, _SERVICE = "manual:", "service:"
_HEALTHY = "healthy"
_HEADINGS = ("stack", "region", "status", "protection", "")


@dataclass(frozen=True)
class ManualStep:
    """A pending step of docs/first-account.md that no deploy can do.

    *fact* is the reason why the step is required, *consequence* what does not work until it is done,
    and *action* the command to run or the work to do.
    """

    step: str
    fact: str
    consequence: str
    action: str


@dataclass(frozen=True)
class ServiceStatus:
    """The tasks, the targets and the released image of the ECS service of *stack*.

    *error* is the reason why they are unknown, or empty. *target_states* has the health of each
    target. *released_image* and *released_at*, the time in UTC, are empty without a release.
    """

    stack: str
    running_tasks: int = 0
    desired_tasks: int = 0
    target_states: tuple[str, ...] = ()
    released_image: str = ""
    released_at: str = ""
    error: str = ""


@dataclass(frozen=True)
class EnvironmentStatus:
    """The stacks of an environment, its services, and what an operator has to do."""

    stacks: Collection[DeployedStack]
    orphans: Iterable[Orphan] = ()
    services: Iterable[ServiceStatus] = ()
    change_sets: Iterable[PendingChangeSet] = ()
    manual_steps: Iterable[ManualStep] = ()


def status(found: EnvironmentStatus, *, style: Style | None = None) -> str:
    """Return *found* as text in this *style*."""
    style = style or Style()
    lines = [*_stack_lines(found, style)]
    for service in found.services:
        lines += _service_lines(service, style)
    for change_set in found.change_sets:
        lines += pending_lines(change_set, style)
    for step in found.manual_steps:
        fact = f"{clean(step.step)}: {clean(step.fact)}: {clean(step.consequence)}"
        lines += _labelled(style("yellow", _MANUAL), fact, clean(step.action))
    return "".join(f"{style.fit(line)}\n" for line in lines)


def _stack_lines(found: EnvironmentStatus, style: Style) -> Iterator[str]:
    """Yield a line for each stack, then one for each orphan."""
    if not found.stacks:
        yield "no stack is deployed"
        return
    orphans_by_stack = _by_stack(found.orphans)
    head, *rows = columns([_HEADINGS, *(_row(stack, orphans_by_stack) for stack in found.stacks)])
    yield style("dim", "  ".join(head).rstrip())
    for stack, (name, region, state, *rest) in zip(found.stacks, rows, strict=True):
        yield "  ".join([name, region, style(_style(stack), state), *rest]).rstrip()
    for orphan in orphans_by_stack.values():
        yield f"{style('yellow', 'orphan:')} {clean(orphan.deployed.name)}: {clean(orphan.hint)}"


def _service_lines(service: ServiceStatus, style: Style) -> list[str]:
    """Return the tasks and targets of a service, then its release; yellow if some are missing."""
    name = clean(service.stack)
    if service.error:
        return [f"{style('red', _SERVICE)} {name}: {clean(service.error)}"]
    healthy = service.target_states.count(_HEALTHY)
    is_complete = service.running_tasks == service.desired_tasks
    is_healthy = healthy == len(service.target_states)
    label = style("green" if is_complete and is_healthy else "yellow", _SERVICE)
    states = join_counts(sorted(Counter(service.target_states).items()))
    fact = f"{name}: {service.running_tasks} of {service.desired_tasks} tasks running"
    release = "no image is released"
    if service.released_image:
        release = f"released {clean(service.released_image)} at {clean(service.released_at)}"
    return _labelled(label, f"{fact}; targets: {clean(states) or 'none'}", release)


def _labelled(label: str, fact: str, action: str) -> list[str]:
    """Return a line with *label* and *fact*, and one with *action*."""
    return [f"{label} {fact}", f"        {action}"]


def status_json(found: EnvironmentStatus) -> str:
    """Return *found* as JSON."""
    orphans_by_stack = _by_stack(found.orphans)
    document = {
        "version": JSON_VERSION,
        "stacks": [_data(stack, orphans_by_stack) for stack in found.stacks],
        "services": [asdict(service) for service in found.services],
        "change_sets": [*map(pending_data, found.change_sets)],
        "manual_steps": [
            {name: clean(text) for name, text in asdict(step).items()}
            for step in found.manual_steps
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _by_stack(orphans: Iterable[Orphan]) -> dict[tuple[str, str], Orphan]:
    """Return *orphans* by the region and name of their stack."""
    return {(orphan.deployed.region, orphan.deployed.name): orphan for orphan in orphans}


def _row(stack: DeployedStack, orphans_by_stack: dict[tuple[str, str], Orphan]) -> tuple[str, ...]:
    orphan = orphans_by_stack.get((stack.region, stack.name))
    remarks = [f"orphan: {orphan.reason}" if orphan else "", stack.reason]
    return (
        clean(stack.name),
        clean(stack.region),
        clean(stack.status),
        "protected" if stack.is_protected else "-",
        clean("; ".join(filter(None, remarks))),
    )


def _data(stack: DeployedStack, orphans_by_stack: dict[tuple[str, str], Orphan]) -> dict[str, Any]:
    orphan = orphans_by_stack.get((stack.region, stack.name))
    return {
        "stack": stack.name,
        "id": stack.id,
        "region": stack.region,
        "status": stack.status,
        "reason": stack.reason,
        "is_protected": stack.is_protected,
        "is_orphan": orphan is not None,
        "hint": orphan.hint if orphan else "",
    }


def _style(stack: DeployedStack) -> Emphasis:
    if stack.is_busy:
        return "yellow"
    return "green" if stack.is_complete else "red"
