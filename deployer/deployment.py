"""The deployment flow of one environment: plan, deploy and destroy.

plan       check build/ and the templates, select stacks, compare them with the account
deploy     show the plan, build code, execute the steps with approval
deletions  select deployed stacks and their dependents, find the effects on data
destroy    show the deletions, ask for approval, delete the stacks, return the exit code
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from deployer import delete, execute, plan, removal, report
from deployer.approval import Approver
from deployer.artifacts import Artifact
from deployer.aws.account import Account
from deployer.aws.cloud import ChangeSet, DeployedStack, StackEvent
from deployer.bucket_cleanup import empty_buckets
from deployer.data_guard import StackLoss, refuse_data_losses
from deployer.drift import DriftReview
from deployer.environment import Environment
from deployer.errors import ConfigError, GuardError
from deployer.events import Event, Finished, Outcome, Uploaded, Verified
from deployer.follow import Watch
from deployer.history import update_durations
from deployer.inventory import Inventory
from deployer.jobs import Clock
from deployer.live_plan import live_preview
from deployer.model import Env
from deployer.model.template_tree import deployed_templates
from deployer.phases.planning import NO_PHASES, Phases, may_need_phases, plan_phases
from deployer.phases.situation import Situation
from deployer.phases.stages import explained, phase_texts
from deployer.plan import Blocked, Keep, Orphan, Recreate, Step, Update, Upload
from deployer.planned_change_sets import ChangeSetReview, PlannedChangeSet
from deployer.preview.values import Preview
from deployer.releases import ReleaseLimits
from deployer.removal import Deletion
from deployer.run import LatestStacks, Run
from deployer.selection import select
from deployer.template_checks import check_before_deployment

Save: TypeAlias = Callable[[Sequence[PlannedChangeSet]], None]

LOCAL_UNREACHABLE_TIMEOUT, UNREACHABLE_TIMEOUT = 5.0, 600.0  # Seconds.


class SystemClock:
    """The monotonic clock of the machine, which a suspended laptop does not disturb."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


@dataclass(frozen=True)
class ProjectHooks:
    """The parts of the flow that differ between projects.

    *aliases* maps names that users of other systems know for stacks to the short names here; errors
    suggest them. *build* builds the zips of functions, *read_artifact* returns the bytes of one.
    *after_local_change* is called in the local environment after a stack was changed; it returns the
    URLs of what it uploaded. *explain_failure* returns lines that explain the failure of a resource in
    a region of the account.
    """

    aliases: Mapping[str, str]
    releases: ReleaseLimits
    build: Callable[[Iterable[Artifact]], object]
    read_artifact: Callable[[Artifact], bytes]
    after_local_change: Callable[[Env, Account, DeployedStack], Iterable[str]]
    lint_cache: Path
    explain_failure: Callable[[Account, str, StackEvent], tuple[str, ...]] = (
        lambda _account, _region, _failure: ()
    )


@dataclass(frozen=True)
class Options:
    """The options of a run. *timeout_minutes* limits how long one stack operation is followed."""

    yes: bool = False
    no_execute: bool = False
    timeout_minutes: int = 60
    can_ask: bool = True


@dataclass(frozen=True)
class DeploymentPlan:
    """The stacks of the environment, and what a deploy would do to them.

    *role* is the service role of a release; empty if the deploy is not a release. *phases* are the
    intermediate templates of stacks whose exports are in use. *preview* has the changes of the
    resources.
    """

    deployed: tuple[DeployedStack, ...]
    steps: tuple[Step, ...]
    uploads: tuple[Upload, ...]
    orphans: tuple[Orphan, ...]
    role: str = ""
    phases: Phases = NO_PHASES
    preview: Preview = field(default_factory=lambda: Preview("", ()))

    @property
    def report(self) -> report.LivePlan:
        """The plan as reports show it."""
        return report.LivePlan(self.steps, self.orphans, self.uploads, self.preview)

    @property
    def phased(self) -> frozenset[str]:
        """The names of the stacks that are updated in several steps."""
        return frozenset({*self.phases.pins, *self.phases.transitions})

    @property
    def has_changes(self) -> bool:
        """Whether a deploy would change a stack, or is blocked."""
        return not all(isinstance(step, Keep) for step in self.steps)

    @property
    def has_change_sets(self) -> bool:
        """Whether a deploy would create change sets."""
        return not all(isinstance(step, Keep | Blocked) for step in self.steps)


