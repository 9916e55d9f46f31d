"""Forward a local port to a host in the VPC, through a running task of the service.

This is Session Manager's port forwarding to a remote host: the session-manager-plugin connects to
the agent that ECS Exec starts in the container. A complete test is only possible in an AWS account.
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

from deployer.errors import CloudError, ConfigError
from operations import processes

if TYPE_CHECKING:
    from operations.target import Target

PLUGIN = "session-manager-plugin"
DOCUMENT = "AWS-StartPortForwardingSessionToRemoteHost"
START_TIMEOUT_SECONDS = 30.0
# Plugins newer than 1.2.497.0 read the session from this variable. Other users of the machine can
# see arguments, but not variables.
SESSION_VARIABLE = "AWS_SSM_START_SESSION_RESPONSE"
_READY = "Waiting for connections"
_POLL_SECONDS = 0.05


def plugin() -> str:
    """Return the path of AWS's session-manager-plugin; raise ConfigError if it is not on PATH."""
    if path := shutil.which(PLUGIN):
        return path
    raise ConfigError(
        f"{PLUGIN} is not on PATH",
        hint="install it: https://docs.aws.amazon.com/systems-manager/latest/userguide/"
        "session-manager-working-with-install-plugin.html",
    )


@contextmanager
def forwarded_port(target: Target, host: str, port: int) -> Iterator[int]:
    """Forward a local port to *port* of *host* until the context ends; yield the local port."""
    command, local_port = plugin(), _free_port()
    request = {
        "Target": _session_target(target),
        "DocumentName": DOCUMENT,
        "Parameters": {
            "host": [host],
            "portNumber": [str(port)],
            "localPortNumber": [str(local_port)],
        },
    }
    client = target.client("ssm")
    session = client.start_session(**request)
    response = {name: session[name] for name in ("SessionId", "TokenValue", "StreamUrl")}
    arguments = [SESSION_VARIABLE, target.env.region, "StartSession", target.account.profile]
    arguments += [json.dumps(request), client.meta.endpoint_url]
    with _running([command, *arguments], {SESSION_VARIABLE: json.dumps(response)}):
        yield local_port


def _session_target(target: Target) -> str:
    """Return the container of a running task as Session Manager's target: ecs:CLUSTER_TASK_RUNTIME."""
    cluster, service = target.output("cluster", "Name"), target.output("service", "Name")
    client = target.client("ecs")
    tasks = client.list_tasks(cluster=cluster, serviceName=service, desiredStatus="RUNNING")
    if not tasks["taskArns"]:
        hint = f"run ./inv service.start --env={target.env.name}"
        raise CloudError(f"{service}: no task is running", hint=hint)
    [task] = client.describe_tasks(cluster=cluster, tasks=tasks["taskArns"][:1])["tasks"]
    if not task["enableExecuteCommand"]:
        raise ConfigError(
            f"{service}: ECS Exec is disabled for its tasks",
            hint=f"set enable_exec = true in [service] of config/{target.env.name}.toml, then deploy"
            " the stack service",
        )
    runtime_id = _runtime_id(task["containers"], service)
    return f"ecs:{cluster}_{task['taskArn'].rpartition('/')[2]}_{runtime_id}"


def _runtime_id(containers: list[dict[str, Any]], name: str) -> str:
    """Return the runtime id of the container *name*; raise CloudError while it is starting."""
    for container in containers:
        if container["name"] == name and "runtimeId" in container:
            return str(container["runtimeId"])
    raise CloudError(f"{name}: its container is not running yet", hint="try again in a minute")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def _running(command: list[str], variables: dict[str, str]) -> Iterator[None]:
    """Run the plugin in the background, and wait until it accepts connections."""
    with (
        tempfile.TemporaryFile("w+") as output,
        processes.run_in_background(command, variables, output, aws=True) as process,
    ):
        _wait_until_ready(process, output.fileno())
        yield


def _wait_until_ready(process: subprocess.Popen[bytes], output: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while _READY not in (printed := os.pread(output, 65536, 0).decode(errors="replace")):
        if process.poll() is not None or time.monotonic() > deadline:
            raise CloudError(
                f"{PLUGIN}: did not open a connection",
                hint=printed.strip() or "it printed nothing",
            )
        time.sleep(_POLL_SECONDS)
