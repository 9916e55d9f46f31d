"""Open a deployment for a task, and print its results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from invoke.exceptions import Exit

from commands.framework.task import INTERRUPTED
from deployer import report
from deployer.aws.cloud import DeployedStack
from deployer.deployment import Deployment, Options
from deployer.errors import DeployError
from deployer.removal import Deletion
from operations import project
from operations.addresses import addresses
from operations.deployment import hooks
from operations.target import Target


@contextmanager
def open_deployment(
    env: str,
    *,
    json: bool = False,
    yes: bool = False,
    no_execute: bool = False,
    timeout: int = 60,
) -> Iterator[Deployment]:
    """Connect to the account of an environment, and report every error.

    End the task with the exit code of a DeployError, and with 130 after an interrupt. With *json*
    approval is not asked for, because standard error holds only JSON lines.
    """
    with report.reporter(json=json, stream=sys.stderr, environ=os.environ) as reporter:
        try:
            environment = project.environment(env)
            reporter.start(
                environment.env.name,
                environment.env.account,
                environment.env.region,
                emulator=environment.is_local,
                origins=project.origins(environment),
            )
            account = project.account(environment)
            options = Options(yes, no_execute, timeout_minutes=timeout, can_ask=not json)
            yield Deployment(environment, account, reporter, hooks(), options)
        except DeployError as error:
            reporter.error(error)
            raise Exit(code=error.code) from error
        except KeyboardInterrupt as interrupt:
            reporter.interrupted()
            raise Exit(code=INTERRUPTED) from interrupt


def show_plan(plan: report.LivePlan, *, json: bool) -> None:
    """Print a plan."""
    style = report.style_of(sys.stdout, os.environ)
    text = report.live_plan_json(plan) if json else report.live_plan_text(plan, style)
    print(text, end="")


def show_deletions(deletions: Sequence[Deletion], *, json: bool) -> None:
    """Print the deletions of a destroy."""
    style = report.style_of(sys.stdout, os.environ)
    text = (
        report.deletions_json(deletions) if json else report.deletions_text(deletions, style=style)
    )
    print(text, end="")


def show_outputs(
    deployment: Deployment, stacks: Sequence[DeployedStack], form: report.Format
) -> None:
    """Print the outputs of stacks."""
    print(report.outputs(stacks, form, env=deployment.environment.env), end="")


def show_next_steps(
    deployment: Deployment, stacks: Sequence[DeployedStack], *, changed: bool
) -> None:
    """Print the addresses that *stacks* serve and, if a stack was changed, the next commands."""
    target = Target(deployment.environment, deployment.account)
    names = {stack.name.removeprefix(target.environment.prefix) for stack in stacks}
    steps: Sequence[report.ManualStep] = ()
    commands: Sequence[report.NextCommand] = ()
    if changed:  # Otherwise make no more calls to AWS, and save 20 ms for the import.
        from operations import next_commands

        steps = next_commands.local_steps(target, stacks)
        commands = list(next_commands.next_commands(target, steps))
    served_addresses = addresses(target, names, {step.step for step in steps})
    style = report.style_of(sys.stdout, os.environ)
    print(report.next_steps(served_addresses, commands, style=style), end="")
