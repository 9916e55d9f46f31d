"""Patches of ECS."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "An ECS service runs its containers.",
        source="ECS developer guide",
        ministack="RUNNING without a container.",
        consequence="Whether an image starts, and the rollback of one that does not, is not "
        "tested here.",
    ),
)
