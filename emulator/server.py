"""Run the emulator of one folder in this process, on 127.0.0.1, until it is stopped."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deployer.errors import EmulatorError
from deployer.files import write_atomically
from deployer.isolation import namespaces, sandbox
from emulator import locks, orphaned_objects, postgres, process

if TYPE_CHECKING:
    from emulator.application import Application
    from emulator.paths import EmulatorPaths

_log = logging.getLogger("emulator")
_KEEP_ALIVE_SECONDS = 75
_POLL_SECONDS = 2.0


def serve(paths: EmulatorPaths) -> None:
    """Serve requests until SIGTERM or SIGINT, then save the state and return."""
    namespaces.hide_memory()
    paths.create()
    lock = locks.acquire(paths.server_lock)
    if lock is None:
        hint = f"stop the process that holds the lock {paths.server_lock}"
        raise EmulatorError(f"another process serves {paths.folder}", hint=hint)
    with lock:
        paths.server.unlink(missing_ok=True)
        listener = _listen(paths)
        orphaned_objects.delete(paths)
        port = listener.getsockname()[1]
        os.environ.update(environment(paths, port))
        asyncio.run(_serve(_application(paths, port), paths, listener))
        paths.server.unlink(missing_ok=True)


def environment(paths: EmulatorPaths, port: int) -> dict[str, str]:
    """Return the settings of MiniStack, which are read from the environment at its import.

    MiniStack's persistence is disabled, because state.py replaces it; its S3 still writes each body
    immediately. DOCKER_HOST is a socket that does not exist: otherwise MiniStack would remove
    containers that it identifies as its own.
    """
    return {
        "AUTH": "true",
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "0",
        "STATE_DIR": str(paths.keys),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(paths.objects),
        "DOCKER_HOST": f"unix://{paths.folder}/no-docker",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PGSSLROOTCERT": str(paths.ca),  # For Lambda functions, which inherit the environment.
        "TMPDIR": str(paths.tmp),
        "HOME": str(paths.tmp),
    }


def _application(paths: EmulatorPaths, port: int) -> Application:
    """Import MiniStack, install the patches, and return the application.

    The variables of `environment` must be set before.
    """
    from emulator import (
        allowed_patterns,
        interrupted_operations,
        patches,
        resource_delay,
        template_limits,
    )
    from emulator.access import control, function_credentials, operation_names, secret
    from emulator.application import Application
    from emulator.ministack import asgi, credentials, lookup

    patches.load()
    lookup.check()
    root_secret = secret.read(paths.secret)
    credentials.use_root_secret(root_secret)
    asgi.application.around(control.require_authentication)
    patches.install()
    function_credentials.install(root_secret)
    operation_names.install()
    resource_delay.install()
    template_limits.install()
    allowed_patterns.install()
    interrupted_operations.install()
    postgres.configure(paths)
    return Application(paths, secret=root_secret, port=port)


def _listen(paths: EmulatorPaths) -> socket.socket:
    """Listen on the folder's port; choose a free port at the first start and store it.

    A port in use is an error: stack outputs, the application's environment files and shells
    contain addresses with this port.
    """
    port = int(paths.port.read_text()) if paths.port.exists() else 0
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        message = f"port {port} of the emulator is in use: {error.strerror}"
        hint = f"stop the program that uses it, or delete {paths.port} to get another port"
        raise EmulatorError(message, hint=hint) from None
    paths.port.write_text(f"{listener.getsockname()[1]}\n")
    return listener


async def _serve(application: Application, paths: EmulatorPaths, listener: socket.socket) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    from emulator.request_limits import RequestLimits

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = _KEEP_ALIVE_SECONDS
    config.graceful_timeout = 1.0
    config.errorlog = _log
    await application.autosave.start()
    await asyncio.to_thread(postgres.resume)
    _start_tasks(application, paths, listener.getsockname()[1])
    _write_description(paths, listener)
    _log.info("isolation of functions: %s", sandbox.level())
    watching = loop.create_task(_stop_when_deleted(paths, stopping))
    await hypercorn_serve(RequestLimits(application), config, shutdown_trigger=stopping.wait)  # type: ignore[arg-type]  # hypercorn declares its own ASGI types.
    watching.cancel()
    await asyncio.to_thread(_stop_tasks)
    if paths.server_lock.exists():
        application.autosave.save()
    await asyncio.to_thread(postgres.close)


def _start_tasks(application: Application, paths: EmulatorPaths, port: int) -> None:
    """Start the tasks of the services in the loaded state, then resume the requests to webhooks."""
    from emulator.containers import runtime
    from emulator.patches.sns import subscriptions

    loop = asyncio.get_running_loop()

    def save() -> None:
        loop.call_soon_threadsafe(application.autosave.save_soon)

    runtime.start(paths, port=port, save=save)
    subscriptions.resume()  # A webhook of a task may confirm now.


def _stop_tasks() -> None:
    from emulator.containers import runtime

    runtime.close()


async def _stop_when_deleted(paths: EmulatorPaths, stopping: asyncio.Event) -> None:
    """Stop when the folder is deleted: no client can find the server any more."""
    while paths.server_lock.exists():  # noqa: ASYNC110  No event reports a deleted file.
        await asyncio.sleep(_POLL_SECONDS)
    stopping.set()


def _write_description(paths: EmulatorPaths, listener: socket.socket) -> None:
    description = {
        "pid": os.getpid(),
        "port": listener.getsockname()[1],
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": process.code_digest(),
        "isolation": sandbox.level(),
    }
    write_atomically(paths.server, json.dumps(description))
