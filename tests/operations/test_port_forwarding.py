"""Port forwarding, with a fake session-manager-plugin that forwards on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from pathlib import Path

import pytest

from deployer.config.fields import Settings
from deployer.environment import Environment
from deployer.errors import CloudError, ConfigError
from operations import port_forwarding
from operations.target import Target
from tests.operations.fake_account import ENV, Account, Client, aws_error
from tests.programs import SHEBANG

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
PLUGIN = f"""{SHEBANG}
import json, os, socket, sys
log = open(os.environ["LOG"], "w")
session = json.loads(os.environ[sys.argv[1]])
json.dump({{"arguments": sys.argv[1:], "session": session, "group": os.getpgid(0)}}, log)
log.close()
if os.environ.get("BROKEN"):
    sys.exit("Plugin: " + os.environ["BROKEN"])
parameters = json.loads(sys.argv[5])["Parameters"]
local = socket.create_server(("127.0.0.1", int(parameters["localPortNumber"][0])))
print("Port opened for sessionId s-1.\\nWaiting for connections...\\n", flush=True)
try:
    while True:
        client, _ = local.accept()
        remote = socket.create_connection(
            (parameters["host"][0], int(parameters["portNumber"][0]))
        )
        client.sendall(remote.recv(100))
        client.close()
except KeyboardInterrupt:
    open(os.environ["LOG"] + ".ended", "w").close()
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the plugin on PATH records its arguments."""
    plugin = tmp_path / "bin" / "session-manager-plugin"
    plugin.parent.mkdir()
    plugin.write_text(PLUGIN)
    plugin.chmod(0o755)
    monkeypatch.setenv("PATH", str(plugin.parent))
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    return tmp_path / "log"


@pytest.fixture
def server_port():
    """The port of a server that sends a greeting to each client."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.sendall(b"hello")
                    connection.close()

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def target_with(*tasks: dict, **answers: object) -> Target:
    """Return an environment whose service has these tasks."""
    arns = [task["taskArn"] for task in tasks]
    ecs = Client(list_tasks={"taskArns": arns}, describe_tasks={"tasks": list(tasks)})
    ssm = Client(**{"start_session": SESSION} | answers)
    outputs = {"cluster": {"Name": "crd-x-cluster"}, "service": {"Name": "backend-flask"}}
    account = Account(outputs, {"ecs": ecs, "ssm": ssm})
    return Target(Environment(ENV, (), Path(), Settings()), account)


def test_a_port_is_forwarded(log: Path, server_port: int) -> None:
    """The local port is forwarded to the server until the plugin is interrupted.

    The token of the session is not an argument of the plugin.
    """
    target = target_with(TASK)

    with port_forwarding.forwarded_port(target, "127.0.0.1", server_port) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert client.recv(100) == b"hello"
        recorded = json.loads(log.read_text())

    [(_, request)] = target.account.clients["ssm"].calls
    assert request["Target"] == "ecs:crd-x-cluster_0123456789abcdef_0123456789abcdef-2"
    assert request["DocumentName"] == "AWS-StartPortForwardingSessionToRemoteHost"
    assert request["Parameters"] == {
        "host": ["127.0.0.1"],
        "portNumber": [str(server_port)],
        "localPortNumber": [str(port)],
    }
    assert {name: SESSION[name] for name in ("SessionId", "TokenValue", "StreamUrl")} == recorded[
        "session"
    ]
    assert recorded["arguments"][1] == "ca-central-1"
    assert recorded["arguments"][-1] == "https://ssm.example"
    assert "secret token" not in str(recorded["arguments"])
    assert Path(f"{log}.ended").exists()


def test_ctrl_c_does_not_reach_the_plugin(log: Path, server_port: int) -> None:
    """Ctrl-C signals the foreground process group of the terminal; the plugin has another group."""
    with port_forwarding.forwarded_port(target_with(TASK), "127.0.0.1", server_port):
        recorded = json.loads(log.read_text())

    assert os.getpgid(0) != recorded["group"]


@pytest.mark.parametrize(
    ("tasks", "kind", "message"),
    [
        ([], CloudError, "backend-flask: no task is running"),
        ([TASK | {"enableExecuteCommand": False}], ConfigError, "ECS Exec is disabled"),
        ([TASK | {"containers": TASK["containers"][:1]}], CloudError, "is not running yet"),
        ([TASK | {"containers": [{"name": "backend-flask"}]}], CloudError, "is not running yet"),
    ],
    ids=["no task", "exec = false", "no container", "starting"],
)
def test_no_usable_task(log: Path, tasks, kind, message: str) -> None:
    """The error gives the reason, and no session is started."""
    target = target_with(*tasks)

    with pytest.raises(kind, match=message), port_forwarding.forwarded_port(target, "db", 5432):
        pass

    assert target.account.clients["ssm"].calls == []
    assert not log.exists()


def test_no_plugin(tmp_path: Path, monkeypatch) -> None:
    """A missing plugin is an error before AWS starts a session."""
    monkeypatch.setenv("PATH", str(tmp_path))
    target = target_with(TASK)

    with (
        pytest.raises(ConfigError, match="is not on PATH"),
        port_forwarding.forwarded_port(target, "db", 5432),
    ):
        pass

    assert target.account.clients["ssm"].calls == []


def test_an_error_of_aws(log: Path) -> None:
    """The error of AWS is raised."""
    target = target_with(TASK, start_session=[aws_error()])

    with (
        pytest.raises(CloudError, match="AccessDenied"),
        port_forwarding.forwarded_port(target, "db", 5432),
    ):
        pass


def test_a_plugin_that_fails(log: Path, monkeypatch) -> None:
    """The output of the plugin is the hint of the error."""
    monkeypatch.setenv("BROKEN", "the agent is too old")

    with (
        pytest.raises(CloudError) as failed,
        port_forwarding.forwarded_port(target_with(TASK), "db", 5432),
    ):
        pass

    assert "the agent is too old" in failed.value.hint


def test_a_plugin_that_hangs(log: Path, monkeypatch) -> None:
    """After the timeout the plugin, which would run without end, is ended."""
    plugin = log.parent / "bin" / port_forwarding.PLUGIN
    plugin.write_text(f"{SHEBANG}\nimport signal\nsignal.pause()\n")
    monkeypatch.setattr(port_forwarding, "START_TIMEOUT_SECONDS", 0.3)

    with (
        pytest.raises(CloudError, match="did not open a connection") as failed,
        port_forwarding.forwarded_port(target_with(TASK), "db", 5432),
    ):
        pass

    assert failed.value.hint == "it printed nothing"
