"""Refuse updates that lose data, except for losses that the config of the environment accepts.

An acceptance in config/ENV.toml is reviewed like code. It applies to one kind of change of one
resource, and is refused when no such loss is predicted any longer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from deployer.aws.cloud import ChangeSet
from deployer.data_loss import DataLoss, Kind, consequence, is_stateful
from deployer.errors import GuardError
from deployer.model import AcceptedDataLoss
from deployer.model.template_tree import flatten, format_path


@dataclass(frozen=True)
class StackLoss:
    """A loss of data, with the short name of its stack."""

    stack: str
    loss: DataLoss

    @property
    def resource(self) -> str:
        """The resource as an acceptance names it, such as pipeline/CodeBuild/Logs."""
        return format_path((self.stack, *self.loss.path, self.loss.logical_id))

    def __str__(self) -> str:
        """Return one line with the resource, the reason and the consequence."""
        return f"{self.stack}: {self.loss}"

    def is_accepted_by(self, accepted: AcceptedDataLoss) -> bool:
        """Return whether *accepted* applies to this kind of change of this resource."""
        return (accepted.resource, accepted.change) == (self.resource, self.loss.kind)


def unaccepted(
    losses: Iterable[StackLoss], accepted: Collection[AcceptedDataLoss]
) -> tuple[StackLoss, ...]:
    """Return the losses that none of *accepted* applies to."""
    return tuple(loss for loss in losses if not any(map(loss.is_accepted_by, accepted)))


def unmatched(
    losses: Collection[StackLoss], accepted: Iterable[AcceptedDataLoss], stacks: Collection[str]
) -> tuple[AcceptedDataLoss, ...]:
    """Return the acceptances for these *stacks* that apply to none of *losses*."""
    return tuple(
        item
        for item in accepted
        if item.stack in stacks and not any(loss.is_accepted_by(item) for loss in losses)
    )


def refuse_data_losses(
    losses: Collection[StackLoss],
    accepted: Collection[AcceptedDataLoss],
    environment: str,
    updated: Collection[str],
) -> None:
    """Raise GuardError for losses without an acceptance, and for acceptances without a loss.

    *updated* has the short names of the stacks that are updated. Acceptances for other stacks are
    ignored.
    """
    if open_losses := unaccepted(losses, accepted):
        raise refused(open_losses, environment)
    if useless := unmatched(losses, accepted, updated):
        lines = (
            f"config/{environment}.toml: env.accepted_data_losses: {item.resource} is not "
            f"{item.change} by this deploy"
            for item in useless
        )
        raise GuardError("\n".join(lines), hint="remove the acceptance, or correct it")


def refused(losses: Sequence[StackLoss], environment: str) -> GuardError:
    """Return the error for *losses*, with an example of an acceptance."""
    return GuardError("\n".join(map(str, losses)), hint=_hint(losses, environment))


def change_set_losses(change_set: ChangeSet, stack: str) -> tuple[StackLoss, ...]:
    """Return the losses of data that AWS announces in *change_set*, nested stacks included.

    *stack* is the short name of the stack.
    """
    return tuple(StackLoss(stack, loss) for loss in _losses(change_set))


def _losses(change_set: ChangeSet) -> Iterator[DataLoss]:
    for path, change in flatten(change_set.changes):
        is_removed = change.action == "Remove"
        # ReplaceAndRetain is the action of the policy Retain when the resource is replaced.
        policy = change.policy.removeprefix("ReplaceAnd")
        if is_stateful(change.type, policy) and (is_removed or change.replaces):
            kind: Kind = "removed" if is_removed else "replaced"
            verb = "may be" if change.replacement == "Conditional" else "is"
            yield DataLoss(
                change.logical_id, change.type, f"{verb} {kind}", consequence(policy), path, kind
            )


def _hint(losses: Sequence[StackLoss], environment: str) -> str:
    first = losses[0]
    return (
        f"revert the change, or accept it for review in config/{environment}.toml: "
        f'[[env.accepted_data_losses]] resource = "{first.resource}", '
        f'change = "{first.loss.kind}", reason = "…", date = "YYYY-MM-DD"'
    )
