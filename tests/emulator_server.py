"""One emulator for a whole test run, and clients that talk to an account of their own.

A conftest takes what it needs by name:

    from tests.emulator_server import aws, endpoint, server  # noqa: F401

All xdist workers share the server: starting is idempotent, and the last one out stops it.
Every test has its own account, so tests see nothing of each other.
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
_NO_SURPRISES = Config(
    retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=20, proxies={}
)
_LOADER = Loader()  # Keeps the service models: reading EC2's takes 100 ms.
_OURS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_NOT_OURS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION")


@dataclass(frozen=True)
class Aws:
    """One account of the emulator, through boto3."""

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
                config=_NO_SURPRISES,
            )
        return self._clients[service, region]

    @property
    def cfn(self) -> Any:
        """CloudFormation in the home region."""
        return self.client("cloudformation")

    def propose(self, stack: str, template: Any, **more: Any) -> str:
        """Make a change set and return its id; a stack that is not there is created by it."""
        body = template if isinstance(template, str) else json.dumps(template)
        known = {"ChangeSetType": self._change_set_type(stack), "ChangeSetName": "proposed"}
        made = self.cfn.create_change_set(StackName=stack, TemplateBody=body, **known | more)
        return str(made["Id"])

    def deploy(self, stack: str, template: Any, **more: Any) -> dict[str, Any]:
        """Propose, execute, wait; return the stack as described in the end."""
        more.setdefault("ChangeSetName", f"c{time.monotonic_ns()}")
        self.cfn.execute_change_set(ChangeSetName=self.propose(stack, template, **more))
        return self.settled(stack)

    def delete(self, stack: str) -> dict[str, Any]:
        """Delete a stack and return it as it ends."""
        stack_id = self.stack(stack)["StackId"]
        self.cfn.delete_stack(StackName=stack)
        return self.settled(stack_id)

    def stack(self, stack: str) -> dict[str, Any]:
        """Return the stack as described now."""
        found: dict[str, Any] = self.cfn.describe_stacks(StackName=stack)["Stacks"][0]
        return found

    def settled(self, stack: str, *, seconds: float = 20) -> dict[str, Any]:
        """Wait until no operation runs on the stack."""
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
        """Return the stack's events, oldest first: what, status, reason."""
        found = self.cfn.describe_stack_events(StackName=stack)["StackEvents"]
        return [
            (e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason", ""))
            for e in reversed(found)
        ]

    def _change_set_type(self, stack: str) -> str:
        for found in self.cfn.describe_stacks()["Stacks"]:
            if found["StackName"] == stack:
                return "CREATE" if found["StackStatus"] == "REVIEW_IN_PROGRESS" else "UPDATE"
        return "CREATE"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulator.Endpoint]:
    """The shared emulator, running."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "emulator"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _OURS.items():
            patch.setenv(name, value)
        for name in _NOT_OURS:
            patch.delenv(name, raising=False)
        _count(folder, 1)
        yield emulator.start(folder)
        if _count(folder, -1) == 0:
            emulator.stop(folder)


@pytest.fixture
def endpoint(server: emulator.Endpoint, request: pytest.FixtureRequest) -> emulator.Endpoint:
    """The shared server as an account no other test uses."""
    digest = hashlib.sha256(request.node.nodeid.encode()).hexdigest()
    return emulator.as_account(server, f"1{int(digest, 16) % 10**11:011}")


@pytest.fixture
def aws(endpoint: emulator.Endpoint) -> Aws:
    """The test's own account."""
    return Aws(endpoint)


def _count(folder: Path, step: int) -> int:
    """Change and return how many test processes use the server."""
    with _locked(folder / "users") as file:
        users = int(file.read() or 0) + step
        file.seek(0)
        file.truncate()
        file.write(str(users))
    return users


@contextmanager
def _locked(path: Path) -> Iterator[Any]:
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        yield file
