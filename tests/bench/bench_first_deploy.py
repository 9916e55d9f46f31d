"""A first deploy of prod by our scheduler, against its critical path, in the time of a model.

The model: a change set takes 3 s; a stack operation 8 s, or in the uneven case 2 s a resource.
The clock is virtual, so the figures are exact and no peer is needed. With a level barrier
(as of Sceptre) a stack waits for all of the level below, not only for those it stands on.
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

JOBS = 4  # as `invoke deploy` has it
CHANGE_SET, OPERATION, A_RESOURCE = 3.0, 8.0, 2.0

Seconds = Mapping[str, float]  # how long the operation of each stack takes


def rows(_rounds: int) -> tuple[Exact, ...]:
    """Even and uneven stacks, as we do it and with a level barrier."""
    desired = project().open("prod").desired
    even = {each.name: OPERATION for each in desired}
    uneven = {each.name: A_RESOURCE * _resources(each) for each in desired}
    layers = [_understood(each, desired) for each in desired]
    return (
        _exact(f"{len(layers)} stacks, {OPERATION:g} s each", layers, even, goal=1.15),
        _exact("the same with a level barrier", _barred(layers), even, floor_of=layers),
        _exact(f"{len(layers)} stacks, {A_RESOURCE:g} s a resource", layers, uneven, goal=1.15),
        _exact("that with a level barrier", _barred(layers), uneven, floor_of=layers),
    )


def _exact(
    name: str,
    layers: Sequence[DesiredStack],
    seconds: Seconds,
    *,
    goal: float | None = None,
    floor_of: Sequence[DesiredStack] = (),
) -> Exact:
    """How long *layers* take, through the critical path of *floor_of*, or of themselves."""
    path = max(_arrivals(floor_of or layers, seconds).values())
    return Exact(name, _makespan(layers, seconds), path, "s", goal)


def _makespan(layers: Sequence[DesiredStack], seconds: Seconds) -> float:
    """Deploy to an empty account and look at the clock."""
    clock = FakeClock()
    watch = Watch(FakeCloud(clock, seconds=dict(seconds)), clock)
    run = Run("bench", watch, approve=lambda *_: True, owner=OWNER)
    for event in execute.deploy(plan.plan(layers, ()), run, jobs=JOBS):
        if isinstance(event, Finished) and not event.outcome.succeeded:
            raise RuntimeError(f"{event.stack}: {event.detail}")
    return clock.now()


def _arrivals(layers: Sequence[DesiredStack], seconds: Seconds) -> Seconds:
    """When each stack is there at the earliest, if nothing but what it stands on holds it up."""
    arrivals: dict[str, float] = {}
    for each in layers:
        begins = max((arrivals[need] for need in each.dependencies), default=0.0)
        arrivals[each.name] = begins + CHANGE_SET + seconds[each.name]
    return arrivals


def _barred(layers: Sequence[DesiredStack]) -> list[DesiredStack]:
    """The same stacks, each in need of the whole level below."""
    depth: dict[str, int] = {}
    for each in layers:
        depth[each.name] = max((depth[need] + 1 for need in each.dependencies), default=0)
    return [
        replace(
            each, dependencies=tuple(name for name in depth if depth[name] == depth[each.name] - 1)
        )
        for each in layers
    ]


def _understood(desired: DesiredStack, layers: Sequence[DesiredStack]) -> DesiredStack:
    """The stack with a template as `FakeCloud` reads it: what it gives to other regions.

    And without zips and nested templates, which are built and uploaded before the clock starts.
    """
    read = [source for each in layers for source in each.parameters.values()]
    gives = {source.output: "given" for source in read if source.stack == desired.name}
    text = json.dumps({"Outputs": {DIGEST: desired.digest, **gives}})
    return replace(desired, text=text, artifacts=(), nested=())


def _resources(desired: DesiredStack) -> int:
    return len(re.findall(r"^    Type: AWS::", desired.text, re.MULTILINE))
