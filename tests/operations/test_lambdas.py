"""Functions are found by name, and events are read from files or samples."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from deployer.errors import CloudError, ConfigError
from operations import lambdas, project
from tests.fakes import REGION
from tests.operations.fake_account import Account, Client, aws_error


def test_the_output_of_a_function() -> None:
    """The stack and the output follow from the name of the folder."""
    environment = project.environment("local")

    found = {name: lambdas.output_of(environment, name) for name in ("migrate", "thumbnail")}

    assert found == {"migrate": ("users", "Migrate"), "thumbnail": ("avatars", "Thumbnail")}


def test_an_unknown_function() -> None:
    """The hint lists the functions."""
    environment = project.environment("local")

    with pytest.raises(ConfigError, match="--function=x: no such function") as raised:
        lambdas.output_of(environment, "x", "--function=")

    assert raised.value.hint.startswith("one of: ")
    assert "migrate" in raised.value.hint


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A function `x` with two sample events."""
    folder = tmp_path / "lambdas" / "x" / "events"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text('{"is": "a"}')
    (folder / "b.json").write_text('{"is": "b"}')
    monkeypatch.setattr(project, "ROOT", tmp_path)
    monkeypatch.setattr(project, "WORKING_DIRECTORY", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("event", "expected"), [("b", "b"), ("b.json", "b"), ("own.json", "own")])
def test_an_event_is_a_sample_or_a_file(samples: Path, event: str, expected: str) -> None:
    """A sample is named with or without its extension."""
    (samples / "own.json").write_text('{"is": "own"}')

    assert lambdas.read_event("x", event) == {"is": expected}


def test_a_missing_event(samples: Path) -> None:
    """The hint lists the samples."""
    with pytest.raises(ConfigError, match="--event=c: No such file") as raised:
        lambdas.read_event("x", "c")

    assert raised.value.hint == "pass a file, or one of: a, b"


def test_an_event_that_is_not_json(samples: Path) -> None:
    """The error names the flag."""
    (samples / "own.json").write_text("{")

    with pytest.raises(ConfigError, match=r"--event=own\.json: not JSON: "):
        lambdas.read_event("x", "own.json")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("x", "pass a file, or one of: a, b"), ("y", "pass a file: y has no samples")],
)
@pytest.mark.usefixtures("samples")
def test_no_event(name: str, hint: str) -> None:
    """Without an event, nothing is invoked; the hint lists the samples, if there are any."""
    with pytest.raises(ConfigError, match="--event is required") as raised:
        lambdas.read_event(name, "")

    assert raised.value.hint == hint


@pytest.mark.usefixtures("samples")
def test_a_missing_event_of_a_function_without_samples() -> None:
    """A missing file is an error; the hint states that the function has no samples."""
    with pytest.raises(ConfigError, match="--event=c: No such file") as raised:
        lambdas.read_event("y", "c")

    assert raised.value.hint == "pass a file: y has no samples"


class InactiveFunction(Client):
    """A client of Lambda that rejects the first invocation, and counts waits."""

    def __init__(self, error: str, responses: list[object]) -> None:
        super().__init__(invoke=[aws_error(error), *responses])
        self.waits: list[str] = []

    def get_waiter(self, name: str) -> SimpleNamespace:
        """Return a waiter that is recorded and returns at once."""

        def wait(**parameters: str) -> None:
            self.waits.append(f"{name} {parameters['FunctionName']}")

        return SimpleNamespace(wait=wait)


@pytest.fixture
def lambda_client(monkeypatch: pytest.MonkeyPatch) -> Callable[[Client], None]:
    """Replace the client of Lambda."""

    def use(client: Client) -> None:
        monkeypatch.setattr(lambdas, "_client_without_retries", lambda _account, _region: client)

    return use


@pytest.mark.parametrize("code", ["ResourceConflictException", "ResourceNotReadyException"])
def test_an_inactive_function_is_invoked_again(lambda_client, code: str) -> None:
    """After the first call, which an idle function in a VPC rejects, the call is repeated."""
    client = InactiveFunction(code, [{"Payload": BytesIO(b'{"applied": []}')}])
    lambda_client(client)

    result = lambdas.invoke(Account(), REGION, "migrate", {"do": "status"})

    assert result == {"applied": []}
    assert client.waits == ["function_active_v2 migrate"]
    assert [operation for operation, _ in client.calls] == ["invoke", "invoke"]


def test_another_refused_invocation_is_not_repeated(lambda_client) -> None:
    """Another error is raised at once: the function may have run, or the call is not permitted."""
    client = InactiveFunction("ServiceException", [])
    lambda_client(client)

    with pytest.raises(CloudError, match="ServiceException"):
        lambdas.invoke(Account(), REGION, "migrate", {"do": "status"})

    assert client.waits == []
