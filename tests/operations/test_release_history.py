"""The images that the deployed services have had."""

from __future__ import annotations

from dataclasses import replace

from deployer.aws.cloud import DeployedStack
from operations import release_history
from tests.operations.fake_account import Client
from tests.operations.test_released_image import CHANGED, DIGEST, target

SERVICE = DeployedStack("crd-local-service", "arn:1", "r", "CREATE_COMPLETE", outputs={"A": "1"})


def releases(monkeypatch, *stacks: DeployedStack) -> list[tuple[str, str]]:
    """Return the stack and the command of each release."""
    version = {"Value": DIGEST, "LastModifiedDate": CHANGED, "Version": 1}
    client = Client(get_parameter_history=[{"Parameters": [version]}])
    found = release_history.find(target(monkeypatch, client), stacks)
    return [(release.stack, release.command) for release in found]


def test_each_release_has_the_command_that_repeats_it(monkeypatch) -> None:
    """The command has the digest."""
    environment = target(monkeypatch, Client()).env
    stack = replace(SERVICE, name=environment.stack_name("service"))

    ((name, command),) = releases(monkeypatch, stack)

    assert name == stack.name
    assert command.startswith(f"./inv service.release --image={DIGEST}")


def test_a_service_that_is_not_deployed_has_none(monkeypatch) -> None:
    """Parameter Store is not asked."""
    assert releases(monkeypatch) == []
