"""The settings of an environment that any stack may use."""

import msgspec
import pytest

from deployer.config.fields import ConflictError
from deployer.model import Env
from deployer.model.env import AcceptedDataLoss
from deployer.ownership import Owner

ENV = Env("cruddur", "crd", "dev", "1" * 12, "ca-central-1", "x.example", "Z1", protect=False)


def test_a_stack_name_has_prefix_and_environment() -> None:
    """The full name is PREFIX-ENV-NAME."""
    assert ENV.stack_name("network") == "crd-dev-network"


def test_the_owner_has_the_prefix_of_all_stacks() -> None:
    """The prefix ends with a hyphen, so that crd-dev2-network does not match."""
    assert Owner("cruddur", "dev", "crd-dev-") == ENV.owner


def test_there_are_no_former_regions_by_default() -> None:
    """The setting is optional."""
    assert ENV.former_regions == ()


def test_a_former_region_is_listed_once() -> None:
    """The same region twice is a mistake."""
    with pytest.raises(ConflictError, match=r"^former_regions: eu-west-1 is listed twice$"):
        msgspec.structs.replace(ENV, former_regions=("eu-west-1", "eu-west-1"))


def test_a_former_region_may_have_stacks_again() -> None:
    """The stacks of another region, such as us-east-1, get the environment with their region."""
    env = msgspec.structs.replace(ENV, former_regions=("us-east-1",))

    assert msgspec.structs.replace(env, region="us-east-1").former_regions == ("us-east-1",)


def test_a_loss_is_accepted_on_a_day_that_exists() -> None:
    """The date of an accepted loss must exist in the calendar."""
    with pytest.raises(ConflictError, match=r"^date: 2026-02-30 does not exist$"):
        AcceptedDataLoss("messages/Table", "removed", "It is a cache.", "2026-02-30")
