"""One run as its operator sees it: look, show, ask, do, tell."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from importlib import import_module

from invoke.exceptions import Exit

from commands.framework.task import INTERRUPTED
from deployer import execute, plan, policy, removal, report
from deployer import lint as linter
from deployer.aws.account import Account
from deployer.aws.cloud import ChangeSet, DeployedStack
from deployer.environment import Environment
from deployer.errors import ConfigError, DeployError, GuardError, LintError
from deployer.events import Event, Finished, Outcome, Uploaded
from deployer.follow import Watch
from deployer.model import ABSENT, template_tree
from deployer.model.desired import DesiredStack
from deployer.ownership import refuse_foreign
from deployer.plan import Blocked, Keep, Orphan, Recreate, Step, Update, Upload
from deployer.removal import Deletion
from operations import approval, code, leftovers, names, pictures, project, releases

LOCAL_UNREACHABLE_TIMEOUT, UNREACHABLE_TIMEOUT = (
    5.0,
    600.0,
)  # Seconds that AWS may be out of reach while we watch.


class _Clock:
    """The time of the machine: monotonic, so that a laptop that slept does no harm."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


@dataclass(frozen=True)
class Look:
    """What was found, and what a deploy would do about it."""

    found: tuple[DeployedStack, ...]
    steps: tuple[Step, ...]
    uploads: tuple[Upload, ...]
    orphans: tuple[Orphan, ...]
    role: str = ""

    @property
    def changes(self) -> bool:
        """A deploy would change something, or would have to."""
        return not all(isinstance(step, Keep) for step in self.steps)

    def show(self, *, json: bool = False) -> None:
        """Print the plan."""
        style = report.style_of(sys.stdout, os.environ)
        what = self.steps, self.orphans, self.uploads
        print(report.plan_json(*what) if json else report.plan_text(*what, style=style), end="")

    @property
    def proposes(self) -> bool:
        """A deploy would make change sets."""
        return not all(isinstance(step, Keep | Blocked) for step in self.steps)


@dataclass(frozen=True)
class Approver:
    """Asks for approval before a change, unless *yes* was given or the environment is local.

    *otherwise* completes the hint if no approval is possible. The screen is *paused* for a
    question. Without *asked* no question is allowed. With *everywhere*, local environments ask too.
    """

    environment: Environment
    yes: bool
    otherwise: str
    asked: bool = True
    paused: Callable[[], AbstractContextManager[None]] = nullcontext
    everywhere: bool = False

    def must_be_there(self) -> None:
        """Raise GuardError if an approval is needed, but cannot be asked for."""
        if not self._needless:
            name = self.environment.env.name
            approval.refuse_unattended(name, self.otherwise, can_ask=self.asked)

    def agrees(self, question: str) -> bool:
        """Ask, unless that is needless; the answer defaults to no."""
        self.must_be_there()
        if self._needless:
            return True
        with self.paused():
            return approval.answered_yes(question)

    @property
    def _needless(self) -> bool:
        return self.yes or (self.environment.is_local and not self.everywhere)


