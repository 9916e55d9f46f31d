"""Apply a saved plan, and execute or delete the change sets that were left for review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deployer import plan, report
from deployer.aws.cloud import ChangeSet, DeployedStack, StoredObject
from deployer.change_set_requests import Kind
from deployer.deployment import Deployment, DeploymentResult
from deployer.errors import CloudError, ConfigError, GuardError, StaleError
from deployer.events import Finished
from deployer.model.desired import DesiredStack
from deployer.ownership import refuse_foreign
from deployer.reviewed_change_sets import (
    ReviewedChangeSet,
    delete_reviewed,
    execute_reviewed,
)
from deployer.run import Run
from deployer.saved_plan import RENEW, SavedObject, SavedPlan
from deployer.staleness import Current, stale_reasons

# The error codes of DescribeChangeSet if the change set or its stack does not exist.
_MISSING = {"ChangeSetNotFound", "ChangeSetNotFoundException", "ValidationError"}
_ALTERNATIVE = "run the command at a terminal"
_SEE = "run ./inv status to see the change sets"


def apply(
    deployment: Deployment, saved: SavedPlan, revision: str, *, jobs: int
) -> DeploymentResult:
    """Execute exactly the change sets of *saved*, after one approval; return the result.

    *revision* is the commit of the checkout. Raise StaleError, before anything is changed, with
    every reason why the plan is stale, and GuardError for a loss of data that the config does not
    accept.
    """
    deployment.environment.write_or_check_templates()
    refuse_stale(deployment, saved, revision)
    names = [stack.short_name for stack in saved.stacks]
    if not names:
        return DeploymentResult(deployment.report_events(iter(())), ())
    planned = deployment.plan(names, only=True, release=bool(saved.role))
    deployment.reporter.plan(planned.report)
    deployment.refuse_data_losses(planned)
    desired = {step.desired.name: step.desired for step in planned.steps}
    change_sets = [
        ReviewedChangeSet(desired[stack.stack], stack.kind, stack.change_set)
        for stack in saved.stacks
    ]
    run = _approved_run(deployment, len(change_sets), planned.deployed, planned.role)
    events = execute_reviewed(change_sets, run, jobs=jobs)
    exit_code = deployment.report_events(deployment.with_local_uploads(events))
    stacks = [run.stacks.get(step.desired.region, step.desired.name) for step in planned.steps]
    return DeploymentResult(exit_code, tuple(stack for stack in stacks if stack))


def refuse_stale(deployment: Deployment, saved: SavedPlan, revision: str) -> None:
    """Raise StaleError with every reason why *saved* is stale."""
    environment = deployment.environment
    deployed = deployment.inventory.all_stacks()
    role = deployment.hooks.releases.role(environment.env, deployed) if saved.role else ""
    current = Current(
        environment.env,
        environment.env.account,  # The credentials are for this account.
        revision,
        role,
        {stack.name: stack for stack in environment.desired},
        plan.index(deployed),
        lambda region, arn: _change_set(deployment, region, arn),
        lambda stored: _stored_object(deployment, stored),
    )
    if reasons := stale_reasons(saved, current):
        raise StaleError("\n".join(reasons), hint=RENEW)


def execute_pending(deployment: Deployment, arns: Sequence[str], *, jobs: int) -> int:
    """Execute change sets that were left for review, each after approval; return the exit code.

    Raise StaleError for each that cannot be executed, and GuardError for one of another environment.
    """
    found = [_pending(deployment, arn) for arn in arns]
    if stale := [
        f"{change_set.arn}: is {change_set.execution or change_set.status}, not AVAILABLE"
        for change_set, _ in found
        if change_set.execution != "AVAILABLE"
    ]:
        raise StaleError("\n".join(stale), hint=_SEE)
    desired = {(stack.region, stack.name): stack for stack in deployment.environment.desired}
    change_sets = [
        ReviewedChangeSet(_desired_stack(desired, stack), _kind(change_set, stack), change_set.arn)
        for change_set, stack in found
    ]
    names = [change_set.desired.name for change_set in change_sets]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(
            f"{', '.join(twice)}: has more than one of the change sets",
            hint="execute one, which makes the others of its stack obsolete",
        )
    replace(deployment.approver, alternative=_ALTERNATIVE).refuse_unattended()
    run = deployment.new_run(deployment.inventory.own_stacks())
    events = execute_reviewed(change_sets, run, jobs=jobs)
    return deployment.report_events(deployment.with_local_uploads(events))


def delete_pending(deployment: Deployment, arns: Sequence[str]) -> tuple[ChangeSet, ...]:
    """Delete change sets that were left for review, and return them.

    A stack that was created only for its change set is deleted with it.
    """
    found = tuple(_pending(deployment, arn)[0] for arn in arns)
    for event in delete_reviewed(found, deployment.new_run(())):
        match event:
            case Finished(error=error) if error:
                raise error
    return found


def _pending(deployment: Deployment, arn: str) -> tuple[ChangeSet, DeployedStack]:
    """Return a change set and its stack; raise GuardError if the stack is foreign."""
    region = arn.split(":")[3] if arn.count(":") > 3 else ""
    if region not in deployment.environment.regions:
        raise ConfigError(
            f"--arn={arn}: is not the ARN of a change set in a region of the environment", hint=_SEE
        )
    change_set = _change_set(deployment, region, arn)
    stack = deployment.account.stack(region, change_set.stack_id) if change_set else None
    if change_set is None or stack is None:
        raise StaleError(f"{arn}: no longer exists", hint=_SEE)
    owner = deployment.environment.env.owner
    refuse_foreign(owner, [stack], hint="select its environment: --env=ENV")
    return change_set, stack


def _approved_run(
    deployment: Deployment, number: int, deployed: Sequence[DeployedStack], role: str
) -> Run:
    """Ask for one approval of all change sets; return a run that approves each of them."""
    approver = replace(deployment.approver, alternative=_ALTERNATIVE)
    if not approver.approves(f"Execute {report.pluralize(number, 'change set')}? [y/N] "):
        raise GuardError("not approved: nothing was changed")
    return replace(deployment.new_run(deployed, role), approve=lambda _: True)


def _change_set(deployment: Deployment, region: str, arn: str) -> ChangeSet | None:
    try:
        return deployment.account.change_set(region, arn)
    except CloudError as error:
        if error.aws_code in _MISSING:
            return None
        raise


def _stored_object(deployment: Deployment, stored: SavedObject) -> StoredObject | None:
    return deployment.account.stored_object(stored.region, stored.bucket, stored.key)


def _kind(change_set: ChangeSet, stack: DeployedStack) -> Kind:
    """Return the type of a change set, which AWS does not return."""
    if stack.status == "REVIEW_IN_PROGRESS":
        return "CREATE"
    is_import = any(change.action == "Import" for change in change_set.changes)
    return "IMPORT" if is_import else "UPDATE"


def _desired_stack(
    desired: dict[tuple[str, str], DesiredStack], stack: DeployedStack
) -> DesiredStack:
    found = desired.get((stack.region, stack.name))
    if found is None:
        raise ConfigError(
            f"{stack.name}: is no longer in the code",
            hint="delete its change set: ./inv change-set.delete",
        )
    return found