@dataclass(frozen=True)
class DeploymentResult:
    """The exit code of a deploy, and the stacks of its plan as they are afterwards."""

    exit_code: int
    stacks: tuple[DeployedStack, ...]


@dataclass(frozen=True)
class Deployment:
    """An environment and its account, with the reporter that prints what happens."""

    environment: Environment
    account: Account
    reporter: report.Reporter
    hooks: ProjectHooks
    options: Options = Options()
    clock: Clock = field(default_factory=SystemClock)

    @property
    def inventory(self) -> Inventory:
        """The stacks in the account."""
        return Inventory(self.environment, self.account)

    def plan(
        self,
        names: Sequence[str] = (),
        *,
        only: bool = False,
        verify: bool = False,
        release: bool = False,
    ) -> DeploymentPlan:
        """Decide what a deploy does to the stacks with these *names*; all if there are none.

        With *only*, dependencies are skipped. With *verify*, whole templates are compared, not only
        digests. A *release* skips the stacks that an administrator deploys. For the emulator,
        findings of policy rules are warnings. Raise GuardError if a foreign stack has the name of
        a desired one, and for an update that AWS would refuse midway.
        """
        self.environment.write_or_check_templates()
        if warning := check_before_deployment(self.environment, self.hooks.lint_cache):
            self.reporter.warning(warning)
        desired = select(self.environment.desired, names, only=only, aliases=self.hooks.aliases)
        if release:
            desired = self.hooks.releases.select(desired, names)
        deployed = self.inventory.own_stacks(needed=desired)
        role = self.hooks.releases.role(self.environment.env, deployed) if release else ""
        templates = self.inventory.templates(desired, deployed) if verify else {}
        available = self.inventory.available_parameters(desired, deployed)
        steps = plan.plan(desired, deployed, templates=templates)
        steps = plan.with_available_parameters(steps, available)
        updated = [step.desired for step in steps if isinstance(step, Update)]
        templates = templates or self.inventory.templates(updated, deployed)
        situation = Situation(steps, deployed, templates, self.inventory.physical_ids)
        reviewed = {name: situation.reviewed_trees[name] for name in templates}
        plan.refuse_impossible(steps, reviewed)
        steps = plan.with_data_losses(steps, reviewed, deployed)
        phases = self._phases(replace(situation, steps=steps))
        steps = explained(steps, phases)
        uploads = plan.uploads(steps, templates)
        orphans = self.inventory.orphans(deployed)
        preview = live_preview(
            self.environment, steps, deployed, reviewed, phase_texts(steps, phases)
        )
        return DeploymentPlan(deployed, steps, uploads, orphans, role, phases, preview)

    def _phases(self, situation: Situation) -> Phases:
        """Return the phases of a deploy; the templates of other stacks are read only if needed."""
        if not may_need_phases(situation):
            return NO_PHASES
        known = situation.deployed_trees
        others = [stack for stack in situation.deployed if stack.name not in known]
        templates = {**situation.templates, **self.inventory.templates(others, others)}
        return plan_phases(replace(situation, templates=templates))

    def deploy(self, planned: DeploymentPlan, *, jobs: int) -> DeploymentResult:
        """Show a plan, ask for approval of each change set, and execute it."""
        _require_jobs(jobs)
        # Imported before the plan is shown, after which an operator may press Ctrl-C. If that
        # interrupts an import that creates a class, Python ends without the task's exit code.
        import_module("deployer.artifacts.build")
        durations = self._update_durations(planned)
        self.reporter.plan(replace(planned.report, steps=_with_estimates(planned, durations)))
        self.refuse_data_losses(planned)
        if planned.has_change_sets and not self.options.no_execute:
            self.approver.refuse_unattended()
        self.hooks.build(plan.artifacts(planned.steps))
        run = self.new_run(planned.deployed, planned.role)
        events = execute.deploy(
            planned.steps, run, jobs=jobs, phases=planned.phases, durations=durations
        )
        exit_code = self.report_events(self.with_local_uploads(events))
        stacks = [run.stacks.get(step.desired.region, step.desired.name) for step in planned.steps]
        return DeploymentResult(exit_code, tuple(stack for stack in stacks if stack))

    def _update_durations(self, planned: DeploymentPlan) -> dict[str, float]:
        """Return the seconds of the last update of the stacks to update; none for the emulator."""
        if self.environment.is_local:
            return {}
        updates = [step for step in planned.steps if isinstance(step, Update)]
        stacks = [step.deployed for step in updates if not step.only_protection]
        return update_durations(self.account, stacks)

    def review(
        self, planned: DeploymentPlan, *, jobs: int, save: Save | None = None
    ) -> tuple[PlannedChangeSet, ...]:
        """Create the change set of each stack that changes, and return them.

        The change sets are kept if *save* returns. Without *save*, and after an error or an interrupt,
        they are deleted, together with the empty stacks that were created for them.
        """
        _require_jobs(jobs)
        self.hooks.build(plan.artifacts(planned.steps))
        unknown = {change.name: change.unknown for change in planned.preview.stacks}
        run = self.new_run(planned.deployed, planned.role, kind="plan")
        review = ChangeSetReview(planned.steps, unknown, run, planned.phased)
        is_saved = False
        try:
            self._report_transfers(review.create(jobs))
            if save:
                save(review.found)
                is_saved = True
        finally:
            if not is_saved:
                self._report_transfers(review.remove(jobs))
        return review.found

    def detect_drift(self, planned: DeploymentPlan, *, jobs: int) -> DriftReview:
        """Detect the drift of the planned stacks that are in service."""
        keys = {(step.desired.region, step.desired.name) for step in planned.steps}
        stacks = [
            stack
            for stack in planned.deployed
            if stack.is_complete and (stack.region, stack.name) in keys
        ]
        environment, watch = self.environment, self.new_run(()).watch
        review = DriftReview(stacks, environment.prefix, environment.env.ignored_drifts, watch)
        self._report_transfers(review.detect(jobs))
        return review

    def _report_transfers(self, events: Iterable[Event]) -> None:
        """Report what is uploaded, and every error."""
        for event in events:
            match event:
                case Uploaded() | Verified():
                    self.reporter.event(event)
                case Finished(error=error) if error:
                    self.reporter.warning(error)

    def refuse_data_losses(self, planned: DeploymentPlan) -> None:
        """Raise GuardError for losses of data that the config does not accept; never locally."""
        if self.environment.is_local:
            return
        updates = [step for step in planned.steps if isinstance(step, Update)]
        losses = [
            StackLoss(step.desired.short_name, loss)
            for step in updates
            for loss in step.data_losses
        ]
        env = self.environment.env
        updated = {step.desired.short_name for step in updates}
        losses = [*dict.fromkeys([*losses, *planned.preview.data_losses])]
        refuse_data_losses(losses, env.accepted_data_losses, env.name, updated)

    def select_deployed(self, names: Sequence[str] = ()) -> tuple[DeployedStack, ...]:
        """Return the deployed stacks with these *names*; without names, all that the code defines."""
        desired = select(self.environment.desired, names, only=True, aliases=self.hooks.aliases)
        selected = {(stack.region, stack.name) for stack in desired}
        stacks = self.inventory.own_stacks(needed=desired)
        return tuple(stack for stack in stacks if (stack.region, stack.name) in selected)

    def deletions(self, names: Sequence[str] = ()) -> tuple[Deletion, ...]:
        """Return the deletions of these stacks and their dependents; of all stacks without *names*.

        Raise GuardError if a foreign stack has one of the names.
        """
        desired = self.environment.desired
        needed = [stack for stack in desired if {stack.short_name, stack.name} & {*names}]
        stacks = self.inventory.all_stacks()
        self.inventory.refuse_taken_names(stacks, needed)
        self.inventory.refuse_foreign_names(stacks, names)
        owned = self.inventory.owned(stacks)
        templates = {
            stack.id: deployed_templates(self.account, stack.region, stack.id)
            for stack in owned
            if stack.status != "REVIEW_IN_PROGRESS"  # It has no template yet.
        }
        state = removal.EnvironmentState(self.environment.env.owner, desired, owned, templates)
        return removal.deletions(state, names, self.hooks.aliases)

    def destroy(
        self, deletions: Sequence[Deletion], *, confirmed: Sequence[str] = (), jobs: int
    ) -> int:
        """Show the deletions, ask for approval, delete the stacks and return the exit code."""
        _require_jobs(jobs)
        self.reporter.deletions(deletions)
        if not deletions:
            return 0
        removal.refuse_unconfirmed(deletions, confirmed)
        approver = replace(
            self.approver,
            alternative="--dry-run to list the deletions",
            required=not self.options.yes,
        )
        if not approver.approves(f"Delete {report.pluralize(len(deletions), 'stack')}? [y/N] "):
            raise GuardError("not approved: nothing was deleted")
        stacks = [deletion.stack for deletion in deletions]
        if self.environment.is_local:
            self._empty_buckets(stacks)
        return self.report_events(delete.destroy(deletions, self.new_run(stacks), jobs=jobs))

    def new_run(
        self, deployed: Iterable[DeployedStack], role: str = "", kind: str = "deploy"
    ) -> Run:
        """Return the inputs of a run; *kind* is the beginning of the names of its change sets."""
        local = self.environment.is_local
        unreachable_timeout = LOCAL_UNREACHABLE_TIMEOUT if local else UNREACHABLE_TIMEOUT
        timeout = self.options.timeout_minutes * 60.0
        prefix = "release" if role else kind  # IAM lets a release use its own change sets only.
        return Run(
            id=f"{prefix}-{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}",
            watch=Watch(
                self.account,
                self.clock,
                timeout,
                unreachable_timeout,
                partial(self.hooks.explain_failure, self.account),
            ),
            approve=self._approve,
            stacks=LatestStacks(deployed),
            owner=self.environment.env.owner,
            read_artifact=self.hooks.read_artifact,
            role=role,
            no_execute=self.options.no_execute,
            accepted=None
            if self.environment.is_local
            else self.environment.env.accepted_data_losses,
        )

    def report_events(self, events: Iterator[Event]) -> int:
        """Report every event and a summary; return the exit code of the worst outcome."""
        finished = []
        for event in events:
            self.reporter.event(event)
            if isinstance(event, Finished):
                finished.append(event)
        self.reporter.summary()
        return report.exit_code(finished)

    def with_local_uploads(self, events: Iterator[Event]) -> Iterator[Event]:
        """Yield *events*; in the local environment, also upload the files that deployed stacks need.

        In an account, an operator uploads these files once.
        """
        for event in events:
            yield event
            match event:
                case Finished(stack=name, deployed=stack, outcome=outcome) if (
                    stack and self.environment.is_local and outcome is not Outcome.KEPT
                ):
                    env = self.environment.env
                    urls = self.hooks.after_local_change(env, self.account, stack)
                    yield from (Uploaded(name, url) for url in urls)

    def _approve(self, change: ChangeSet | Recreate) -> bool:
        return self.approver.approves(report.question(change))

    @property
    def approver(self) -> Approver:
        """The request for approval, which --yes and the emulator do not need."""
        return Approver(
            self.environment.env.name,
            "--no-execute to leave the change sets for review",
            required=not (self.options.yes or self.environment.is_local),
            can_ask=self.options.can_ask,
            paused=self.reporter.paused,
        )

    def _empty_buckets(self, stacks: Sequence[DeployedStack]) -> None:
        """Empty the buckets of those *stacks* that still belong to this environment."""
        current = [self.account.stack(stack.region, stack.id) for stack in stacks]
        owned = [stack for stack in current if stack and self.environment.env.owner.owns(stack)]
        empty_buckets(self.account, owned)


def _with_estimates(planned: DeploymentPlan, durations: Mapping[str, float]) -> tuple[Step, ...]:
    """Return the steps with the duration of the last update in the reason, if it is known."""
    return tuple(
        replace(step, reason=f"{step.reason} (took {report.duration_text(seconds)} the last time)")
        if (seconds := durations.get(step.desired.name))
        else step
        for step in planned.steps
    )


def _require_jobs(jobs: int) -> None:
    """Raise ConfigError for fewer jobs than one, which would change no stack."""
    if jobs < 1:
        raise ConfigError(f"--jobs={jobs}: no stack would be changed", hint="use --jobs=1 or more")
