"""Carries out steps: one approved change set per stack, stacks side by side."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from deployer import plan
from deployer.artifacts import RELEASES, Artifact
from deployer.aws.cloud import ChangeSet, ChangeSetRequest, Cloud, DeployedStack, StoredObject
from deployer.change_sets import describe_change_set
from deployer.errors import (
    BusyError,
    CloudError,
    DeployError,
    GuardError,
    ManualRepairError,
    RolledBackError,
    UnreachableError,
)
from deployer.events import (
    Event,
    Finished,
    Operating,
    Outcome,
    Proposed,
    Started,
    Uploaded,
    Verified,
)
from deployer.follow import Ended, Watch, before_running, follow, latest, operation
from deployer.jobs import Job, Work, run_concurrently
from deployer.model.desired import DesiredStack
from deployer.model.template_tree import format_path, resource_lines
from deployer.ownership import Owner, refuse_foreign
from deployer.plan import Blocked, Create, Keep, Recreate, Resume, Step, Update
from deployer.removal import Deletion

Kind = Literal["CREATE", "UPDATE"]


def _nothing_built(artifact: Artifact) -> bytes:
    raise AssertionError(f"{artifact.key}: this run was given no code")


@dataclass(frozen=True)
class Run:
    """What all steps of one run share.

    *id* names its change sets. *approve* is asked before a change set is executed, and before a
    stack that was never in service is deleted to be created anew. *read* gives the bytes of code.
    *role* is the role that CloudFormation uses for all stacks. *known* holds the latest description
    of each stack, by region and name, and is kept up to date. All stacks belong to *owner*.
    """

    id: str
    watch: Watch
    approve: Callable[[ChangeSet | Recreate], bool]
    known: dict[tuple[str, str], DeployedStack] = field(default_factory=dict)
    read: Callable[[Artifact], bytes] = _nothing_built
    role: str = ""
    no_execute: bool = False
    owner: Owner = field(kw_only=True)

    @property
    def cloud(self) -> Cloud:
        """The account."""
        return self.watch.cloud


def deploy(steps: Sequence[Step], run: Run, *, jobs: int) -> Iterator[Event]:
    """Carry out *steps*, each as soon as the stacks it stands on are there.

    A step that fails, or is refused, ends with a Finished event that says so; what stands on
    it is skipped, the others go on.
    """
    by_name = {step.desired.name: step for step in steps}
    needs = {name: step.desired.dependencies for name, step in by_name.items()}
    return run_concurrently(needs, lambda name: _deploy(by_name[name], run), run.watch.clock, jobs)


def destroy(deletions: Sequence[Deletion], run: Run, *, jobs: int) -> Iterator[Event]:
    """Execute *deletions*, each as soon as those that must come before it are done.

    Stacks of one name, in different regions, are deleted one after the other.
    """
    by_name: dict[str, list[Deletion]] = {}
    for deletion in deletions:
        by_name.setdefault(deletion.stack.name, []).append(deletion)
    order = {
        name: list(dict.fromkeys(before for deletion in same for before in deletion.after))
        for name, same in by_name.items()
    }
    return run_concurrently(
        order, lambda name: _destroy_all(by_name[name], run), run.watch.clock, jobs
    )


def _destroy_all(deletions: Sequence[Deletion], run: Run) -> Job:
    *earlier, last = [deletion.stack for deletion in deletions]
    for stack in earlier:
        yield (yield from _destroy(stack, run))
    return (yield from _destroy(last, run))


def _deploy(step: Step, run: Run) -> Job:
    step = _decided_again(step, run)
    desired = step.desired
    yield Started(desired.name, type(step).__name__.lower(), step.reason)
    match step:
        case Keep(found=found):
            return Finished(desired.name, Outcome.KEPT, step.reason, found)
        case Blocked(found=found):
            raise ManualRepairError(f"{desired.name} is in {found.status}", hint=step.hint)
        case Resume(found=found):
            return (yield from _resume(desired, found, run))
        case Recreate():
            return (yield from _recreate(step, run))
        case Create():
            return (yield from _change(desired, "CREATE", Outcome.CREATED, run))
        case Update(found=found, only_protection=True):
            return _settle(desired, found, Outcome.UPDATED, run)
        case Update():
            return (yield from _change(desired, "UPDATE", Outcome.UPDATED, run))


def _decided_again(step: Step, run: Run) -> Step:
    """The step as of now, where a stack below that gives a parameter may have changed."""
    match step:
        case Keep(desired=desired) | Update(desired=desired, only_protection=True):
            return plan.decide(desired, run.known) if desired.parameters else step
        case _:
            return step


def _recreate(step: Recreate, run: Run) -> Job:
    """Delete what a failed creation left, if that is wanted, and create the stack."""
    if run.no_execute:
        why = f"it is in {step.found.status}, and has to be deleted first"
        return Finished(step.desired.name, Outcome.SKIPPED, why, step.found)
    if not run.approve(step):
        return Finished(step.desired.name, Outcome.REFUSED, "not approved", step.found)
    yield from _delete(step.found, run)
    return (yield from _change(step.desired, "CREATE", Outcome.RECREATED, run))


def _resume(desired: DesiredStack, found: DeployedStack, run: Run) -> Job:
    """Follow what runs on the stack already, then do what is left to do."""
    yield _operating(found)
    ended = yield from follow(
        run.watch, found, before_running(run.watch, found), resource_lines(desired)
    )
    _remember(ended.found, run)
    return (yield from _deploy(plan.decide(desired, run.known), run))


def _change(desired: DesiredStack, kind: Kind, outcome: Outcome, run: Run) -> Job:
    """Make a change set, have it approved, execute it, follow it to its end."""
    found = run.known.get((desired.region, desired.name))
    change_set, verified = yield from _propose(desired, kind, run)
    if change_set.is_empty and found:
        run.cloud.delete_change_set(desired.region, change_set.arn)
        return _settle(desired, found, Outcome.KEPT, run)
    if change_set.status == "FAILED":
        yield from _withdraw(change_set, run, shell=found is None)
        raise CloudError(f"{desired.name}: no change set: {change_set.reason}")
    yield Proposed(desired.name, change_set)
    if run.no_execute:
        return Finished(desired.name, Outcome.PENDING_REVIEW, change_set.arn, found)
    if not run.approve(change_set):
        yield from _withdraw(change_set, run, shell=found is None)
        return Finished(desired.name, Outcome.REFUSED, "not approved", found)
    if replaced := [stored for stored in verified if not _is_unchanged(stored, run)]:
        yield from _withdraw(change_set, run, shell=found is None)
        raise GuardError(
            "\n".join(
                f"{desired.name}: {stored.url}: replaced after it was verified"
                for stored in replaced
            ),
            hint="find out which role writes to the bucket (CloudTrail), then rerun the command",
        )
    ended = yield from _apply(desired, change_set, kind, run)
    if ended.found.status != f"{kind}_COMPLETE":
        raise _failure(desired, ended)
    return _settle(desired, ended.found, outcome, run)


def _propose(
    desired: DesiredStack, kind: Kind, run: Run
) -> Work[tuple[ChangeSet, tuple[StoredObject, ...]]]:
    """Create a change set after verifying every object that it reads; return it with the objects."""
    found = run.known.get((desired.region, desired.name))
    if found is None:
        _refuse_taken(desired, run)
    proposal = ChangeSetRequest(
        name=f"{run.id}-{desired.digest[:8]}",
        stack=desired.name,
        region=desired.region,
        kind=kind,
        text=desired.text,
        parameters=_parameters(desired, run),
        tags=desired.tags,
        capabilities=desired.capabilities,
        role=run.role,
        stack_id=found.id if found and kind == "UPDATE" else "",
        include_nested=bool(desired.nested),
    )
    verified = []
    for key, read in _objects(desired, run):
        stored = yield from _store(desired, key, read, run)
        verified.append(stored)
    if desired.too_long:
        proposal = replace(proposal, url=verified[-1].version_url)
    arn = run.cloud.create_change_set(proposal)
    change_set = yield from describe_change_set(run.watch, desired.region, arn, stack=desired.name)
    return change_set, tuple(verified)


def _objects(desired: DesiredStack, run: Run) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the key of every object that CloudFormation will read, the template last.

    Each key comes with a function that returns the content.
    """
    for artifact in desired.artifacts:
        yield desired.key(artifact), partial(run.read, artifact)
    for part in desired.nested:
        yield part.key, part.text.encode
    if desired.too_long:
        folder = RELEASES if run.role else ""
        yield f"{folder}templates/{desired.name}/{desired.digest}.yaml", desired.text.encode


