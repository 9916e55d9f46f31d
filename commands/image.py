"""The namespace `image`: the container image of the backend."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import terminal
from commands.framework.connection import connect
from commands.framework.task import task
from operations import image


@task()
def build(_: Context, env: str = "") -> None:
    """Build the image as it runs in production.

    It is built from the current commit, or from the files if they have uncommitted changes. The
    image for the emulator is built without docker.
    """
    terminal.show(image.build(connect(env)))


@task()
def push(_: Context, env: str = "") -> None:
    """Build and push the image; print its digest.

    The tag is the commit. Uncommitted changes and an existing tag are refused, except in the
    emulator, where the tag is a digest of the files.
    """
    terminal.show(image.push(connect(env)))


namespace = Collection(build, push)
