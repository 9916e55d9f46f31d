"""Execute the steps of a plan: one approved change set per stack, stacks concurrently."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from deployer import plan
from deployer.artifact_store import is_unchanged
from deployer.aws.cloud import ChangeSet, DeployedStack, ResourceToImport
from deployer.change_set_requests import (
    Kind,
    change_set_name,
    create_change_set,
    delete_change_set,
    replaced_error,
)
from deployer.data_guard import StackLoss, change_set_losses, refused, unaccepted
from deployer.delete import delete
from deployer.errors import (
    CloudError,
    DeployError,
    ManualRepairError,
    UnreachableError,
)
from deployer.events import ChangeSetCreated, Event, Finished, OperationStarted, Outcome, Started
from deployer.execution_refusals import explained, is_executed
from deployer.follow import (
    CONTINUES,
    OperationResult,
    event_before_operation,
    follow,
    latest_event,
    operation_started,
    retry_unreachable,
)
from deployer.jobs import Job, Work, run_concurrently
from deployer.model.desired import DesiredStack
from deployer.model.template_tree import deployed_templates, resource_lines
from deployer.operation_errors import operation_error
from deployer.phases.planning import NO_PHASES, Phases
from deployer.phases.stages import Stage, stages
from deployer.phases.templates import import_replaced, passed_parameters
from deployer.plan import Blocked, Create, Keep, Recreate, Resume, Step, Update
from deployer.retained_resources import import_hint
from deployer.run import Run
from deployer.synth import capabilities
from deployer.template_yaml import dump, load


def deploy(
    steps: Sequence[Step],
    run: Run,
    *,
    jobs: int,
    phases: Phases = NO_PHASES,
    durations: Mapping[str, float] | None = None,
) -> Iterator[Event]:
    """Execute *steps*, each as soon as its dependencies are deployed, *jobs* at a time.

    A stack with *phases* is updated in several stages. A stage that fails or is refused ends with a
    Finished event. Its dependents are skipped; all other stacks are deployed. *durations* has the
    seconds that the last update of a stack took; the longest path starts first.
    """
    by_key = {stage.key: stage for stage in stages(steps, phases)}
    needs = {key: stage.needs for key, stage in by_key.items()}
    seconds = {key: (durations or {}).get(stage.desired.name, 0.0) for key, stage in by_key.items()}
    return run_concurrently(
        needs, lambda key: _deploy_stage(by_key[key], run), run.watch.clock, jobs, seconds
    )


def _deploy_stage(stage: Stage, run: Run) -> Job:
    """Execute one stage; an error of a phase is reported with the name of the stack, not of the stage."""
    if stage.step is not None:
        return (yield from _deploy(stage.step, run))
    try:
        return (yield from _deploy_phase(stage, run))
    except DeployError as error:
        return Finished(stage.desired.name, Outcome.FAILED, error.message, error=error)


def _deploy_phase(stage: Stage, run: Run) -> Job:
    """Execute one of several stages of a stack: decide its step from the latest state."""
    name = stage.desired.name
    if run.no_execute and stage.is_later:
        reason = "execute its first change set, then rerun the command"
        return Finished(name, Outcome.SKIPPED, reason, run.stacks.get(stage.desired.region, name))
    if stage.is_last:
        finished = yield from _import_replaced(stage.desired, run)
        if finished and not finished.outcome.succeeded:
            return finished
    step = plan.decide(stage.desired, run.stacks.by_key)
    if isinstance(step, Update):
        step = replace(step, reason=stage.reason)
    return (yield from _deploy(step, run))


def _import_replaced(desired: DesiredStack, run: Run) -> Work[Finished | None]:
    """Import the retained resources that an earlier stage replaced, so that they can be deleted.

    Return None if there are none.
    """
    deployed = run.stacks.get(desired.region, desired.name)
    if deployed is None:
        return None
    physical_ids = {
        resource.logical_id: resource.physical_id
        for resource in run.cloud.resources(deployed.region, deployed.id)
    }
    body, imports = import_replaced(
        load(run.cloud.template(deployed.region, deployed.id)), physical_ids
    )
    if not imports:
        return None
    text = dump(body)
    with_imports = replace(
        desired,
        text=text,
        body=body,
        digest=hashlib.sha256(text.encode()).hexdigest()[:32],
        parameters={},
        known_parameters=passed_parameters(body, deployed.parameters),
        tags=deployed.tags,
        capabilities=capabilities([*body["Resources"].values()]),
        protect=deployed.is_protected,
        artifacts=(),
        nested=(),
    )
    names = ", ".join(resource.logical_id for resource in imports)
    yield Started(desired.name, "import", f"{names} will be deleted")
    return (
        yield from _deploy_change_set(with_imports, "IMPORT", Outcome.UPDATED, run, imports=imports)
    )


def _deploy(step: Step, run: Run) -> Job:
    step = _with_current_parameters(step, run)
    desired = step.desired
    if isinstance(
        step, Resume
    ):  # First, so that an interrupt reports that the operation continues.
        yield operation_started(step.deployed)
    yield Started(desired.name, type(step).__name__.lower(), step.reason)
    match step:
        case Keep(deployed=deployed):
            return Finished(desired.name, Outcome.KEPT, step.reason, deployed)
        case Blocked(deployed=deployed):
            raise ManualRepairError(f"{desired.name} is in {deployed.status}", hint=step.hint)
        case Resume(deployed=deployed):
            return (yield from _resume(desired, deployed, run))
        case Recreate():
            return (yield from _recreate(step, run))
        case Create():
            return (yield from _deploy_change_set(desired, "CREATE", Outcome.CREATED, run))
        case Update(deployed=deployed, only_protection=True):
            return _set_protection(desired, deployed, Outcome.UPDATED, run)
        case Update():
            return (yield from _deploy_change_set(desired, "UPDATE", Outcome.UPDATED, run))


def _with_current_parameters(step: Step, run: Run) -> Step:
    """Decide the step again: a dependency that was deployed may have changed a template parameter."""
    match step:
        case Keep(desired=desired) | Update(desired=desired, only_protection=True):
            return plan.decide(desired, run.stacks.by_key) if desired.parameters else step
        case _:
            return step


def _resume(desired: DesiredStack, deployed: DeployedStack, run: Run) -> Job:
    """Follow the operation that is already running, then decide again and execute the new step.

    If that operation fails, so does the step: the same change would probably fail again.
    """
    after = event_before_operation(run.watch, deployed)
    result = yield from follow(run.watch, deployed, after, resource_lines(desired))
    run.stacks.record(result.stack)
    if result.stack.status.endswith(("_FAILED", "ROLLBACK_COMPLETE")):
        raise operation_error(result, run.owner, desired)
    step = plan.decide(desired, run.stacks.by_key)
    if isinstance(step, Update) and not step.only_protection:
        step = _with_data_losses(step, run)
    return (yield from _deploy(step, run))


def _with_data_losses(step: Update, run: Run) -> Update:
    """Return *step* with its losses of data in its reason, which the operator has not seen yet.

    The plan could not show them, because another operation ran on the stack. Raise GuardError for
    a loss that the config does not accept.
    """
    name, deployed = step.desired.name, step.deployed
    trees = {name: deployed_templates(run.cloud, deployed.region, deployed.id)}
    (found,) = plan.with_data_losses([step], trees, run.stacks.by_key.values())
    losses = [
        StackLoss(step.desired.short_name, loss) for loss in getattr(found, "data_losses", ())
    ]
    if run.accepted is not None and (open_losses := unaccepted(losses, run.accepted)):
        raise refused(open_losses, run.owner.env)
    return replace(step, reason="; ".join([step.reason, *(str(loss.loss) for loss in losses)]))


def _recreate(step: Recreate, run: Run) -> Job:
    """Delete a stack whose creation failed, if that is approved, and create it again."""
    name, deployed = step.desired.name, step.deployed
    if run.no_execute:
        reason = f"it is in {deployed.status} and must be deleted first"
        return Finished(name, Outcome.SKIPPED, reason, deployed)
    if not run.approve(step):
        return Finished(name, Outcome.REFUSED, "not approved", deployed)
    yield from delete(deployed, run)
    return (yield from _deploy_change_set(step.desired, "CREATE", Outcome.RECREATED, run))


def _deploy_change_set(
    desired: DesiredStack,
    kind: Kind,
    outcome: Outcome,
    run: Run,
    *,
    imports: tuple[ResourceToImport, ...] = (),
) -> Job:
    """Create a change set, ask for approval, execute it and follow the operation."""
    deployed = run.stacks.get(desired.region, desired.name)
    change_set, verified = yield from create_change_set(desired, kind, run, imports)
    if change_set.is_empty and deployed:
        run.cloud.delete_change_set(desired.region, change_set.arn)
        return _set_protection(desired, deployed, Outcome.KEPT, run)
    if change_set.status == "FAILED":
        yield from delete_change_set(change_set, run, is_first=deployed is None)
        hint = import_hint(desired, run.owner.env, change_set.reason, is_new=kind == "CREATE")
        raise CloudError(f"{desired.name}: no change set: {change_set.reason}", hint=hint)
    yield ChangeSetCreated(desired.name, change_set)
    if losses := refused_losses(desired, change_set, run):
        yield from delete_change_set(change_set, run, is_first=deployed is None)
        raise refused(losses, run.owner.env)
    if run.no_execute:
        return Finished(desired.name, Outcome.PENDING_REVIEW, change_set.arn, deployed)
    if not run.approve(change_set):
        yield from delete_change_set(change_set, run, is_first=deployed is None)
        return Finished(desired.name, Outcome.REFUSED, "not approved", deployed)
    if replaced := [stored for stored in verified if not is_unchanged(stored, run)]:
        yield from delete_change_set(change_set, run, is_first=deployed is None)
        raise replaced_error(desired, replaced)
    return (yield from execute_change_set(desired, change_set, kind, outcome, run))


def refused_losses(desired: DesiredStack, change_set: ChangeSet, run: Run) -> tuple[StackLoss, ...]:
    """Return the losses of data in a change set that the config does not accept."""
    if run.accepted is None:
        return ()
    return unaccepted(change_set_losses(change_set, desired.short_name), run.accepted)


def execute_change_set(
    desired: DesiredStack, change_set: ChangeSet, kind: Kind, outcome: Outcome, run: Run
) -> Job:
    """Execute an approved change set, follow the operation, and set the termination protection."""
    result = yield from _execute_change_set(desired, change_set, kind, run)
    if result.stack.status != f"{kind}_COMPLETE":
        raise operation_error(result, run.owner, desired)
    return _set_protection(desired, result.stack, outcome, run)


def _execute_change_set(
    desired: DesiredStack, change_set: ChangeSet, kind: Kind, run: Run
) -> Work[OperationResult]:
    try:
        after = latest_event(run.watch, desired.region, change_set.stack_id)
    except CloudError as error:
        raise explained(error, desired.name) from error
    token = change_set_name(desired, run)
    start = partial(run.cloud.execute_change_set, desired.region, change_set.arn, token=token)
    try:
        # The call can be retried if its response was lost: with the same token it has no effect.
        yield from retry_unreachable(run.watch, start)
    except UnreachableError as error:
        hint = f"its change set may be executed; in that case, {CONTINUES}: {error.hint}"
        raise type(error)(error.message, hint=hint, aws_code=error.aws_code) from error
    except CloudError as error:
        if not is_executed(error):
            raise explained(error, desired.name) from error
    yield OperationStarted(desired.name, desired.region, kind.lower(), change_set.stack_id)
    started = DeployedStack(
        desired.name, change_set.stack_id, desired.region, f"{kind}_IN_PROGRESS"
    )
    result = yield from follow(run.watch, started, after, resource_lines(desired))
    run.stacks.record(result.stack)
    return result


def _set_protection(
    desired: DesiredStack, deployed: DeployedStack, outcome: Outcome, run: Run
) -> Finished:
    """Enable or disable termination protection as desired; this is the last action of a step."""
    if deployed.is_protected != desired.protect:
        run.cloud.set_termination_protection(desired.region, deployed.id, enabled=desired.protect)
        deployed = replace(deployed, is_protected=desired.protect)
    run.stacks.record(deployed)
    return Finished(desired.name, outcome, deployed=deployed)
