"""Create the change sets of a plan without executing them, and remove them again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from deployer.aws.cloud import ChangeSet, StoredObject
from deployer.change_set_requests import (
    Kind,
    change_set_name,
    create_change_set,
    delete_change_set,
)
from deployer.change_sets import wait_until_created
from deployer.errors import CloudError, UnreachableError
from deployer.events import Event, Finished, Outcome
from deployer.jobs import Job, run_concurrently
from deployer.model.desired import DesiredStack
from deployer.plan import Create, Recreate, Step, Update
from deployer.preview.values import UnknownValue
from deployer.run import Run


@dataclass(frozen=True)
class PlannedChangeSet:
    """The change set of a stack, or the *reason* why it has none.

    *findings* are those of CloudFormation's validation. *objects* are the verified versions of the
    S3 objects that the change set reads.
    """

    desired: DesiredStack
    kind: Kind
    change_set: ChangeSet | None = None
    reason: str = ""
    findings: tuple[str, ...] = ()
    objects: tuple[StoredObject, ...] = ()


class ChangeSetReview:
    """The change sets of one plan.

    *unknown* has the unknown values that each stack uses, by the name of the stack. *phased* are the
    names of stacks that are updated in several steps.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        unknown: Mapping[str, Sequence[UnknownValue]],
        run: Run,
        phased: Collection[str] = (),
    ) -> None:
        self._phased = phased
        self._steps = {step.desired.name: step for step in steps if _needs_change_set(step)}
        self._unknown = unknown
        self._run = run
        self._requested: dict[str, DesiredStack] = {}
        self._found: dict[str, PlannedChangeSet] = {}

    @property
    def found(self) -> tuple[PlannedChangeSet, ...]:
        """The change sets, and the reasons why there are none, in the order of the plan."""
        return tuple(self._found[name] for name in self._steps if name in self._found)

    def create(self, jobs: int) -> Iterator[Event]:
        """Create the change set of each stack that changes, *jobs* at a time."""
        return self._run_concurrently(self._steps, self._create, jobs)

    def remove(self, jobs: int) -> Iterator[Event]:
        """Delete the change sets that were requested, and the empty stacks created with them.

        An interrupted request may have created a change set, so the change sets are looked up by
        their names.
        """
        return self._run_concurrently(self._requested, self._remove, jobs)

    def _run_concurrently(
        self, names: Iterable[str], start: Callable[[str], Job], jobs: int
    ) -> Iterator[Event]:
        needs: dict[str, Sequence[str]] = dict.fromkeys(names, ())
        return run_concurrently(needs, start, self._run.watch.clock, jobs)

    def _create(self, name: str) -> Job:
        step = self._steps[name]
        desired, kind = step.desired, _kind(step)
        if reason := self._why_impossible(step):
            self._found[name] = PlannedChangeSet(desired, kind, reason=reason)
            return Finished(name, Outcome.SKIPPED, reason)
        self._requested[name] = desired
        try:
            change_set, objects = yield from create_change_set(desired, kind, self._run)
        except UnreachableError:
            raise
        except CloudError as error:
            self._found[name] = PlannedChangeSet(desired, kind, reason=error.message)
            return Finished(name, Outcome.SKIPPED, error.message)
        if change_set.status == "FAILED":
            self._found[name] = PlannedChangeSet(desired, kind, reason=change_set.reason)
            is_first = self._run.stacks.get(desired.region, name) is None
            yield from delete_change_set(change_set, self._run, is_first=is_first)
            return Finished(name, Outcome.SKIPPED, change_set.reason)
        findings = self._validation_findings(change_set)
        self._found[name] = PlannedChangeSet(desired, kind, change_set, "", findings, objects)
        return Finished(name, Outcome.PENDING_REVIEW, change_set.arn)

    def _why_impossible(self, step: Step) -> str:
        """Return why CloudFormation cannot create the change set now; empty if it can."""
        if isinstance(step, Recreate):
            return f"the stack is in {step.deployed.status} and must be deleted first"
        if step.desired.name in self._phased:
            return "the stack is updated in several steps: run ./inv deploy"
        names = [
            f"{value.stack}.{value.output}" for value in self._unknown.get(step.desired.name, ())
        ]
        return f"needs values that are not deployed yet: {', '.join(names)}" if names else ""

    def _validation_findings(self, change_set: ChangeSet) -> tuple[str, ...]:
        try:
            return self._run.cloud.validation_findings(change_set.region, change_set.arn)
        except CloudError as error:
            return (f"the findings of the validation cannot be read: {error.message}",)

    def _remove(self, name: str) -> Job:
        desired, cloud = self._requested[name], self._run.cloud
        is_first = self._run.stacks.get(desired.region, name) is None
        stack = cloud.stack(desired.region, name)
        if stack is not None:
            requested = change_set_name(desired, self._run)
            for change_set in cloud.stack_change_sets(desired.region, stack.id):
                if change_set.name == requested:
                    yield from wait_until_created(
                        self._run.watch, desired.region, change_set.arn, stack=name
                    )  # AWS refuses to delete a change set that is being created.
                    yield from delete_change_set(change_set, self._run, is_first=is_first)
        return Finished(name, Outcome.DELETED)


def _needs_change_set(step: Step) -> bool:
    match step:
        case Update(only_protection=only_protection):
            return not only_protection
        case _:
            return isinstance(step, Create | Recreate)


def _kind(step: Step) -> Kind:
    return "UPDATE" if isinstance(step, Update) else "CREATE"
