"""The first deployment of prod, against its critical path, in virtual time.

In the model, a change set takes 3 s, and a stack operation 8 s or 2 s per resource. The clock is
virtual, so the figures are exact. With a level barrier, which Sceptre has, a stack waits for the
whole level below instead of its dependencies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from deployer import execute, plan
from deployer.events import Finished
from deployer.follow import Watch
from deployer.model.desired import DIGEST, DesiredStack
from deployer.run import Run
from operations.project import project
from tests.bench.timing import Exact
from tests.fakes import OWNER, FakeClock, FakeCloud

JOBS = 4  # The default of `invoke deploy`.
CHANGE_SET, OPERATION, RESOURCE = 3.0, 8.0, 2.0

Seconds = Mapping[str, float]  # The duration of the operation of each stack.


def rows(_rounds: int) -> tuple[Exact, ...]:
    """Return the rows: equal and different durations, without and with a level barrier."""
    desired = project().open("prod").desired
    equal = {stack.name: OPERATION for stack in desired}
    by_size = {stack.name: RESOURCE * _resources(stack) for stack in desired}
    stacks = [_simplified(stack, desired) for stack in desired]
    return (
        _exact(f"{len(stacks)} stacks, {OPERATION:g} s each", stacks, equal, goal=1.15),
        _exact(
            "the same with a level barrier",
            _with_level_barrier(stacks),
            equal,
            compared_with=stacks,
        ),
        _exact(f"{len(stacks)} stacks, {RESOURCE:g} s a resource", stacks, by_size, goal=1.15),
        _exact(
            "that with a level barrier", _with_level_barrier(stacks), by_size, compared_with=stacks
        ),
    )


def _exact(
    name: str,
    stacks: Sequence[DesiredStack],
    seconds: Seconds,
    *,
    goal: float | None = None,
    compared_with: Sequence[DesiredStack] = (),
) -> Exact:
    """Return the row of *stacks* against the critical path of *compared_with*, or of themselves."""
    path = max(_earliest_completion(compared_with or stacks, seconds).values())
    return Exact(name, _makespan(stacks, seconds), path, "s", goal)


def _makespan(stacks: Sequence[DesiredStack], seconds: Seconds) -> float:
    """Return the duration of a deployment to an empty account."""
    clock = FakeClock()
    watch = Watch(FakeCloud(clock, seconds=dict(seconds)), clock)
    run = Run("bench", watch, approve=lambda *_: True, owner=OWNER)
    for event in execute.deploy(plan.plan(stacks, ()), run, jobs=JOBS):
        if isinstance(event, Finished) and not event.outcome.succeeded:
            raise RuntimeError(f"{event.stack}: {event.detail}")
    return clock.now()


def _earliest_completion(stacks: Sequence[DesiredStack], seconds: Seconds) -> Seconds:
    """Return when each stack can be complete if it waits only for its dependencies."""
    completed: dict[str, float] = {}
    for stack in stacks:
        started = max((completed[name] for name in stack.dependencies), default=0.0)
        completed[stack.name] = started + CHANGE_SET + seconds[stack.name]
    return completed


def _with_level_barrier(stacks: Sequence[DesiredStack]) -> list[DesiredStack]:
    """Return the stacks with dependencies on the whole level below."""
    depth: dict[str, int] = {}
    for stack in stacks:
        depth[stack.name] = max((depth[name] + 1 for name in stack.dependencies), default=0)
    return [
        replace(
            stack,
            dependencies=tuple(name for name in depth if depth[name] == depth[stack.name] - 1),
        )
        for stack in stacks
    ]


def _simplified(desired: DesiredStack, stacks: Sequence[DesiredStack]) -> DesiredStack:
    """Return a stack with a template for `FakeCloud`: only the outputs for other regions.

    It has no artifacts and nested templates: they are uploaded before the clock starts.
    """
    sources = [source for stack in stacks for source in stack.parameters.values()]
    outputs = {source.output: "value" for source in sources if source.stack == desired.name}
    text = json.dumps({"Outputs": {DIGEST: desired.digest, **outputs}})
    return replace(desired, text=text, artifacts=(), nested=())


def _resources(desired: DesiredStack) -> int:
    return len(re.findall(r"^    Type: AWS::", desired.text, re.MULTILINE))
