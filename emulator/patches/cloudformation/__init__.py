"""Patches of CloudFormation."""

from __future__ import annotations

from emulator.patches.differences import NOT_VERIFIED, Difference

DIFFERENCES = (
    Difference(
        "A missing export, a duplicate export and other errors can already fail the change set.",
        source=NOT_VERIFIED,
        ministack="The operation fails, not the change set.",
        consequence="A deployer must handle both cases; the emulator tests only the second one.",
    ),
    Difference(
        "A stack operation does not depend on the machine that started it.",
        source="-",
        ministack="An update that is killed in its cleanup phase is rolled back, although the old "
        "resources no longer exist.",
        consequence="Delete such a stack and deploy it again.",
    ),
)
