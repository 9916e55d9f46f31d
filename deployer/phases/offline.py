"""Predict the phases of a deploy from reviewed templates, without an account."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from deployer import plan
from deployer.aws.cloud import DeployedStack
from deployer.model.desired import DIGEST, DesiredStack
from deployer.phases.planning import decide_phases, may_need_phases
from deployer.phases.situation import Situation
from deployer.phases.stages import phase_texts
from deployer.preview.reviewed import ReviewedStack
from deployer.preview.values import Preview


def with_phases(
    changes: Preview, desired: Sequence[DesiredStack], before: Iterable[ReviewedStack]
) -> Preview:
    """Return *changes* with the phases that a deploy needs if the stacks *before* are deployed."""
    situation = _situation(desired, before)
    if not may_need_phases(situation):
        return changes
    phases, refusals = decide_phases(situation)
    texts = phase_texts(situation.steps, phases)
    stacks = tuple(
        replace(
            stack,
            phases=texts.get(stack.name, ""),
            refusals=tuple(refusals.get(stack.name, ())),
        )
        for stack in changes.stacks
    )
    return replace(changes, stacks=stacks)


def _situation(desired: Sequence[DesiredStack], before: Iterable[ReviewedStack]) -> Situation:
    """Return the situation in which exactly the stacks *before* are deployed."""
    reviewed = {stack.key: stack for stack in before}
    digests = {key: _digest(stack) for key, stack in reviewed.items()}
    deployed = [
        DeployedStack(
            stack.name,
            stack.name,
            stack.region,
            "UPDATE_COMPLETE",
            outputs={DIGEST: digests[stack.key]},
        )
        for stack in reviewed.values()
    ]
    templates = {stack.name: stack.templates for stack in reviewed.values()}
    return Situation(plan.plan(desired, deployed), deployed, templates, lambda _: {})


def _digest(stack: ReviewedStack) -> str:
    output = (stack.templates.body.get("Outputs") or {}).get(DIGEST) or {}
    return str(output.get("Value", ""))
