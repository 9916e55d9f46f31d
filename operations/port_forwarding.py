"""A way from this machine to an address inside the network, through a task that runs.

It is what AWS calls port forwarding to a remote host: their session-manager-plugin speaks to the
agent that ECS Exec puts beside the application. Nothing of it can be tried without an account.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from operations import processes

if TYPE_CHECKING:
    from operations.target import Target

PLUGIN = "session-manager-plugin"
DOCUMENT = "AWS-StartPortForwardingSessionToRemoteHost"
PATIENCE_SECONDS = 30.0
RESPONSE = "AWS_SSM_START_SESSION_RESPONSE"
"""The variable in which plugins after 1.2.497.0 find a session: arguments are for all to see."""
_READY = "Waiting for connections"
_PAUSE_SECONDS = 0.05


def plugin() -> str:
    """Where AWS's session-manager-plugin is; raises ConfigError if it is not on PATH."""
    from deployer.errors import ConfigError

    if found := shutil.which(PLUGIN):
        return found
    raise ConfigError(
        f"{PLUGIN} is not on PATH",
        hint="AWS's own: Systems Manager user guide, Install the Session Manager plugin",
    )


@contextmanager
def to(here: Target, host: str, port: int) -> Iterator[int]:
    """A port of this machine that leads to *port* of *host*, as long as the context lasts."""
    command, local = plugin(), _free_port()
    request = {
        "Target": _target(here),
        "DocumentName": DOCUMENT,
        "Parameters": {
            "host": [host],
            "portNumber": [str(port)],
            "localPortNumber": [str(local)],
        },
    }
    client = here.client("ssm")
    session = client.start_session(**request)
    response = {name: session[name] for name in ("SessionId", "TokenValue", "StreamUrl")}
    args = [RESPONSE, here.env.region, "StartSession", here.account.profile, json.dumps(request)]
    with _running([command, *args, client.meta.endpoint_url], {RESPONSE: json.dumps(response)}):
        yield local


def _target(here: Target) -> str:
    """A task of the service, by the name that Session Manager has for its container."""
    from deployer.errors import CloudError, ConfigError

    cluster, service = here.output("cluster", "Name"), here.output("service", "Name")
    client = here.client("ecs")
    tasks = client.list_tasks(cluster=cluster, serviceName=service, desiredStatus="RUNNING")
    if not tasks["taskArns"]:
        hint = f"./inv service.start --env={here.env.name}"
        raise CloudError(f"{service} has no task that runs", hint=hint)
    [task] = client.describe_tasks(cluster=cluster, tasks=tasks["taskArns"][:1])["tasks"]
    if not task["enableExecuteCommand"]:
        raise ConfigError(
            f"{service}: nobody may come in through its tasks",
            hint=f"exec = true in [service] of config/{here.env.name}.toml, and deploy it",
        )
    runtime = _runtime_id(task["containers"], service)
    return f"ecs:{cluster}_{task['taskArn'].rpartition('/')[2]}_{runtime}"


def _runtime_id(containers: list[dict[str, Any]], name: str) -> str:
    """The container that has the agent; raises CloudError while it has none."""
    from deployer.errors import CloudError

    for container in containers:
        if container["name"] == name and "runtimeId" in container:
            return str(container["runtimeId"])
    raise CloudError(f"{name}: its container is not up yet", hint="try again in a minute")


def _free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def _running(command: list[str], secret: dict[str, str]) -> Iterator[None]:
    """The plugin, ready for connections: a Ctrl-C in psql does not end its way."""
    with (
        tempfile.TemporaryFile("w+") as said,
        processes.behind(command, secret, said, aws=True) as process,
    ):
        _wait_until_ready(process, said.fileno())
        yield


def _wait_until_ready(process: subprocess.Popen[bytes], said: int) -> None:
    from deployer.errors import CloudError

    give_up = time.monotonic() + PATIENCE_SECONDS
    while _READY not in (told := os.pread(said, 65536, 0).decode(errors="replace")):
        if process.poll() is not None or time.monotonic() > give_up:
            raise CloudError(f"{PLUGIN}: opened no way in", hint=told.strip() or "it said nothing")
        time.sleep(_PAUSE_SECONDS)
