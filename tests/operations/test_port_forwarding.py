"""The way through a task, with a session-manager-plugin that only forwards on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from deployer.config.fields import Settings
from deployer.environment import Environment
from deployer.errors import CloudError, ConfigError
from operations import port_forwarding
from operations.target import Target
from tests.operations.answers import ENV, Account, Client, refused

ARN = "arn:aws:ecs:ca-central-1:000000000000:task/crd-x-cluster/0123456789abcdef"
TASK = {
    "taskArn": ARN,
    "enableExecuteCommand": True,
    "containers": [
        {"name": "collector", "runtimeId": "0123456789abcdef-1"},
        {"name": "backend-flask", "runtimeId": "0123456789abcdef-2"},
    ],
}
SESSION = {"SessionId": "s-1", "TokenValue": "secret token", "StreamUrl": "wss://x", "More": "x"}
PLUGIN = f"""#!{sys.executable} -I
import json, os, socket, sys
diary = open(os.environ["DIARY"], "w")
session = json.loads(os.environ[sys.argv[1]])
json.dump({{"arguments": sys.argv[1:], "session": session, "group": os.getpgid(0)}}, diary)
diary.close()
if os.environ.get("BROKEN"):
    sys.exit("Plugin: " + os.environ["BROKEN"])
asked = json.loads(sys.argv[5])["Parameters"]
local = socket.create_server(("127.0.0.1", int(asked["localPortNumber"][0])))
print("Port opened for sessionId s-1.\\nWaiting for connections...\\n", flush=True)
try:
    while True:
        near, _ = local.accept()
        far = socket.create_connection((asked["host"][0], int(asked["portNumber"][0])))
        near.sendall(far.recv(100))
        near.close()
except KeyboardInterrupt:
    open(os.environ["DIARY"] + ".ended", "w").close()
"""


@pytest.fixture
def diary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the plugin, which is on PATH, writes what it was told."""
    plugin = tmp_path / "bin" / "session-manager-plugin"
    plugin.parent.mkdir()
    plugin.write_text(PLUGIN)
    plugin.chmod(0o755)
    monkeypatch.setenv("PATH", str(plugin.parent))
    monkeypatch.setenv("DIARY", str(tmp_path / "diary"))
    return tmp_path / "diary"


@pytest.fixture
def far():
    """A server that greets whoever comes; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with contextlib.suppress(OSError):
                while True:
                    one, _ = server.accept()
                    one.sendall(b"hello")
                    one.close()

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def place(*tasks: dict, **answers: object) -> Target:
    """An environment whose service has these tasks."""
    arns = [task["taskArn"] for task in tasks]
    ecs = Client(list_tasks={"taskArns": arns}, describe_tasks={"tasks": list(tasks)})
    ssm = Client(**{"start_session": SESSION} | answers)
    outputs = {"cluster": {"Name": "crd-x-cluster"}, "service": {"Name": "backend-flask"}}
    account = Account(outputs, {"ecs": ecs, "ssm": ssm})
    return Target(Environment(ENV, (), Path(), Settings()), account)


def test_there_and_back(diary: Path, far: int) -> None:
    """A port of ours leads there; the token is on no command line; it ends as by Ctrl-C."""
    here = place(TASK)

    with port_forwarding.to(here, "127.0.0.1", far) as port:
        with socket.create_connection(("127.0.0.1", port)) as near:
            assert b"hello" == near.recv(100)
        told = json.loads(diary.read_text())

    [(_, asked)] = here.account.clients["ssm"].asked
    assert "ecs:crd-x-cluster_0123456789abcdef_0123456789abcdef-2" == asked["Target"]
    assert "AWS-StartPortForwardingSessionToRemoteHost" == asked["DocumentName"]
    assert asked["Parameters"] == {
        "host": ["127.0.0.1"],
        "portNumber": [str(far)],
        "localPortNumber": [str(port)],
    }
    assert {name: SESSION[name] for name in ("SessionId", "TokenValue", "StreamUrl")} == told[
        "session"
    ]
    assert "ca-central-1" == told["arguments"][1]
    assert "https://ssm.example" == told["arguments"][-1]
    assert "secret token" not in str(told["arguments"])
    assert Path(f"{diary}.ended").exists()


def test_ctrl_c_is_not_the_plugins(diary: Path, far: int) -> None:
    """A terminal sends it to a group of processes: psql's, which is ours, is not the plugin's."""
    with port_forwarding.to(place(TASK), "127.0.0.1", far):
        told = json.loads(diary.read_text())

    assert os.getpgid(0) != told["group"]


@pytest.mark.parametrize(
    ("tasks", "kind", "said"),
    [
        ([], CloudError, "backend-flask has no task that runs"),
        ([TASK | {"enableExecuteCommand": False}], ConfigError, "nobody may come in"),
        ([TASK | {"containers": TASK["containers"][:1]}], CloudError, "is not up yet"),
        ([TASK | {"containers": [{"name": "backend-flask"}]}], CloudError, "is not up yet"),
    ],
    ids=["no task", "exec = false", "no container", "starting"],
)
def test_no_way(diary: Path, tasks, kind, said: str) -> None:
    """It is said why, and nothing is begun."""
    here = place(*tasks)

    with pytest.raises(kind, match=said), port_forwarding.to(here, "db", 5432):
        pass

    assert [] == here.account.clients["ssm"].asked
    assert not diary.exists()


def test_no_plugin(tmp_path: Path, monkeypatch) -> None:
    """Before AWS opens a session that nobody would close."""
    monkeypatch.setenv("PATH", str(tmp_path))
    here = place(TASK)

    with pytest.raises(ConfigError, match="is not on PATH"), port_forwarding.to(here, "db", 5432):
        pass

    assert [] == here.account.clients["ssm"].asked


def test_not_allowed(diary: Path) -> None:
    """What AWS says is told."""
    here = place(TASK, start_session=[refused()])

    with pytest.raises(CloudError, match="AccessDenied"), port_forwarding.to(here, "db", 5432):
        pass


def test_a_plugin_that_fails(diary: Path, monkeypatch) -> None:
    """Its own words are the hint."""
    monkeypatch.setenv("BROKEN", "the agent is too old")

    with pytest.raises(CloudError) as failed, port_forwarding.to(place(TASK), "db", 5432):
        pass

    assert "the agent is too old" in failed.value.hint


def test_a_plugin_that_hangs(diary: Path, monkeypatch) -> None:
    """Nobody waits for ever, and nothing is left running."""
    plugin = diary.parent / "bin" / port_forwarding.PLUGIN
    plugin.write_text(f"#!{sys.executable} -I\nimport signal\nsignal.pause()\n")
    monkeypatch.setattr(port_forwarding, "PATIENCE_SECONDS", 0.3)
    began = time.monotonic()

    with (
        pytest.raises(CloudError, match="opened no way in") as failed,
        port_forwarding.to(place(TASK), "db", 5432),
    ):
        pass

    assert "it said nothing" == failed.value.hint
    assert time.monotonic() - began < 5
