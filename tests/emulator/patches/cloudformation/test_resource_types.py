"""The registry lists the types of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def listed(aws: Aws, **parameters: str) -> list[str]:
    """Return the names of the types on all pages."""
    paginator = aws.client("cloudformation").get_paginator("list_types")
    pages = paginator.paginate(Visibility="PUBLIC", **parameters)
    return [summary["TypeName"] for page in pages for summary in page["TypeSummaries"]]


def test_list_types(aws: Aws) -> None:
    """All pages together have each type once, also those that the emulator cannot create.

    AWS: ListTypes.
    """
    names = listed(aws)

    assert len(names) == len({*names})
    assert {"AWS::S3::Bucket", "AWS::IoT::Thing"} <= {*names}


def test_provisioning_types(aws: Aws) -> None:
    """Without a provisioning type, only those that can be updated are listed.

    AWS: ListTypes, ProvisioningType.
    """
    examples = {"AWS::S3::Bucket", "AWS::Lambda::Permission", "AWS::CodeBuild::Project"}

    assert examples.intersection(listed(aws)) == {"AWS::S3::Bucket"}
    assert examples.intersection(listed(aws, ProvisioningType="IMMUTABLE")) == {
        "AWS::Lambda::Permission"
    }
    assert examples.intersection(listed(aws, ProvisioningType="NON_PROVISIONABLE")) == {
        "AWS::CodeBuild::Project"
    }
