"""The registry of images."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import terminal
from commands.framework.task import task
from operations import docker, target


@task()
def login(_: Context, env: str = "") -> None:
    """Sign docker in to the registry, for twelve hours."""
    terminal.show(f"signed in to {docker.sign_in(target.connect(env))}")


namespace = Collection(login)
