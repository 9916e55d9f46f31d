"""Patches of EC2."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "DescribeVpcs and DescribeSubnets return IPv6 blocks.",
        source="EC2 API reference",
        ministack="Only GetAtt in a template returns them.",
        consequence="Read the outputs of the stack.",
    ),
)
