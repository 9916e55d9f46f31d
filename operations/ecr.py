"""The registry of images."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context

from operations import docker, place, terminal
from operations.task import task


@task()
def login(_: Context, env: str = "") -> None:
    """Sign docker in to the registry, for twelve hours."""
    terminal.show(f"signed in to {docker.sign_in(place.open_(env))}")


namespace = Collection(login)
