"""The registry lists the types of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def test_list_types(aws: Aws) -> None:
    """All pages together have each type once, also those that the emulator cannot create.

    AWS: ListTypes.
    """
    pages = aws.client("cloudformation").get_paginator("list_types").paginate(Visibility="PUBLIC")

    names = [summary["TypeName"] for page in pages for summary in page["TypeSummaries"]]
    assert len(names) == len({*names})
    assert {"AWS::S3::Bucket", "AWS::IoT::Thing"} <= {*names}
