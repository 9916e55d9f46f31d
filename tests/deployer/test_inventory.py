"""Finding the stacks of an environment among all stacks of an account."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from deployer.aws.cloud import ChangeSetRequest, DeployedStack
from deployer.config.fields import Settings
from deployer.environment import Environment
from deployer.errors import GuardError
from deployer.inventory import Inventory
from deployer.model import ABSENT, Env
from deployer.model.desired import DesiredStack
from tests.fakes import ACCOUNT, OWNER, REGION, FakeClock, FakeCloud, desired_stack

ENV = Env("cruddur", "crd", "x", ACCOUNT, REGION, "x.example", "Z1", protect=False)
NETWORK, CLUSTER = desired_stack("network"), desired_stack("cluster", needs=["network"])


def stack(name: str, *, owned: bool = True, region: str = REGION, **more: str) -> DeployedStack:
    """Return a deployed stack, with the tags of the environment x if it is *owned*."""
    tags = OWNER.tags(name) if owned else {}
    values = {"status": "CREATE_COMPLETE"} | more
    return DeployedStack(name, f"arn:{region}:{name}", region, tags=tags, **values)


def inventory(
    *stacks: DeployedStack, env: Env = ENV, desired: tuple[DesiredStack, ...] = (NETWORK, CLUSTER)
) -> Inventory:
    """Return the inventory of an account with these stacks."""
    cloud = FakeCloud(FakeClock())
    for deployed in stacks:
        cloud.put(deployed)
    return Inventory(Environment(env, desired, Path(), Settings()), cloud)


def test_all_stacks_of_all_regions_in_use_are_listed() -> None:
    """Stacks of former regions and foreign stacks are listed too."""
    env = msgspec.structs.replace(ENV, former_regions=("us-east-1",))
    stacks = (
        stack("crd-x-network"),
        stack("other", owned=False),
        stack("crd-x-old", region="us-east-1"),
        stack("crd-x-unused", region="eu-west-1"),
    )

    assert stacks[:3] == inventory(*stacks, env=env).all_stacks()


def test_a_stack_in_review_has_the_tags_of_its_change_set() -> None:
    """The tags of a stack in review are those of its change set: AWS shows none before."""
    found = inventory()
    request = ChangeSetRequest(
        name="run-1",
        stack=NETWORK.name,
        region=REGION,
        kind="CREATE",
        text=NETWORK.text,
        tags=OWNER.tags(NETWORK.name),
    )
    found.cloud.create_change_set(request)

    assert [OWNER.tags(NETWORK.name)] == [stack.tags for stack in found.all_stacks()]


def test_own_stacks_are_sorted_by_dependency() -> None:
    """Dependencies are first and orphans last; foreign stacks are left out."""
    found = inventory(
        stack("crd-x-old"),
        stack("crd-x-cluster"),
        stack("crd-x-network"),
        stack("crd-x-foreign", owned=False),
    )

    names = [own.name for own in found.own_stacks()]

    assert names == ["crd-x-network", "crd-x-cluster", "crd-x-old"]


def test_orphans_are_own_stacks_that_are_not_in_the_code() -> None:
    """A stack of the environment without a desired stack is an orphan."""
    found = inventory(stack("crd-x-old"), stack("crd-x-network"))

    assert [orphan.deployed.name for orphan in found.orphans(found.own_stacks())] == ["crd-x-old"]


@pytest.mark.parametrize(
    ("name", "account", "hint"),
    [
        ("x", ACCOUNT, "choose another prefix in the [env] table"),
        ("local", ACCOUNT, "./inv emulator.reset"),
    ],
)
def test_a_foreign_stack_with_a_needed_name_is_refused(name: str, account: str, hint: str) -> None:
    """The hint depends on the environment; a foreign stack with another name is not an error."""
    env = msgspec.structs.replace(ENV, name=name, account=account)
    foreign = stack("crd-x-network", owned=False)
    found = inventory(foreign, stack("crd-x-else", owned=False), env=env)

    with pytest.raises(GuardError, match="crd-x-network") as raised:
        found.refuse_taken_names(found.all_stacks(), [NETWORK])

    assert "crd-x-else" not in raised.value.message
    assert hint in str(raised.value.hint)
    found.refuse_taken_names(found.all_stacks(), [CLUSTER])


def test_selected_foreign_stacks_are_refused() -> None:
    """Only the selected names are checked."""
    found = inventory(stack("crd-x-foreign", owned=False), stack("crd-x-network"))

    found.refuse_foreign_names(found.all_stacks(), ["crd-x-network"])

    with pytest.raises(GuardError, match="crd-x-foreign"):
        found.refuse_foreign_names(found.all_stacks(), ["crd-x-network", "crd-x-foreign"])


def test_templates_of_complete_stacks_are_read() -> None:
    """A stack that is missing or changing has no template to compare."""
    changing = stack("crd-x-cluster", status="UPDATE_IN_PROGRESS")
    found = inventory(stack("crd-x-network"), changing)

    templates = found.templates([NETWORK, CLUSTER], found.own_stacks())

    assert list(templates) == ["crd-x-network"]


@pytest.mark.parametrize(
    ("value", "available"), [(None, set()), (ABSENT, set()), ("i", {"/image"})]
)
def test_parameters_are_available_with_a_value(value: str | None, available: set[str]) -> None:
    """A parameter without a value, or with the value ABSENT, is not available."""
    waiting = replace(NETWORK, awaited_parameters={"Image": "/image"})
    deployed = replace(stack("crd-x-network"), outputs={"Image": ABSENT})
    found = inventory(deployed, desired=(waiting,))
    if value is not None:
        found.cloud.parameters["/image"] = value

    assert available == found.available_parameters([waiting], [deployed])
