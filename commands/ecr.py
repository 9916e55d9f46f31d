"""The namespace `ecr`: the registry of container images."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import terminal
from commands.framework.connection import connect
from commands.framework.task import task
from operations import docker


@task()
def login(_: Context, env: str = "") -> None:
    """Log docker in to the registry for twelve hours."""
    terminal.show(f"logged in to {docker.log_in(connect(env))}")


namespace = Collection(login)
