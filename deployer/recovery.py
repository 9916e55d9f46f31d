"""Attach to, cancel, roll back and list the operations on the stacks of an environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from deployer import attach as attaching
from deployer import cancel as cancelling
from deployer import report
from deployer import rollback as rolling_back
from deployer.aws.cloud import DeployedStack
from deployer.deployment import Deployment
from deployer.errors import ConfigError, DeployError, GuardError
from deployer.history import PastOperation, past_operations
from deployer.jobs import complete
from deployer.selection import unknown_name

MAX_EVENTS = 500  # To find the resources whose rollback failed.


def attach(deployment: Deployment, names: Sequence[str] = ()) -> int:
    """Follow the operations that run on stacks with these *names*; return the exit code."""
    busy = [stack for stack in select(deployment, names) if stack.is_busy]
    desired = {(stack.region, stack.name): stack for stack in deployment.environment.desired}
    run = deployment.new_run(busy)
    return deployment.report_events(attaching.attach(busy, desired, run))


def cancel(deployment: Deployment, names: Sequence[str] = ()) -> int:
    """Cancel the operations that run on stacks with these *names*; return the exit code.

    Raise GuardError if a named stack has no operation that can be cancelled. Without *names*, such
    stacks are reported and left as they are.
    """
    stacks = select(deployment, names)
    stacks = stacks if names else [stack for stack in stacks if stack.is_busy]
    chosen = _possible(deployment, stacks, cancelling.objection, required=bool(names))
    _ask(deployment, chosen, cancelling.CONSEQUENCES, "Cancel the operations of")
    run = deployment.new_run(chosen, kind="cancel")
    return deployment.report_events(cancelling.cancel(chosen, run))


def roll_back(deployment: Deployment, names: Sequence[str] = ()) -> int:
    """Roll back the failed updates of stacks with these *names*; return the exit code.

    The resources that prevented an earlier rollback are reported first. Raise GuardError if a named
    stack cannot be rolled back.
    """
    stacks = select(deployment, names)
    if not names:
        stacks = [stack for stack in stacks if not (stack.is_complete or stack.is_busy)]
    chosen = _possible(deployment, stacks, rolling_back.objection, required=bool(names))
    for stack in chosen:
        if stack.status == "UPDATE_ROLLBACK_FAILED":
            events = deployment.account.recent_events(stack.region, stack.id, MAX_EVENTS)
            steps = rolling_back.manual_steps(stack, events)
            hint = rolling_back.skip_hint(stack)
            deployment.reporter.warning(DeployError(steps, hint=hint))
    _ask(deployment, chosen, rolling_back.CONSEQUENCES, "Roll back")
    run = deployment.new_run(chosen, kind="rollback")
    return deployment.report_events(rolling_back.roll_back(chosen, run))


def history(deployment: Deployment, names: Sequence[str] = ()) -> list[PastOperation]:
    """Return the past operations on deployed stacks with these *names*, the newest first."""
    watch = deployment.new_run(()).watch
    found = [
        past
        for stack in select(deployment, names)
        for past in complete(past_operations(watch, stack), watch.clock)
    ]
    return sorted(found, key=lambda past: past.started_at, reverse=True)


def select(deployment: Deployment, names: Sequence[str]) -> list[DeployedStack]:
    """Return the deployed stacks with these short or full *names*, also those not in the code.

    Return all without *names*. Raise ConfigError with every name that no deployed stack has.
    """
    owned = deployment.inventory.own_stacks()
    if not names:
        return list(owned)
    prefix = deployment.environment.prefix
    short_names = [stack.name.removeprefix(prefix) for stack in owned]
    known = {*short_names, *(stack.name for stack in owned)}
    if unknown := [name for name in names if name not in known]:
        aliases = deployment.hooks.aliases
        raise ConfigError(
            "\n".join(unknown_name(name, short_names, aliases) for name in unknown),
            hint=f"the deployed stacks are: {', '.join(short_names) or 'none'}",
        )
    return [
        stack
        for stack, short_name in zip(owned, short_names, strict=True)
        if {short_name, stack.name} & {*names}
    ]


def _possible(
    deployment: Deployment,
    stacks: Sequence[DeployedStack],
    objection: Callable[[DeployedStack], str],
    *,
    required: bool,
) -> list[DeployedStack]:
    """Return the *stacks* without an objection; if all are *required*, raise GuardError for others."""
    objections = [text for stack in stacks if (text := objection(stack))]
    if objections and required:
        raise GuardError("\n".join(objections), hint="run ./inv status to see the stacks")
    for text in objections:
        deployment.reporter.warning(DeployError(text))
    return [stack for stack in stacks if not objection(stack)]


def _ask(
    deployment: Deployment,
    stacks: Sequence[DeployedStack],
    consequences: Mapping[str, str],
    verb: str,
) -> None:
    """Show the consequence for each stack and ask for approval; raise GuardError without it."""
    if not stacks:
        return
    shown = [f"  {stack.name}: {consequences[stack.status]}\n" for stack in stacks]
    approver = replace(
        deployment.approver,
        alternative="run the command at a terminal",
        required=not deployment.options.yes,
    )
    question = f"{verb} {report.pluralize(len(stacks), 'stack')}? [y/N] "
    if not approver.approves("".join(shown) + question):
        raise GuardError("not approved: nothing was changed")
