"""The namespace `avatar`: the avatar of one user."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import terminal
from commands.framework.connection import connect
from commands.framework.task import task
from operations import avatar

_HELP = {"sub": "the user's id in Cognito: see users.list"}


@task(help=_HELP | {"file": "an image: JPEG, PNG or WebP"})
def upload(_: Context, sub: str = "", file: str = "", env: str = "") -> None:
    """Upload the avatar of a user; wait until it is published."""
    image = avatar.image_file(file)
    avatar.refuse_missing_sub(sub)
    terminal.show(avatar.upload(connect(env), sub, image))


@task(help=_HELP)
def delete(_: Context, sub: str = "", env: str = "") -> None:
    """Delete the avatar of a user."""
    avatar.refuse_missing_sub(sub)
    url = avatar.delete(connect(env), sub)
    terminal.show(f"deleted {url}" if url else f"{sub} has no avatar: nothing was deleted")


namespace = Collection(upload, delete)
