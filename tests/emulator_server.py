"""One emulator for a whole test run, and an account of it for each test.

A conftest imports the fixtures:

    from tests.emulator_server import aws, endpoint, server  # noqa: F401

All xdist workers share the server; the last worker stops it. Tests do not affect each other, because
each test has its own account.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.loaders import Loader

import emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "ca-central-1"
_CLIENT_CONFIG = Config(
    retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=60, proxies={}
)
_LOADER = Loader()  # Caches the service models: reading the model of EC2 takes 100 ms.
_ENVIRONMENT = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_UNSET_VARIABLES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION")


@dataclass(frozen=True)
class Aws:
    """One account of the emulator, with its clients."""

    endpoint: emulator.Endpoint
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, service: str, region: str = REGION) -> Any:
        """Return the client of *service* in *region*."""
        if (service, region) not in self._clients:
            session = botocore.session.Session()
            session.register_component("data_loader", _LOADER)
            self._clients[service, region] = session.create_client(
                service,
                region_name=region,
                endpoint_url=self.endpoint.url,
                aws_access_key_id=self.endpoint.access_key,
                aws_secret_access_key=self.endpoint.secret_key,
                config=_CLIENT_CONFIG,
            )
        return self._clients[service, region]

    @property
    def cfn(self) -> Any:
        """The CloudFormation client of the home region."""
        return self.client("cloudformation")

    def create_change_set(self, stack: str, template: Any, **options: Any) -> str:
        """Create a change set and return its id; its type is CREATE if the stack does not exist."""
        body = template if isinstance(template, str) else json.dumps(template)
        defaults = {"ChangeSetType": self._change_set_type(stack), "ChangeSetName": "changes"}
        created = self.cfn.create_change_set(
            StackName=stack, TemplateBody=body, **defaults | options
        )
        return str(created["Id"])

    def deploy(self, stack: str, template: Any, **options: Any) -> dict[str, Any]:
        """Create and execute a change set, and return the stack after the operation."""
        options.setdefault("ChangeSetName", f"c{time.monotonic_ns()}")
        self.cfn.execute_change_set(
            ChangeSetName=self.create_change_set(stack, template, **options)
        )
        return self.wait_for_stack(stack)

    def delete(self, stack: str) -> dict[str, Any]:
        """Delete a stack and return it after the operation."""
        stack_id = self.stack(stack)["StackId"]
        self.cfn.delete_stack(StackName=stack)
        return self.wait_for_stack(stack_id)

    def stack(self, stack: str) -> dict[str, Any]:
        """Return the current description of the stack."""
        found: dict[str, Any] = self.cfn.describe_stacks(StackName=stack)["Stacks"][0]
        return found

    def wait_for_stack(self, stack: str, *, seconds: float = 60) -> dict[str, Any]:
        """Return the stack when no operation is in progress."""
        deadline = time.monotonic() + seconds
        while (found := self.stack(stack))["StackStatus"].endswith("_IN_PROGRESS"):
            assert time.monotonic() < deadline, found
            time.sleep(0.01)
        return found

    def outputs(self, stack: str) -> dict[str, str]:
        """Return the stack's outputs by key."""
        outputs = self.stack(stack).get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def events(self, stack: str) -> list[tuple[str, str, str]]:
        """Return the stack's events, oldest first: logical id, status and reason."""
        found = self.cfn.describe_stack_events(StackName=stack)["StackEvents"]
        return [
            (
                event["LogicalResourceId"],
                event["ResourceStatus"],
                event.get("ResourceStatusReason", ""),
            )
            for event in reversed(found)
        ]

    def _change_set_type(self, stack: str) -> str:
        for found in self.cfn.describe_stacks()["Stacks"]:
            if found["StackName"] == stack:
                return "CREATE" if found["StackStatus"] == "REVIEW_IN_PROGRESS" else "UPDATE"
        return "CREATE"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulator.Endpoint]:
    """The shared emulator."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "emulator"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _ENVIRONMENT.items():
            patch.setenv(name, value)
        for name in _UNSET_VARIABLES:
            patch.delenv(name, raising=False)
        _count(folder, 1)
        endpoint = emulator.start(folder)
        emulator.pause_autosave(endpoint)  # Hundreds of accounts would be saved a thousand times.
        yield endpoint
        if _count(folder, -1) == 0:
            emulator.stop(folder)
            json.loads((folder / "state.json").read_text())  # The state was saved at the end.


@pytest.fixture
def endpoint(server: emulator.Endpoint, request: pytest.FixtureRequest) -> emulator.Endpoint:
    """The endpoint of an account that no other test uses."""
    digest = hashlib.sha256(request.node.nodeid.encode()).hexdigest()
    return emulator.as_account(server, f"1{int(digest, 16) % 10**11:011}")


@pytest.fixture
def aws(endpoint: emulator.Endpoint) -> Aws:
    """The account of the test."""
    return Aws(endpoint)


def _count(folder: Path, step: int) -> int:
    """Add *step* to the number of processes that use the server, and return the number."""
    with locked(folder / "users") as file:
        users = int(file.read() or 0) + step
        file.seek(0)
        file.truncate()
        file.write(str(users))
    return users


@contextmanager
def locked(path: Path) -> Iterator[Any]:
    """Open a file for reading and appending while no other process has it open with this function."""
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        yield file