@dataclass(frozen=True)
class Session:
    """An environment, its account, and who is told what happens there."""

    environment: Environment
    cloud: Account
    tell: report.Reporter
    yes: bool = False
    no_execute: bool = False
    timeout: int = 60
    json: bool = False
    _clock: _Clock = field(default_factory=_Clock)

    def look(
        self,
        stacks: Sequence[str],
        *,
        only: bool = False,
        verify: bool = False,
        release: bool = False,
    ) -> Look:
        """See that build/ and lint are clean, then compare what is desired with what is there.

        Raises GuardError if a foreign stack has the name of a desired one, and for an update that
        AWS would refuse in the middle. A *release* has the permissions of the foundation's role,
        so it skips the layers of an administrator: see `releases`.
        """
        self.environment.settle_templates()
        lint(self.environment)
        desired = plan.select(self.environment.desired, stacks, only=only, hints=names.LAYERS)
        if release:
            desired = releases.without_by_hand(desired, stacks)
        found = self.found(needed=desired)
        role = ""
        if release:
            role = releases.role(self.environment, found)
        deployed = self._deployed(desired, found) if verify else {}
        steps = plan.with_available_parameters(
            plan.plan(desired, found, deployed=deployed), self._come(desired, found)
        )
        changing = [step.desired for step in steps if isinstance(step, Update)]
        deployed = deployed or self._deployed(changing, found)
        plan.refuse_impossible(steps, deployed)
        steps = plan.with_losses(steps, deployed, found)
        return Look(found, steps, plan.uploads(steps, deployed), self.orphans(found), role)

    def deploy(self, look: Look, *, jobs: int) -> None:
        """Carry out what a look decided; ends the task with the exit code of the worst outcome."""
        _refuse_none(jobs)
        # Imported before the plan is shown: an operator may answer the plan with Ctrl-C, and while a
        # class is created that ends Python by the signal instead of with the task's exit code.
        import_module("deployer.artifacts.build")
        self.tell.plan(look.steps, look.orphans, look.uploads)
        if look.proposes and not self.no_execute:
            self._approver.must_be_there()
        code.build(plan.artifacts(look.steps))
        run = self._run(look.found, look.role)
        events = execute.deploy(look.steps, run, jobs=jobs)
        self._through(self._with_pictures(events) if self.environment.is_local else events)
        here = [run.known.get((step.desired.region, step.desired.name)) for step in look.steps]
        self.show_outputs([stack for stack in here if stack], "json" if self.json else "table")

    def deletions(self, stacks: Sequence[str]) -> tuple[Deletion, ...]:
        """Return what `destroy` would delete: these stacks and their dependents; all if none.

        Raises GuardError if a foreign stack has the name of one of them.
        """
        desired = self.environment.desired
        needed = [each for each in desired if {each.short_name, each.name} & {*stacks}]
        there = self.stacks()
        self.refuse_taken(there, needed)
        self._refuse_named(there, stacks)
        found = self.owned(there)
        templates = {
            stack.id: template_tree.deployed_templates(self.cloud, stack.region, stack.id)
            for stack in found
            if stack.status != "REVIEW_IN_PROGRESS"  # There is no template yet.
        }
        deployed = removal.Deployed(self.environment.env.owner, desired, found, templates)
        return removal.deletions(deployed, stacks, names.LAYERS)

    def destroy(
        self, deletions: Sequence[Deletion], *, confirmed: Sequence[str], jobs: int
    ) -> None:
        """Show what will be deleted and kept, ask for approval, and delete it."""
        _refuse_none(jobs)
        self.tell.deletions(deletions)
        if not deletions:
            return
        removal.refuse_unconfirmed(deletions, confirmed)
        approver = replace(self._approver, otherwise="--dry-run to only look", everywhere=True)
        if not approver.agrees(f"Delete {report.counted(len(deletions), 'stack')}? [y/N] "):
            raise GuardError("not approved: nothing was deleted")
        stacks = [deletion.stack for deletion in deletions]
        if self.environment.is_local:
            self._empty_buckets(stacks)
        self._through(execute.destroy(deletions, self._run(stacks), jobs=jobs))

    def found(self, needed: Iterable[DesiredStack] = ()) -> tuple[DeployedStack, ...]:
        """Return the environment's stacks: see `stacks`, `refuse_taken` and `owned`."""
        stacks = self.stacks()
        self.refuse_taken(stacks, needed)
        return self.owned(stacks)

    def stacks(self) -> tuple[DeployedStack, ...]:
        """Return every stack of every region in use, foreign ones too; one paged call per region.

        A stack that was never created has the tags of its change sets.
        """
        return tuple(
            self._with_tags(stack)
            for region in self.environment.regions
            for stack in self.cloud.stacks(region)
        )

    def owned(self, stacks: Iterable[DeployedStack]) -> tuple[DeployedStack, ...]:
        """Return those of *stacks* that belong to the environment, dependencies first, then orphans."""
        ranks = {
            (stack.region, stack.name): rank for rank, stack in enumerate(self.environment.desired)
        }
        found = [stack for stack in stacks if self.environment.env.owner.owns(stack)]
        return tuple(
            sorted(found, key=lambda each: ranks.get((each.region, each.name), len(ranks)))
        )

    def refuse_taken(self, stacks: Iterable[DeployedStack], needed: Iterable[DesiredStack]) -> None:
        """Raise one GuardError that names all foreign *stacks* with the name of a needed one."""
        names_ = {(stack.region, stack.name) for stack in needed}
        taken = [stack for stack in stacks if (stack.region, stack.name) in names_]
        if self.environment.is_local:
            hint = "remove it, or delete all data of the emulator: ./inv emulator.reset"
        else:
            hint = "remove it, or choose another prefix in the [env] table"
        refuse_foreign(self.environment.env.owner, taken, hint=hint)

    def _refuse_named(self, stacks: Iterable[DeployedStack], named: Sequence[str]) -> None:
        """Raise one GuardError for all foreign *stacks* that are *named* in full."""
        owner = self.environment.env.owner
        hint = f"name stacks of {owner.env}, or give the environment that has them: --env=ENV"
        refuse_foreign(owner, [stack for stack in stacks if stack.name in named], hint=hint)

    def orphans(self, found: Sequence[DeployedStack]) -> tuple[Orphan, ...]:
        """What is deployed and no longer a layer."""
        return plan.orphans(self.environment.desired, found, self.environment.env.name)

    def show_outputs(self, found: Iterable[DeployedStack], form: report.Format = "table") -> None:
        """Print what stacks give."""
        print(report.outputs(found, form, env=self.environment.env), end="")

    def _come(self, desired: Sequence[DesiredStack], found: Sequence[DeployedStack]) -> set[str]:
        """What deployed stacks waited for, and is there now; asked only of those that wait."""
        return {
            name
            for stack, name in plan.pending_parameters(desired, plan.index(found))
            if self.cloud.parameter(stack.region, name) not in {None, ABSENT}
        }

    def _deployed(
        self, desired: Iterable[DesiredStack], found: Iterable[DeployedStack]
    ) -> dict[str, template_tree.TemplateTree]:
        """Return the deployed templates, with those of nested stacks, by stack name."""
        there = {(stack.region, stack.name) for stack in found if stack.is_complete}
        return {
            each.name: template_tree.deployed_templates(self.cloud, each.region, each.name)
            for each in desired
            if (each.region, each.name) in there
        }

    def _run(self, found: Iterable[DeployedStack], role: str = "") -> execute.Run:
        unreachable_timeout = (
            LOCAL_UNREACHABLE_TIMEOUT if self.environment.is_local else UNREACHABLE_TIMEOUT
        )
        kind = "release" if role else "deploy"  # IAM lets a release use its own change sets only.
        return execute.Run(
            id=f"{kind}-{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}",
            watch=Watch(self.cloud, self._clock, self.timeout * 60.0, unreachable_timeout),
            approve=self._approve,
            known=plan.index(found),
            owner=self.environment.env.owner,
            read=code.read,
            role=role,
            no_execute=self.no_execute,
        )

    def _with_pictures(self, events: Iterator[Event]) -> Iterator[Event]:
        """What somebody does by hand in an account, once, is there at once on this machine."""
        name = self.environment.env.stack_name(pictures.LAYER)
        for event in events:
            yield event
            match event:
                case Finished(stack=stack, found=found, outcome=outcome) if (
                    found and stack == name and outcome is not Outcome.KEPT
                ):
                    urls = pictures.put(self.cloud, found.region, found.outputs[pictures.OUTPUT])
                    yield from (Uploaded(name, url) for url in urls)

    def _through(self, events: Iterator[Event]) -> None:
        """Tell every event; raise Exit with the code of the worst that happened."""
        finished = []
        for event in events:
            self.tell.event(event)
            if isinstance(event, Finished):
                finished.append(event)
        self.tell.summary()
        if code := report.exit_code(finished):
            raise Exit(code=code)

    def _approve(self, what: ChangeSet | Recreate) -> bool:
        return self._approver.agrees(report.question(what))

    @property
    def _approver(self) -> Approver:
        return Approver(
            self.environment,
            self.yes,
            "--no-execute to leave the change sets for review",
            asked=not self.json,  # A question has no place among JSON lines.
            paused=self.tell.paused,
        )

    def _with_tags(self, stack: DeployedStack) -> DeployedStack:
        """Return *stack* with the tags of its change sets if AWS shows none yet; see `Cloud`."""
        never_created = stack.status == "REVIEW_IN_PROGRESS" and not stack.tags
        if never_created and stack.name.startswith(self.environment.prefix):
            return self.cloud.stack(stack.region, stack.id) or stack
        return stack

    def _empty_buckets(self, stacks: Sequence[DeployedStack]) -> None:
        """Empty the buckets of those *stacks* that still belong to this environment."""
        now = [self.cloud.stack(stack.region, stack.id) for stack in stacks]
        owned = [stack for stack in now if stack and self.environment.env.owner.owns(stack)]
        leftovers.empty_buckets(self.cloud, owned)


