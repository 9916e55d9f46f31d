"""Starting, finding and stopping the emulator."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import emulator
from deployer.errors import EmulatorError
from emulator import process
from emulator.paths import EmulatorPaths
from tests.emulator.damaged_states import DAMAGED_STATES

CHECKOUT = Path(__file__).parents[2]


def port_of(endpoint: emulator.Endpoint) -> int:
    """Return the port of an endpoint."""
    return int(urlsplit(endpoint.url).port or 0)


@pytest.fixture
def folder(tmp_path: Path):
    """A folder for a server of the test's own, which is stopped afterwards."""
    yield tmp_path / ".emulator"
    emulator.stop(tmp_path / ".emulator")


def test_concurrent_starts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Concurrent starts start one server, whose port is kept across stop, reset and restart.

    It listens on loopback only, and neither reads nor writes files outside of its folder.
    """
    home = folder.parent / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    files = {*Path(tempfile.gettempdir()).glob("*ministack*")}
    found: list[emulator.Endpoint] = []

    starts = [threading.Thread(target=lambda: found.append(emulator.start(folder))) for _ in "12"]
    for start in starts:
        start.start()
    for start in starts:
        start.join()

    first, second = found
    assert first == second == emulator.running(folder)
    environment = process.environment(EmulatorPaths(folder))
    assert not {"AWS_PROFILE", "HTTP_PROXY"} & environment.keys()
    assert str(home) not in environment.values()
    assert_only_loopback(port_of(first))
    assert emulator.stop(folder)
    assert not emulator.stop(folder)
    assert emulator.running(folder) is None
    emulator.reset(folder)
    assert first == emulator.start(folder)
    assert list(home.iterdir()) == []
    assert files == {*Path(tempfile.gettempdir()).glob("*ministack*")}


def assert_only_loopback(port: int) -> None:
    """Assert that the port is closed on 127.0.0.2, another address of this machine."""
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.2", port))


def test_port_in_use(folder: Path) -> None:
    """If another program uses the folder's port, the error names the port and its file."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        folder.mkdir()
        (folder / "port").write_text(str(port))

        with pytest.raises(EmulatorError) as failed:
            emulator.start(folder)

    assert f"port {port} of the emulator is in use" in failed.value.message
    assert str(folder / "port") in failed.value.message
    assert str(folder / "server.log") in failed.value.hint


def test_damaged_state(folder: Path) -> None:
    """A damaged state file is an error with a hint, and nothing is changed.

    test_state.py and test_orphaned_objects.py test all kinds of damage, without a process.
    """
    content = DAMAGED_STATES[0]
    state, body = folder / "state.json", folder / "objects" / "000000000000" / "bucket" / "key"
    body.parent.mkdir(parents=True)
    body.write_bytes(b"body")
    state.write_bytes(content)

    with pytest.raises(EmulatorError) as failed:
        emulator.start(folder)

    assert f"{state}: is not a valid state" in failed.value.message
    assert f"mv {folder} {folder}.damaged" in failed.value.message
    assert content == state.read_bytes()
    assert body.read_bytes() == b"body"


def test_stale_server(folder: Path) -> None:
    """The description of a server that has ended is ignored, even if its process id is in use."""
    folder.mkdir()
    (folder / "server.json").write_text(
        f'{{"pid": {os.getpid()}, "port": 1, "token": "x", "since": ""}}'
    )
    (folder / "server.lock").touch()

    assert emulator.running(folder) is None
    assert not emulator.stop(folder)


def test_other_ministack(tmp_path: Path) -> None:
    """With another version of MiniStack the error has the missing name and the pinned version."""
    (tmp_path / "ministack").mkdir()
    (tmp_path / "ministack" / "__init__.py").touch()
    (tmp_path / "ministack" / "app.py").write_text("app = None\n")
    environment = process.environment(EmulatorPaths(tmp_path / "f"))
    environment["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{CHECKOUT}"

    command = [sys.executable, "-m", "emulator", str(tmp_path / "f")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert ran.returncode == 1
    assert "ministack 1.5.33 has no " in ran.stderr
    assert "ministack.app._state_map, " in ran.stderr
    assert "module ministack.services.s3, " in ran.stderr
    assert "pip install ministack==1.5.33" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_changed_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose code differs from the checkout's is restarted."""
    first = emulator.start(folder)
    before = emulator.status(folder).pid
    monkeypatch.setattr(process, "code_digest", lambda: "pulled")

    assert first == emulator.start(folder)
    assert before != emulator.status(folder).pid


def test_deleted_folder(folder: Path) -> None:
    """A server stops by itself when its folder is deleted."""
    endpoint = emulator.start(folder)
    shutil.rmtree(folder)

    deadline = time.monotonic() + 60
    while is_open(port_of(endpoint)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_open(port: int) -> bool:
    """Return whether a process listens on *port*."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_foreground(folder: Path) -> None:
    """A server in the foreground is stopped cleanly by Ctrl-C."""
    command = [sys.executable, "-m", "emulator", str(folder)]
    with (
        (folder.parent / "log").open("wb") as log,
        subprocess.Popen(command, cwd=CHECKOUT, stdout=log, stderr=log) as server,
    ):
        deadline = time.monotonic() + 60
        while emulator.running(folder) is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        server.send_signal(signal.SIGINT)

        assert server.wait(timeout=60) == 0


def test_command_line(server: emulator.Endpoint, tmp_path: Path) -> None:
    """The AWS CLI uses the emulator only, also if the user's profile has another endpoint."""
    (tmp_path / ".aws").mkdir()
    config = "[profile mine]\nendpoint_url = http://127.0.0.1:9\nregion = eu-west-1\n"
    (tmp_path / ".aws" / "config").write_text(config)
    account = emulator.as_account(server, "123456789012")
    user = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_PROFILE": "mine"}

    ran = subprocess.run(
        [Path(sys.executable).with_name("aws"), "sts", "get-caller-identity", "--output", "text"],
        env=user | emulator.environment_variables(account, region="ca-central-1"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert "arn:aws:iam::123456789012:root" in ran.stdout, ran.stderr
