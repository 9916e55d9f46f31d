"""Patches of ECS."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "An ECS service runs its containers.",
        source="ECS developer guide",
        ministack="A task is RUNNING without a container.",
        consequence="The start of an image, and the rollback after a failed start, are not tested "
        "here.",
    ),
)
