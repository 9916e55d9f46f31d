"""The namespace `assets`: the default avatar and the banner."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import terminal
from commands.framework.connection import connect
from commands.framework.task import task
from operations import assets


@task()
def publish(_: Context, env: str = "") -> None:
    """Upload the default avatar and the banner if they changed."""
    target = connect(env)
    bucket = target.output(assets.STACK, assets.OUTPUT)
    for url in assets.publish(target.account, target.env.region, bucket):
        terminal.show(f"published {url}")


namespace = Collection(publish)
