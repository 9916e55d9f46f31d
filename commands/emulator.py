"""The namespace `emulator`: the local AWS."""

from __future__ import annotations

import sys

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import table
from commands.framework.task import task
from deployer.errors import GuardError
from operations import emulator


@task()
def start(_: Context) -> None:
    """Start the emulator if it is not running."""
    emulator.start()
    _print_status()


@task()
def stop(_: Context) -> None:
    """Stop the emulator and keep its data."""
    stop_emulator()


@task(help={"yes": "delete without asking for approval"})
def reset(_: Context, yes: bool = False) -> None:
    """Stop the emulator and delete all its data.

    The data is stacks, databases, objects, messages and users. Approval is required.
    """
    reset_emulator(yes=yes)


@task()
def status(_: Context) -> None:
    """Print the address, process and data size of the emulator."""
    _print_status()


@task(help={"json": "print the messages as JSON"})
def outbox(_: Context, json: bool = False) -> None:
    """Print the emails and SMS that AWS would have sent, with their codes."""
    found = emulator.outbox()
    print(
        table.text("messages", found.messages, found.COLUMNS, as_json=json, mask=False),
        end="",
    )
    if not json:
        print(f"in a browser: {found.url}")


@task(help={"unset": "print the commands that restore the shell as it was"})
def env(_: Context, unset: bool = False) -> None:
    """Print exports for the AWS CLI: eval "$(./inv emulator.env)"."""
    commands = list(emulator.undo_shell_commands() if unset else emulator.shell_commands())
    if not commands:
        print("nothing to undo: emulator.env was not evaluated in this shell", file=sys.stderr)
    for command in commands:
        print(command)


def stop_emulator() -> None:
    """Stop the emulator, and print whether it was running."""
    print("stopped" if emulator.stop() else "the emulator is not running")


def reset_emulator(*, yes: bool) -> None:
    """Show the data of the emulator, and delete it after approval; *yes* is approval.

    Raise GuardError if approval is denied, or if standard input is not a terminal.
    """
    from deployer import approval

    data = emulator.data()
    print(
        f"{data.folder}: {data.state_bytes:,} bytes of stacks and services,"
        f" {data.objects_bytes:,} of objects, {data.databases_bytes:,} of databases",
        flush=True,
    )
    if not (data.is_empty or yes):
        approval.refuse_unattended("the emulator", "run `./inv emulator.status` to only look")
        if not approval.answered_yes("Delete all of it? [y/N] "):
            raise GuardError("not approved: nothing was deleted")
    emulator.reset()
    print("deleted")


def _print_status() -> None:
    status = emulator.status()
    print(f"address    {status.url or 'stopped'}")
    print(f"process    {status.pid or '-'}, since {status.since or '-'}")
    print(f"log        {status.log}")
    print(f"isolation  {status.isolation or '-'}, of functions (docs/emulator.md)")
    print(f"data       {status.state_bytes:,} bytes of state, {status.objects_bytes:,} of objects")


namespace = Collection(start, stop, reset, status, env, outbox)