def _refuse_none(jobs: int) -> None:
    """With no job nothing would ever start, and all would look done."""
    if jobs < 1:
        raise ConfigError(f"--jobs={jobs}: nothing would start", hint="1 or more")


@contextmanager
def begin(
    env: str,
    *,
    json: bool = False,
    yes: bool = False,
    no_execute: bool = False,
    timeout: int = 60,
) -> Iterator[Session]:
    """Open the environment and its account, every guard held, and tell whatever goes wrong.

    Ends the task with the code of a DeployError, and with 130 when interrupted.
    """
    with report.reporter(json=json, stream=sys.stderr, environ=os.environ) as tell:
        try:
            environment = project.environment(env)
            env_ = environment.env
            tell.start(
                env_.name,
                env_.account,
                env_.region,
                emulator=environment.is_local,
                origins=project.origins(environment),
            )
            cloud = project.account(environment)
            yield Session(environment, cloud, tell, yes, no_execute, timeout, json)
        except DeployError as error:
            tell.error(error)
            raise Exit(code=error.code) from error
        except KeyboardInterrupt as interrupt:
            tell.interrupted()
            raise Exit(code=INTERRUPTED) from interrupt


def show_deletions(deletions: Sequence[Deletion], *, json: bool = False) -> None:
    """Print the deletions of a destroy."""
    style = report.style_of(sys.stdout, os.environ)
    shown = (
        report.deletions_json(deletions) if json else report.deletions_text(deletions, style=style)
    )
    print(shown, end="")


def lint(*environments: Environment) -> None:
    """Raise LintError with every finding that nobody has given a reason for."""
    findings = linter.lint(
        [template for each in environments for template in each.templates],
        exemptions=linter.load_exemptions(),
        also=[one for each in environments for one in policy.check(each.templates, each.env)],
        memory=project.ROOT / ".cache" / "lint",
    )
    if findings:
        raise LintError(
            "\n".join(linter.describe(finding) for finding in findings),
            hint=f"mend them, or give the reason in {linter.EXEMPTIONS.name}",
        )
