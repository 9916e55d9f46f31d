"""The emulator: a local process that responds like an AWS account, without Docker or a network.

It is MiniStack, an open-source emulator of AWS, with this repository's patches (patches/). `start`
starts the emulator as a separate process, which continues after the caller has ended. All data of
the emulator is in one folder of the checkout. `reset` deletes the data.

    endpoint = start(Path(".emulator"))
    boto3.client("s3", endpoint_url=endpoint.url, aws_access_key_id=endpoint.access_key, …)
"""

from emulator.admin import (
    allow,
    create_prerequisites,
    let_weeks_pass,
    messages,
    outbox_url,
    pause_autosave,
    set_resource_delay,
    set_strict,
    web_identity_token,
)
from emulator.container_packages import package_labels, packages_folder
from emulator.container_shell import run_in_container
from emulator.endpoint import ACCOUNT, AWS_CLI_FOLDER, Endpoint, as_account, environment_variables
from emulator.lifecycle import reset, running, start, stop
from emulator.message import Message
from emulator.prerequisites import Prerequisites
from emulator.server_status import Status, databases_bytes, status

__all__ = [
    "ACCOUNT",
    "AWS_CLI_FOLDER",
    "Endpoint",
    "Message",
    "Prerequisites",
    "Status",
    "allow",
    "as_account",
    "create_prerequisites",
    "databases_bytes",
    "environment_variables",
    "let_weeks_pass",
    "messages",
    "outbox_url",
    "package_labels",
    "packages_folder",
    "pause_autosave",
    "reset",
    "run_in_container",
    "running",
    "set_resource_delay",
    "set_strict",
    "start",
    "status",
    "stop",
    "web_identity_token",
]
