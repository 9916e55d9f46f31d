"""Order the steps of a deploy and their phases, and explain them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from deployer.model.desired import DesiredStack
from deployer.phases.planning import Phases, Transition
from deployer.plan import Keep, Step, Update


@dataclass(frozen=True)
class Stage:
    """One operation of a deploy, which starts when the stages in *needs* have succeeded.

    *key* is the name of the stack, followed by "(first step)" or "(last step)" for such a stage.
    *desired* has the template of this stage. *step* is set if this is the only stage of the stack.
    *is_later* is True if another stage of the stack is executed first, *is_last* if retained
    resources are imported before the template is deployed.
    """

    key: str
    desired: DesiredStack
    needs: tuple[str, ...]
    reason: str
    step: Step | None = None
    is_later: bool = False
    is_last: bool = False


def stages(steps: Sequence[Step], phases: Phases) -> tuple[Stage, ...]:
    """Return all stages of a deploy: pinned imports, then the steps, then the last templates."""
    names = _Names({step.desired.name: step.desired.short_name for step in steps})
    return (
        *(
            Stage(_first_key(name), pinned, (), names.pins(name, phases))
            for name, pinned in phases.pins.items()
        ),
        *(_main(step, phases) for step in steps),
        *_last(steps, phases),
    )


def explained(steps: Sequence[Step], phases: Phases) -> tuple[Step, ...]:
    """Return *steps* with the phases of each stack in its reason.

    Pinning the imports of a stack is an update, even if its template is as deployed: Keep becomes
    Update.
    """
    texts = phase_texts(steps, phases)
    return tuple(_explained(step, texts.get(step.desired.name, "")) for step in steps)


def phase_texts(steps: Sequence[Step], phases: Phases) -> Mapping[str, str]:
    """Return the text that explains the phases of each stack that has any, by its name.

    Such as: in 2 steps: keeps Subnet3 until the update of cluster.
    """
    names = _Names({step.desired.name: step.desired.short_name for step in steps})
    return {
        step.desired.name: text
        for step in steps
        if (text := names.phases_of(step.desired.name, phases))
    }


def _explained(step: Step, text: str) -> Step:
    if not text or not isinstance(step, Keep | Update):
        return step
    if isinstance(step, Keep):
        return Update(step.desired, step.deployed, text)
    return replace(step, reason=f"{step.reason}, {text}", only_protection=False)


def _main(step: Step, phases: Phases) -> Stage:
    name = step.desired.name
    transition = phases.transitions.get(name)
    pinned = (
        [user for change in transition.changed for user in change.importers] if transition else []
    )
    needs = (
        *step.desired.dependencies,
        *(_first_key(user) for user in dict.fromkeys((*pinned, name)) if user in phases.pins),
    )
    desired = transition.first if transition else step.desired
    is_phased = transition is not None or name in phases.pins
    return Stage(
        name, desired, needs, step.reason, None if is_phased else step, name in phases.pins
    )


def _last(steps: Sequence[Step], phases: Phases) -> Iterator[Stage]:
    """Yield the last stages; each runs after the last stages of its importers."""
    names = [step.desired.name for step in steps]
    for step in reversed(steps):
        name = step.desired.name
        transition = phases.transitions.get(name)
        if transition is None or not transition.has_last:
            continue
        later = [
            _last_key(user)
            for user in transition.importers
            if names.index(user) > names.index(name)
            and (other := phases.transitions.get(user))
            and other.has_last
        ]
        needs = (name, *transition.importers, *later)
        reason = "the importing stacks are updated"
        yield Stage(_last_key(name), step.desired, needs, reason, is_later=True, is_last=True)


def _first_key(name: str) -> str:
    return f"{name} (first step)"


def _last_key(name: str) -> str:
    return f"{name} (last step)"


@dataclass(frozen=True)
class _Names:
    """The short names of the stacks of a deploy, for the explanation of phases."""

    short_names: Mapping[str, str]

    def phases_of(self, stack: str, phases: Phases) -> str:
        """Return the text that explains the phases of a stack; empty if it has none."""
        transition = phases.transitions.get(stack)
        parts = [self.pins(stack, phases)] if stack in phases.pins else []
        if transition:
            texts = (self._kept(transition), self._removed(transition), self._retained(transition))
            parts += filter(None, texts)
        number = 1 + (stack in phases.pins) + bool(transition and transition.has_last)
        text = "; ".join(parts)
        return f"in {number} steps: {text}" if number > 1 else text

    def pins(self, stack: str, phases: Phases) -> str:
        """Return which imports of a stack are pinned, such as those of Subnet1 of network."""
        parts = []
        for producer, transition in phases.transitions.items():
            outputs = [change.output for change in transition.changed if stack in change.importers]
            if outputs:
                parts.append(f"{', '.join(outputs)} of {self._list([producer])}")
        return f"pins its imports of {', '.join(parts)} to their current values"

    def _kept(self, transition: Transition) -> str:
        if not transition.kept:
            return ""
        outputs = ", ".join(change.output for change in transition.kept)
        users = dict.fromkeys(user for change in transition.kept for user in change.importers)
        if transition.others:
            return f"keeps {outputs}, which {self._list(transition.others)} still imports"
        return f"keeps {outputs} until the update of {self._list(users)}"

    def _removed(self, transition: Transition) -> str:
        if transition.kept or not transition.removed:
            return ""
        titles, users = ", ".join(transition.removed), self._list(transition.importers)
        return f"keeps the removed {titles} until the update of {users}"

    def _retained(self, transition: Transition) -> str:
        if not transition.replaced:
            return ""
        titles, users = ", ".join(transition.replaced), self._list(transition.importers)
        if not users:
            return f"deletes the replaced {titles}"
        return f"retains the replaced {titles} until the update of {users}"

    def _list(self, stacks: Iterable[str]) -> str:
        return ", ".join(self.short_names.get(stack, stack) for stack in stacks)
