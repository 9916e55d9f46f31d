"""The namespace `service`: the ECS services that run the application."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit

from commands.framework import terminal
from commands.framework.connection import connect as connect_to_env
from commands.framework.task import task
from operations import service

_STACK = "the stack of the service: service, or verifier if config has one"
_HELP = {"stack": _STACK}
_IMAGE_HELP = {"image": service.DIGEST_HELP, "stack": _STACK}


@task(help=_IMAGE_HELP)
def release(_: Context, image: str = "", stack: str = "service", env: str = "") -> None:
    """Migrate the database, then deploy an image (also a rollback).

    The image must be in the registry. It is recorded for stack updates: see service.record.
    """
    digest = service.check_digest(image)
    ecs_service = service.find(connect_to_env(env), stack)
    for line in service.release(ecs_service, digest):
        terminal.show(line)


@task(help=_IMAGE_HELP)
def record(_: Context, image: str = "", stack: str = "service", env: str = "") -> None:
    """Record the released image, for stack updates."""
    digest = service.check_digest(image)
    service.record(connect_to_env(env), stack, digest)
    terminal.show(f"recorded {digest}")


@task(help=_HELP)
def restart(_: Context, stack: str = "service", env: str = "") -> None:
    """Replace all tasks without downtime."""
    ecs_service = service.find(connect_to_env(env), stack)
    service.restart(ecs_service)
    terminal.show(f"restarted {ecs_service.name}")


@task(help=_HELP)
def stop(_: Context, stack: str = "service", env: str = "") -> None:
    """Stop all tasks, which cost by the hour.

    Autoscaling is suspended until service.start.
    """
    ecs_service = service.find(connect_to_env(env), stack)
    service.stop(ecs_service)
    terminal.show(f"stopped {ecs_service.name}")


@task(help=_HELP)
def start(_: Context, stack: str = "service", env: str = "") -> None:
    """Start the tasks again, at least one.

    Autoscaling is resumed.
    """
    ecs_service = service.find(connect_to_env(env), stack)
    service.start(ecs_service)
    terminal.show(f"started {ecs_service.name}")


@task(help={**_HELP, "timeout": "minutes until the tasks have to be healthy"})
def verify(_: Context, stack: str = "service", env: str = "", timeout: int = 20) -> None:
    """Wait until the service runs healthy tasks; fail with the reason if not.

    For the stack service, also wait until the application has confirmed its subscription to avatars.
    """
    from operations import service_health

    found = service.find(connect_to_env(env), stack)
    for line in service_health.verify(found, timeout_seconds=timeout * 60):
        terminal.show(line)


@task(help={"stack": _STACK, "command": "the command to run"})
def connect(_: Context, stack: str = "service", env: str = "", command: str = "/bin/bash") -> None:
    """Open a shell in a running task.

    This needs `enable_exec = true` in [service] of the config and, except in the emulator, the
    session-manager-plugin.
    """
    code = service.open_shell(service.find(connect_to_env(env), stack), command)
    if code:
        raise Exit(code=code)


namespace = Collection(connect, record, release, restart, start, stop, verify)
