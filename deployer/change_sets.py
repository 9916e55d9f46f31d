"""Describe a change set together with the change sets of nested stacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from deployer.aws.cloud import STACK, ChangeSet, ResourceChange
from deployer.errors import BusyError
from deployer.jobs import Work, backoff
from deployer.model.template_tree import (
    RETAINING_POLICIES,
    LogicalIds,
    TemplateTree,
    existing_templates,
    format_path,
)

if TYPE_CHECKING:
    from deployer.follow import Watch

_NESTED_FAILED = re.compile(r"Nested change set (arn:\S+) was not successfully created")


def describe_change_set(watch: Watch, region: str, arn: str, *, stack: str) -> Work[ChangeSet]:
    """Wait until a change set of *stack* is created, and return it with those of nested stacks.

    Like all work of a job, this is a generator that yields pauses (see `deployer.jobs`).

    If a nested change set failed, its reason is the reason of the result. Raise BusyError after
    the timeout of *watch*.
    """
    reader = _ChangeSetReader(watch, region, stack)
    change_set = yield from reader.wait_until_created(arn)
    changes = yield from reader.with_nested(change_set.changes, ())
    complete = replace(change_set, changes=changes)
    if change_set.status != "FAILED" or change_set.is_empty:
        return complete
    return replace(complete, reason=(yield from reader.failure_reason(change_set)))


def wait_until_created(watch: Watch, region: str, arn: str, *, stack: str) -> Work[ChangeSet]:
    """Wait until a change set of *stack* is created or failed; return it without nested ones."""
    return (yield from _ChangeSetReader(watch, region, stack).wait_until_created(arn))


@dataclass
class _ChangeSetReader:
    """Reads the change sets of *stack*; *failures* has the reasons of failed nested ones."""

    watch: Watch
    region: str
    stack: str
    failures: list[str] = field(default_factory=list)

    def wait_until_created(self, arn: str) -> Work[ChangeSet]:
        """Wait for one change set; a nested one may be pending although that of the root has failed."""
        pauses, deadline = backoff(), self.watch.clock.now() + self.watch.timeout
        while (change_set := self.watch.cloud.change_set(self.region, arn)).is_pending:
            if self.watch.clock.now() > deadline:
                raise BusyError(f"{self.stack}: its change set is still {change_set.status}")
            yield next(pauses)
        return change_set

    def with_nested(
        self, changes: Iterable[ResourceChange], path: LogicalIds
    ) -> Work[tuple[ResourceChange, ...]]:
        """Return *changes*; the change of a nested stack gets the changes in that stack."""
        complete = []
        for change in changes:
            nested: tuple[ResourceChange, ...] = ()
            if change.change_set:
                nested = yield from self._nested(change.change_set, (*path, change.logical_id))
            if not nested and change.type == STACK and change.action == "Remove":
                nested = self._removed(change)
            complete.append(replace(change, nested=nested))
        return tuple(complete)

    def failure_reason(self, change_set: ChangeSet) -> Work[str]:
        """Return why a change set failed.

        If a nested change set failed, the reason of the outer one names only its ARN. If the nested
        one failed before it had changes, AWS does not list the nested stack among the changes.
        """
        if self.failures:
            return "\n".join(self.failures)
        match = _NESTED_FAILED.search(change_set.reason)
        if match is None:
            return change_set.reason
        nested = yield from self.wait_until_created(match[1])
        return f"{nested.stack}: {(yield from self.failure_reason(nested))}"

    def _nested(self, arn: str, path: LogicalIds) -> Work[tuple[ResourceChange, ...]]:
        change_set = yield from self.wait_until_created(arn)
        changes = yield from self.with_nested(change_set.changes, path)
        failed = change_set.status == "FAILED" and not change_set.is_empty
        if failed and not _NESTED_FAILED.search(change_set.reason):
            self.failures.append(f"{format_path(path)}: {change_set.reason}")
        return changes

    def _removed(self, change: ResourceChange) -> tuple[ResourceChange, ...]:
        """Return the removals in a removed nested stack: AWS lists only the nested stack itself."""
        if change.policy in RETAINING_POLICIES or not change.physical_id:
            return ()
        tree = existing_templates(self.watch.cloud, self.region, change.physical_id)
        return tuple(_removals(tree)) if tree else ()


def _removals(tree: TemplateTree) -> Iterator[ResourceChange]:
    for title, resource in tree.resources.items():
        policy = _policy(resource.get("DeletionPolicy"))
        subtree = tree.nested.get(title) if policy != "Retain" else None
        nested = tuple(_removals(subtree)) if subtree else ()
        yield ResourceChange("Remove", title, resource["Type"], policy=policy, nested=nested)


def _policy(declared: str | None) -> str:
    """Return the PolicyAction that CloudFormation would list for a removed resource."""
    return "Retain" if declared in RETAINING_POLICIES else declared or "Delete"
