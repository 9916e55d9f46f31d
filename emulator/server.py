"""Serves one folder's emulator in this process, on 127.0.0.1 only, until it is told to stop."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import json
import logging
import os
import signal
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deployer.errors import EmulatorError
from deployer.isolation import namespaces, sandbox
from emulator import orphaned_objects, postgres, process
from emulator.paths import Folder

if TYPE_CHECKING:
    from emulator.application import Application

_log = logging.getLogger("emulator")
_KEEP_ALIVE_SECONDS = 75
_LOOK_AGAIN_SECONDS = 2.0


def serve(folder: Folder) -> None:
    """Answer until SIGTERM or SIGINT, then save and return."""
    namespaces.hide_memory()
    folder.make()
    lock = _lock(folder)
    folder.server.unlink(missing_ok=True)
    listener = _listen(folder)
    orphaned_objects.drop_unsaved(folder)
    port = listener.getsockname()[1]
    os.environ.update(environment(folder, port))
    asyncio.run(_serve(_application(folder, port), folder, listener))
    folder.server.unlink(missing_ok=True)
    lock.close()


def environment(folder: Folder, port: int) -> dict[str, str]:
    """Return how ministack is told to behave; it reads this when it is imported.

    Its own saving is off (state.py does it), S3 writes bodies as they come. DOCKER_HOST names no
    socket on purpose: ministack would remove containers it takes for its own.
    """
    return {
        "AUTH": "true",
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "0",
        "STATE_DIR": str(folder.keys),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder.objects),
        "DOCKER_HOST": f"unix://{folder.path}/no-docker",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PGSSLROOTCERT": str(folder.ca),  # For the Lambdas, which inherit all this.
        "TMPDIR": str(folder.tmp),
        "HOME": str(folder.tmp),
    }


def _application(folder: Folder, port: int) -> Application:
    """Import the emulator, close its gaps and put our application before it.

    Collecting garbage while 80 modules are made finds none and costs a fifth of the start.
    """
    gc.disable()
    from emulator import (
        allowed_patterns,
        interrupted_operations,
        ministack,
        patches,
        resource_delay,
        template_limits,
    )
    from emulator.access import control, function_credentials, operation_names, secret
    from emulator.application import Application

    known = secret.read(folder.secret)
    ministack.use_root_secret(known)
    ministack.swap(ministack, "ASGI", control.only_authenticated)
    patches.close()
    function_credentials.install(known)
    operation_names.install()
    resource_delay.close()
    template_limits.close()
    allowed_patterns.close()
    interrupted_operations.close()
    postgres.begin(folder)
    gc.freeze()
    gc.enable()
    return Application(folder, secret=known, port=port)


def _lock(folder: Folder) -> Any:
    file = folder.server_lock.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        hint = f"it holds {folder.server_lock}"
        raise EmulatorError(f"another process serves {folder.path}", hint=hint) from None
    return file


def _listen(folder: Folder) -> socket.socket:
    """Listen on the folder's port; on the first start, on a free one that is then remembered.

    A port in use is an error, not a reason to take another: addresses with the port stand in
    stack outputs, in the application's env files and in somebody's shell.
    """
    wanted = int(folder.port.read_text()) if folder.port.exists() else 0
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", wanted))
    except OSError as error:
        message = f"port {wanted} of the emulator is taken: {error.strerror}"
        hint = f"free it, or delete {folder.port} to have another port from now on"
        raise EmulatorError(message, hint=hint) from None
    folder.port.write_text(f"{listener.getsockname()[1]}\n")
    return listener


async def _serve(application: Application, folder: Folder, listener: socket.socket) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    from emulator.request_limits import Limits

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = _KEEP_ALIVE_SECONDS
    config.graceful_timeout = 1.0
    config.errorlog = _log
    await application.saver.load()
    await asyncio.to_thread(postgres.resume)
    _write_down(folder, listener)
    _log.info("functions are isolated by: %s", sandbox.level())
    watching = loop.create_task(_until_gone(folder, stopping))
    await hypercorn_serve(Limits(application), config, shutdown_trigger=stopping.wait)  # type: ignore[arg-type]  # Its ASGI types are its own.
    watching.cancel()
    if folder.server_lock.exists():
        application.saver.save_now()
    await asyncio.to_thread(postgres.end)


async def _until_gone(folder: Folder, stopping: asyncio.Event) -> None:
    """Stop when somebody deletes the folder: it holds all there is, and nobody could find us."""
    while folder.server_lock.exists():  # noqa: ASYNC110  A file tells nobody that it is gone.
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    stopping.set()


def _write_down(folder: Folder, listener: socket.socket) -> None:
    me = {
        "pid": os.getpid(),
        "port": listener.getsockname()[1],
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": process.code(),
        "isolation": sandbox.level(),
    }
    aside = folder.server.with_suffix(".new")
    aside.write_text(json.dumps(me))
    aside.chmod(0o600)
    aside.replace(folder.server)