def _refuse_taken(desired: DesiredStack, run: Run) -> None:
    """Raise GuardError if a foreign stack has the name of a stack to create."""
    if found := run.cloud.stack(desired.region, desired.name):
        refuse_foreign(run.owner, [found], hint="rerun the command: it appeared during this run")


def _parameters(desired: DesiredStack, run: Run) -> dict[str, str]:
    values = plan.parameters(desired, run.known)
    known = {name: value for name, value in values.items() if value is not None}
    if missing := [desired.parameters[name] for name in values if name not in known]:
        sources = ", ".join(f"{source.output} of {source.stack}" for source in missing)
        raise CloudError(
            f"{desired.name}: needs {sources}, which is not deployed",
            hint="deploy that first, or leave out --only",
        )
    return known


def _store(
    desired: DesiredStack, key: str, read: Callable[[], bytes], run: Run
) -> Work[StoredObject]:
    """Make sure that the artifact bucket has the content from *read* under *key*, by its checksum.

    The key contains a digest, but a role that may write to the bucket can store anything there.
    """
    source = desired.artifact_bucket
    if source is None:
        raise AssertionError(f"synth lets {desired.name} pass only with a bucket for {key}")
    store = run.known.get((source.region, source.stack))
    if store is None or source.output not in store.outputs:
        raise CloudError(
            f"{desired.name}: needs {source.stack}, which keeps {key}, and it is not deployed",
            hint="deploy that first, or leave out --only",
        )
    place = source.region, store.outputs[source.output], key
    content, found = read(), run.cloud.stored_object(*place)
    if found and found.sha256 == hashlib.sha256(content).hexdigest():
        yield Verified(desired.name, found.url, found.version)
        return found
    put = run.cloud.upload(*place, content, replace=not run.role)
    yield Uploaded(desired.name, put.url, put.version, replaced=_fault(found))
    return put


