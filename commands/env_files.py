"""The namespace `env`: dotenv files for a local backend and frontend."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context

from commands.framework.connection import connect
from commands.framework.task import task
from operations import env_files


@task(help={"part": "backend or frontend (default: both)"})
def write(_: Context, env: str = "", part: str = "") -> None:
    """Write backend/.env and frontend/.env.local.

    They point a local backend and frontend at the environment, and hold no secrets.
    """
    files = env_files.files_of(part)
    target = connect(env)
    for file in env_files.write(target, files):
        print(f"wrote {file}: {target.env.name}")


namespace = Collection("env", write)
