"""The limits of a release."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.aws.cloud import DeployedStack
from deployer.errors import CloudError, GuardError
from deployer.model import Env
from deployer.releases import ReleaseLimits
from tests.fakes import ACCOUNT, REGION, desired_stack

ENV = Env("cruddur", "crd", "x", ACCOUNT, REGION, "x.example", "Z1", protect=False)
LIMITS = ReleaseLimits("foundation", "ReleaseRole")
FOUNDATION, PIPELINE = (
    replace(desired_stack(name), is_manual=True) for name in ("foundation", "pipeline")
)
NETWORK = desired_stack("network")


def deployed(name: str, **outputs: str) -> DeployedStack:
    """Return a stack with these outputs."""
    return DeployedStack(name, "arn", REGION, "CREATE_COMPLETE", outputs=outputs)


def test_a_release_skips_manual_stacks() -> None:
    """All other stacks are deployed in their order."""
    assert LIMITS.select((FOUNDATION, NETWORK, PIPELINE), []) == (NETWORK,)
    assert LIMITS.select((FOUNDATION, NETWORK), ["network"]) == (NETWORK,)


@pytest.mark.parametrize("name", ["pipeline", "crd-x-pipeline"])
def test_a_manual_stack_that_is_named_is_refused(name: str) -> None:
    """--stack with a manual stack is refused: a release cannot change its own permissions."""
    with pytest.raises(GuardError, match=r"^crd-x-pipeline: a release cannot") as refused:
        LIMITS.select((FOUNDATION, NETWORK, PIPELINE), [name])

    assert "without --release" in refused.value.hint


def test_the_role_is_an_output_of_its_stack() -> None:
    """The role of a release is an output of the configured stack, not of another one."""
    stacks = [
        deployed("crd-x-network", ReleaseRole="arn:other"),
        deployed("crd-x-foundation", ReleaseRole="arn:role"),
    ]

    assert LIMITS.role(ENV, stacks) == "arn:role"


@pytest.mark.parametrize(
    "stacks", [[], [deployed("crd-x-foundation")], [deployed("crd-x-network", ReleaseRole="arn")]]
)
def test_a_missing_role_is_an_error_with_the_command(stacks: list[DeployedStack]) -> None:
    """The stack is missing, or has no output with the role because its creation failed."""
    with pytest.raises(CloudError, match="crd-x-foundation is not deployed") as raised:
        LIMITS.role(ENV, stacks)

    assert raised.value.hint == "run ./inv deploy --stack=foundation --env=x"