def _fault(found: StoredObject | None) -> str:
    """Return the fault of an object that was replaced; empty if there was none."""
    if found is None:
        return ""
    return "it had other content" if found.sha256 else "it had no SHA-256 checksum"


def _is_unchanged(verified: StoredObject, run: Run) -> bool:
    return run.cloud.stored_object(verified.region, verified.bucket, verified.key) == verified


def _withdraw(change_set: ChangeSet, run: Run, *, shell: bool) -> Work[None]:
    """Leave the account as it was: without the empty *shell* of a stack, if we made one.

    Another run may have added a change set meanwhile, so the stack is read again. It has no tags
    unless it has another change set.
    """
    run.cloud.delete_change_set(change_set.region, change_set.arn)
    stack = run.cloud.stack(change_set.region, change_set.stack_id) if shell else None
    if stack and stack.status == "REVIEW_IN_PROGRESS" and not stack.tags:
        yield from _delete_now(stack, run)


def _apply(desired: DesiredStack, change_set: ChangeSet, kind: Kind, run: Run) -> Work[Ended]:
    after = latest(run.watch, desired.region, change_set.stack_id)
    run.cloud.execute_change_set(
        desired.region, change_set.arn, token=f"{run.id}-{desired.digest[:8]}"
    )
    yield Operating(desired.name, desired.region, kind.lower(), change_set.stack_id)
    started = DeployedStack(
        desired.name, change_set.stack_id, desired.region, f"{kind}_IN_PROGRESS"
    )
    ended = yield from follow(run.watch, started, after, resource_lines(desired))
    _remember(ended.found, run)
    return ended


def _failure(desired: DesiredStack, ended: Ended) -> DeployError:
    """What went wrong first, where it was made, and what to do now."""
    line = resource_lines(desired).get(ended.cause.place) if ended.cause else None
    message = f"{desired.name}: {_cause(ended)}" + (f" (defined at {line})" if line else "")
    if ended.found.is_complete or ended.found.never_completed:
        return RolledBackError(
            f"{message}\nthe stack is in {ended.found.status}",
            hint=f"mend it, then run `invoke deploy --stack={desired.short_name}` again",
        )
    step = plan.decide(desired, plan.index([ended.found]))
    hint = step.hint if isinstance(step, Blocked) else ""
    return ManualRepairError(f"{message}\nthe stack is in {ended.found.status}", hint=hint)


def _settle(desired: DesiredStack, found: DeployedStack, outcome: Outcome, run: Run) -> Finished:
    """The stack is as wanted: give it the protection it shall have."""
    if found.is_protected != desired.protect:
        run.cloud.set_termination_protection(desired.region, found.id, enabled=desired.protect)
        found = replace(found, is_protected=desired.protect)
    _remember(found, run)
    return Finished(desired.name, outcome, found=found)


