"""Patches of CloudFormation."""

from __future__ import annotations

from emulator.patches.differences import NOT_VERIFIED, Difference

DIFFERENCES = (
    Difference(
        "A missing export, a duplicate export and other errors may fail the change set itself.",
        source=NOT_VERIFIED,
        ministack="The operation fails.",
        consequence="A deployer must handle both; with the emulator only the operation fails.",
    ),
    Difference(
        "An operation continues whatever happens to the machine that started it.",
        source="-",
        ministack="An update that is killed in its cleanup phase is rolled back, although the old "
        "resources no longer exist.",
        consequence="Delete such a stack and deploy it again.",
    ),
)
