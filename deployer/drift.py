"""Detect the drift of deployed stacks: resources changed or deleted outside of CloudFormation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from deployer.aws.cloud import STACK, DeployedStack, PropertyDrift, ResourceDrift
from deployer.errors import BusyError, DeployError, GuardError
from deployer.events import Event, Finished, Outcome
from deployer.follow import Watch
from deployer.jobs import Job, Work, backoff, run_concurrently
from deployer.model import IgnoredDrift
from deployer.model.template_tree import LogicalIds, format_path


@dataclass(frozen=True)
class DriftedResource:
    """A drifted resource; *path* has the logical ids of the nested stacks around it."""

    drift: ResourceDrift
    path: LogicalIds = ()

    @property
    def name(self) -> str:
        """The logical id with the path of the nested stacks, such as CodeBuild/Logs."""
        return format_path((*self.path, self.drift.logical_id))


@dataclass(frozen=True)
class StackDrift:
    """The drift of one stack; *errors* are the reasons why some of it could not be detected.

    *ignored* are all entries of the config for differences to ignore.
    """

    stack: str
    short_name: str
    region: str
    resources: tuple[DriftedResource, ...] = ()
    errors: tuple[str, ...] = ()
    ignored: tuple[IgnoredDrift, ...] = ()

    def ignored_by(self, resource: DriftedResource, drift: PropertyDrift) -> IgnoredDrift | None:
        """Return the entry of the config that applies to a difference; None if none does."""
        name = f"{self.short_name}/{resource.name}"
        for item in self.ignored:
            is_below = f"{drift.path}/".startswith(f"{item.property}/")
            if item.resource == name and is_below:
                return item
        return None

    @property
    def is_open(self) -> bool:
        """Whether it has an error, or a difference that the config does not ignore."""
        return bool(self.errors) or any(
            resource.drift.is_deleted
            or not resource.drift.properties
            or any(self.ignored_by(resource, drift) is None for drift in resource.drift.properties)
            for resource in self.resources
        )


class DriftReview:
    """The drift detection of the stacks of an environment.

    The config names stacks without *prefix*. *ignored* are the entries of the config for differences
    to ignore.
    """

    def __init__(
        self,
        stacks: Iterable[DeployedStack],
        prefix: str,
        ignored: Sequence[IgnoredDrift],
        watch: Watch,
    ) -> None:
        self._stacks = {f"{stack.region}/{stack.name}": stack for stack in stacks}
        self._prefix = prefix
        self._ignored = tuple(ignored)
        self._watch = watch
        self._found: dict[str, StackDrift] = {}

    @property
    def found(self) -> tuple[StackDrift, ...]:
        """The drift of each stack, in the order of the stacks."""
        return tuple(self._found[key] for key in self._stacks if key in self._found)

    def detect(self, jobs: int) -> Iterator[Event]:
        """Detect the drift of each stack and of those nested in it, *jobs* at a time."""
        needs: dict[str, Sequence[str]] = dict.fromkeys(self._stacks, ())
        return run_concurrently(needs, self._detect, self._watch.clock, jobs)

    def refuse_stale(self, today: date) -> None:
        """Raise GuardError for entries of the config that have expired, or that nothing matches.

        Entries for stacks whose drift was not detected in this run are skipped.
        """
        checked = {drift.short_name: drift for drift in self._found.values()}
        facts = []
        for item in self._ignored:
            drift = checked.get(item.resource.partition("/")[0])
            if drift is None:
                continue
            if _has_expired(item, today):
                facts.append(f"{item.resource}{item.property} expired on {item.until}")
            elif not drift.errors and not _matches(item, drift):
                facts.append(f"{item.resource}{item.property} has no drift")
        if facts:
            raise GuardError(
                "\n".join(f"env.ignored_drifts: {fact}" for fact in facts),
                hint="remove the entry from config/, or set a later date and have it reviewed",
            )

    def _detect(self, key: str) -> Job:
        stack = self._stacks[key]
        resources: list[DriftedResource] = []
        errors: list[str] = []
        try:
            yield from self._detect_in(stack, stack.id, (), resources, errors)
        except DeployError as error:
            errors.append(error.message)
        self._found[key] = StackDrift(
            stack.name,
            stack.name.removeprefix(self._prefix),
            stack.region,
            tuple(resources),
            tuple(errors),
            self._ignored,
        )
        return Finished(key, Outcome.KEPT)

    def _detect_in(
        self,
        stack: DeployedStack,
        stack_id: str,
        path: LogicalIds,
        resources: list[DriftedResource],
        errors: list[str],
    ) -> Work[None]:
        """Add the drift of one stack, then that of the stacks nested in it."""
        cloud, region = self._watch.cloud, stack.region
        detection_id = cloud.detect_drift(region, stack_id)
        pauses, deadline = backoff(), self._watch.clock.now() + self._watch.timeout
        while (detection := cloud.drift_detection(region, detection_id)).is_running:
            if self._watch.clock.now() > deadline:
                raise BusyError(f"{stack.name}: its drift detection is still running")
            yield next(pauses)
        if detection.has_failed:
            place = f"{format_path(path)}: " if path else ""
            errors.append(f"{place}{detection.reason or 'the detection failed'}")
        resources += [
            DriftedResource(drift, path)
            for drift in cloud.resource_drifts(region, stack_id)
            if drift.type != STACK
        ]
        for resource in cloud.resources(region, stack_id):
            if resource.type == STACK and resource.physical_id:
                inner = (*path, resource.logical_id)
                yield from self._detect_in(stack, resource.physical_id, inner, resources, errors)


def _has_expired(item: IgnoredDrift, today: date) -> bool:
    return date.fromisoformat(item.until) < today


def _matches(item: IgnoredDrift, drift: StackDrift) -> bool:
    return any(
        drift.ignored_by(resource, property_) == item
        for resource in drift.resources
        for property_ in resource.drift.properties
    )
