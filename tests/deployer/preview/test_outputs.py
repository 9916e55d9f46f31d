"""Changed outputs, with the stacks that import them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deployer.preview.reviewed import ReviewedStack
from deployer.preview.values import OutputChange
from tests.deployer.preview.reviewed_stacks import REGION, compare, resources, stack

VPC = "AWS::EC2::VPC"


def producer(cidr: str = "10.0.0.0/16", *names: str) -> ReviewedStack:
    """Return a stack that exports the VPC under each of *names*."""
    outputs = {name: {"Value": {"Ref": "Vpc"}, "Export": {"Name": f"x-{name}"}} for name in names}
    return stack("a", {**resources(Vpc=(VPC, {"CidrBlock": cidr})), "Outputs": outputs})


def consumer(*names: str) -> ReviewedStack:
    """Return a stack that imports these exports."""
    values: list[Any] = [{"Fn::ImportValue": f"x-{name}"} for name in names]
    return stack("b", resources(Alarm=("AWS::CloudWatch::Alarm", {"AlarmActions": values})))


def outputs(before: list[ReviewedStack], after: list[ReviewedStack]) -> tuple[OutputChange, ...]:
    """Return the changed outputs of the first stack."""
    return compare(before, after).stacks[0].outputs


def test_a_removed_export_in_use_is_refused() -> None:
    """An export in use cannot be removed, even if the same change removes its imports."""
    before = [producer("10.0.0.0/16", "One"), consumer("One")]

    (kept,) = outputs(before, [producer(), consumer("One")])
    (dropped,) = outputs(before, [producer(), consumer()])

    assert (kept.direction, kept.importers, kept.is_refused) == ("removed", ("b",), True)
    assert not kept.is_dropped_by_importers
    assert dropped.is_refused
    assert dropped.is_dropped_by_importers


def test_a_removed_export_without_importers_is_not_refused() -> None:
    """An export that no stack imports can be removed."""
    (found,) = outputs([producer("10.0.0.0/16", "One")], [producer()])

    assert not found.is_refused


def test_a_replaced_resource_changes_its_export() -> None:
    """The export of a replaced resource has another value, although its text is the same."""
    (found,) = outputs(
        [producer("10.0.0.0/16", "One"), consumer("One")],
        [producer("10.1.0.0/16", "One"), consumer("One")],
    )

    assert (found.direction, found.cause, found.is_refused) == ("changed", "Vpc", True)


def test_an_added_output_has_its_new_importers() -> None:
    """The importers of a new output are those after the change."""
    (found,) = outputs([producer(), consumer()], [producer("10.0.0.0/16", "One"), consumer("One")])

    assert (found.direction, found.importers, found.is_refused) == ("added", ("b",), False)


def test_readers_in_another_region_are_not_refused() -> None:
    """A stack of another region has the output as a parameter, which CloudFormation does not check."""
    reader = replace(
        stack("c", resources(), "us-east-1"), parameters={"P": f"{REGION}:crd-x-a.One"}
    )

    (found,) = outputs([producer("10.0.0.0/16", "One"), reader], [producer(), reader])

    assert (found.importers, found.is_refused) == (("c",), False)
