"""The namespace `image`: the container image of the backend."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import terminal
from commands.framework.connection import connect
from commands.framework.task import task
from operations import build_context, image


@task()
def build(_: Context, env: str = "") -> None:
    """Build the image as it runs in production.

    It is built from the current commit, or from the files if they have uncommitted changes.
    """
    target = connect(env)
    terminal.show(image.build(target, build_context.current_source()))


@task()
def push(_: Context, env: str = "") -> None:
    """Build and push the image; print its digest.

    The tag is the commit. Uncommitted changes and an existing tag are refused.
    """
    source = build_context.current_source()
    image.refuse_dirty(source)
    terminal.show(image.push(connect(env), source))


namespace = Collection(build, push)
