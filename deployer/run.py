"""The inputs of one run, and the latest state of the stacks that it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deployer import plan
from deployer.artifacts import Artifact
from deployer.aws.cloud import ChangeSet, Cloud, DeployedStack
from deployer.model import AcceptedDataLoss
from deployer.plan import Key, Recreate

if TYPE_CHECKING:
    from deployer.follow import Watch
    from deployer.ownership import Owner


class LatestStacks:
    """The latest description of each deployed stack, updated after every operation."""

    def __init__(self, stacks: Iterable[DeployedStack] = ()) -> None:
        self._stacks = plan.index(stacks)

    @property
    def by_key(self) -> Mapping[Key, DeployedStack]:
        """The stacks by region and name."""
        return self._stacks

    def get(self, region: str, name: str) -> DeployedStack | None:
        """Return a stack; None if it is not deployed."""
        return self._stacks.get((region, name))

    def record(self, stack: DeployedStack) -> None:
        """Replace the description of *stack*, or remove it if the stack was deleted."""
        if stack.status == "DELETE_COMPLETE":
            self._stacks.pop((stack.region, stack.name), None)
        else:
            self._stacks[stack.region, stack.name] = stack


def _no_artifacts(artifact: Artifact) -> bytes:
    raise AssertionError(f"{artifact.key}: this run has no code")


@dataclass(frozen=True)
class Run:
    """The inputs that all steps of one run share; only *stacks* changes while they are executed.

    *id* is the prefix of the names of the run's change sets. *approve* is called before a change set
    is executed, and before a stack that was never in service is deleted and created again.
    *read_artifact* returns the bytes of a zip. *role* is the service role that CloudFormation uses
    for all stacks, or "". All stacks belong to *owner*. *accepted* are the losses of data that the
    config accepts; None if data may be lost, as in the emulator.
    """

    id: str
    watch: Watch
    approve: Callable[[ChangeSet | Recreate], bool]
    stacks: LatestStacks = field(default_factory=LatestStacks)
    read_artifact: Callable[[Artifact], bytes] = _no_artifacts
    role: str = ""
    no_execute: bool = False
    accepted: tuple[AcceptedDataLoss, ...] | None = None
    owner: Owner = field(kw_only=True)

    @property
    def cloud(self) -> Cloud:
        """The account."""
        return self.watch.cloud