def _destroy(found: DeployedStack, run: Run) -> Job:
    yield Started(found.name, "delete", found.status)
    if found.is_busy:
        yield _operating(found)
        ended = yield from follow(run.watch, found, before_running(run.watch, found))
        found = ended.found
    ended = yield from _delete(found, run, unprotect=found.is_protected)
    kept = ", ".join(f"{format_path(one.place)} ({one.event.physical_id})" for one in ended.kept)
    detail = f"kept by its DeletionPolicy: {kept}" if kept else ""
    return Finished(found.name, Outcome.DELETED, detail)


def _delete(found: DeployedStack, run: Run, *, unprotect: bool = False) -> Work[Ended]:
    """Delete a stack, if it still belongs to the environment, and follow that to its end.

    With *unprotect* its protection is given up for that; it comes back if the stack stays.
    """
    now = _refuse_foreign_now(found, run)
    if now is None or now.status == "DELETE_COMPLETE":
        gone = replace(found, status="DELETE_COMPLETE")
        _remember(gone, run)
        return Ended(gone)
    _refuse_live(found, now)
    try:
        return (yield from _delete_now(now, run, unprotect=unprotect))
    except (BusyError, UnreachableError):
        raise
    except DeployError:
        if unprotect:
            run.cloud.set_termination_protection(found.region, found.id, enabled=True)
        raise


def _refuse_live(found: DeployedStack, now: DeployedStack) -> None:
    """Raise GuardError if a stack that was never in service came into service since.

    A colleague may execute its first change set, or repair it, while the question is open.
    """
    was_live = not (found.never_completed or found.status == "REVIEW_IN_PROGRESS")
    if was_live or now.status == found.status or now.status.startswith("DELETE_"):
        return
    raise GuardError(
        f"{found.name}: it was {found.status} when it was shown, and is {now.status} now; "
        "it was not deleted",
        hint="run the command again, which shows what is in it",
    )


def _refuse_foreign_now(found: DeployedStack, run: Run) -> DeployedStack | None:
    """Return the current state of the stack with this id; raise GuardError if it is foreign.

    Called right before a deletion, so neither stale data nor a new stack of the same name can
    cause another stack to be deleted.
    """
    now = run.cloud.stack(found.region, found.id)
    if now and now.status != "DELETE_COMPLETE":
        refuse_foreign(run.owner, [now], hint="run ./inv status to see it: it was not deleted")
    return now


def _delete_now(found: DeployedStack, run: Run, *, unprotect: bool = False) -> Work[Ended]:
    after = latest(run.watch, found.region, found.id)
    try:
        if unprotect:
            run.cloud.set_termination_protection(found.region, found.id, enabled=False)
        run.cloud.delete_stack(found.region, found.id, token=_token(run, found.id))
    except KeyboardInterrupt:
        if unprotect:
            with suppress(DeployError):  # The deletion may have begun.
                run.cloud.set_termination_protection(found.region, found.id, enabled=True)
        raise
    yield Operating(found.name, found.region, "delete", found.id)
    ended = yield from follow(run.watch, found, after)
    _remember(ended.found, run)
    if ended.found.is_complete:
        raise CloudError(
            f"{found.name}: {_cause(ended)}",
            hint="destroy first what uses it; without --stack everything goes in the right order",
        )
    if ended.found.status != "DELETE_COMPLETE":
        raise ManualRepairError(
            f"{found.name}: not deleted: {_cause(ended)}",
            hint="empty or detach what is named, then run the command again",
        )
    return ended


def _token(run: Run, stack_id: str) -> str:
    """What names one deletion: a run may delete two stacks of one name."""
    return f"{run.id}-delete-{re.sub('[^A-Za-z0-9]', '', stack_id)[-12:]}"


def _operating(found: DeployedStack) -> Operating:
    """What runs on a stack already."""
    return Operating(found.name, found.region, operation(found), found.id)


def _cause(ended: Ended) -> str:
    if (cause := ended.cause) is None:
        return ended.found.reason or ended.found.status
    type_ = "" if cause.event.of_stack else f" ({cause.event.type})"
    return ": ".join(filter(None, (f"{format_path(cause.place)}{type_}", cause.event.reason)))


def _remember(found: DeployedStack, run: Run) -> None:
    if found.status == "DELETE_COMPLETE":
        run.known.pop((found.region, found.name), None)
    else:
        run.known[found.region, found.name] = found
