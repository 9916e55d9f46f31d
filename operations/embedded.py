"""The embedded AWS as a process: start it, stop it, look at it, point other tools at it."""

from __future__ import annotations

import os
import shlex

from invoke.collection import Collection
from invoke.context import Context

from operations import project
from operations.task import task


@task()
def start(_: Context) -> None:
    """Start it, if it does not run, with what an account has by hand."""
    project.account(project.environment("local"))
    _show_status()


@task()
def stop(_: Context) -> None:
    """Stop it; what it holds is kept for the next start."""
    from deployer import embedded

    stopped = embedded.stop(project.project().embedded)
    print("stopped" if stopped else "it does not run")


@task(help={"yes": "delete without asking for approval"})
def reset(_: Context, yes: bool = False) -> None:
    """Stop the embedded AWS and delete its data: stacks, databases, objects, messages, users."""
    from deployer import embedded
    from deployer.errors import GuardError
    from operations import approval

    folder = project.project().embedded
    now, databases = embedded.status(folder), embedded.databases_bytes(folder)
    print(
        f"{folder}: {now.state_bytes:,} bytes of stacks and services, {now.objects_bytes:,} of"
        f" objects, {databases:,} of databases",
        flush=True,
    )
    holds = now.url or now.state_bytes or now.objects_bytes or databases
    if holds and not yes:
        approval.refuse_unattended("the embedded AWS", "run `./inv embedded.status` to only look")
        if not approval.answered_yes("Delete all of it? [y/N] "):
            raise GuardError("not approved: nothing was deleted")
    embedded.reset(folder)
    print("deleted")


@task()
def status(_: Context) -> None:
    """Where it runs, since when, and how much it holds."""
    _show_status()


@task()
def env(_: Context) -> None:
    """Print exports that point the AWS CLI at it: eval "$(invoke embedded.env)"."""
    from deployer import embedded
    from deployer.environment import start

    local = project.environment("local")
    endpoint = start(local, project.project().embedded, os.environ)
    for name, value in embedded.env(endpoint, region=local.env.region).items():
        print(f"export {name}={shlex.quote(value)}")


def _show_status() -> None:
    from deployer import embedded

    now = embedded.status(project.project().embedded)
    print(f"address  {now.url or 'stopped'}")
    print(f"process  {now.pid or '-'}, since {now.since or '-'}")
    print(f"log      {now.log}")
    print(f"isolates functions by {now.isolation or '-'} (docs/embedded-aws.md)")
    print(f"holds    {now.state_bytes:,} bytes of state, {now.objects_bytes:,} of objects")


namespace = Collection(start, stop, reset, status, env)
