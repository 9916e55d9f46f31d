"""The namespace `env`: the dotenv file for a local backend."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context

from commands.framework.connection import connect
from commands.framework.task import task
from operations import env_files


@task()
def write(_: Context, env: str = "") -> None:
    """Write backend/.env.

    It points a local backend at the environment, and holds no secrets.
    """
    file = env_files.file()
    target = connect(env)
    env_files.write(target, file)
    print(f"wrote {env_files.FILE}: {target.env.name}")


namespace = Collection("env", write)
