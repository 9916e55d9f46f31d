"""The emulator as a process: start it, stop it, look at it, point other tools at it."""

from __future__ import annotations

import os
import shlex

from invoke.collection import Collection
from invoke.context import Context

from commands.framework.task import task
from operations import project


@task()
def start(_: Context) -> None:
    """Start it, if it does not run, with what an account has by hand."""
    project.account(project.environment("local"))
    _show_status()


@task()
def stop(_: Context) -> None:
    """Stop it; what it holds is kept for the next start."""
    import emulator

    stopped = emulator.stop(project.project().emulator)
    print("stopped" if stopped else "it does not run")


@task(help={"yes": "delete without asking for approval"})
def reset(_: Context, yes: bool = False) -> None:
    """Stop the emulator and delete its data: stacks, databases, objects, messages, users."""
    import emulator
    from deployer import approval
    from deployer.errors import GuardError

    folder = project.project().emulator
    now, databases = emulator.status(folder), emulator.databases_bytes(folder)
    print(
        f"{folder}: {now.state_bytes:,} bytes of stacks and services, {now.objects_bytes:,} of"
        f" objects, {databases:,} of databases",
        flush=True,
    )
    holds = now.url or now.state_bytes or now.objects_bytes or databases
    if holds and not yes:
        approval.refuse_unattended("the emulator", "run `./inv emulator.status` to only look")
        if not approval.answered_yes("Delete all of it? [y/N] "):
            raise GuardError("not approved: nothing was deleted")
    emulator.reset(folder)
    print("deleted")


@task()
def status(_: Context) -> None:
    """Where it runs, since when, and how much it holds."""
    _show_status()


@task()
def env(_: Context) -> None:
    """Print exports that point the AWS CLI at it: eval "$(invoke emulator.env)"."""
    import emulator
    from deployer.environment import start_emulator

    local = project.environment("local")
    endpoint = start_emulator(local, project.project().emulator, os.environ)
    for name, value in emulator.environment_variables(endpoint, region=local.env.region).items():
        print(f"export {name}={shlex.quote(value)}")


def _show_status() -> None:
    import emulator

    now = emulator.status(project.project().emulator)
    print(f"address  {now.url or 'stopped'}")
    print(f"process  {now.pid or '-'}, since {now.since or '-'}")
    print(f"log      {now.log}")
    print(f"isolates functions by {now.isolation or '-'} (docs/emulator.md)")
    print(f"holds    {now.state_bytes:,} bytes of state, {now.objects_bytes:,} of objects")


namespace = Collection(start, stop, reset, status, env)
