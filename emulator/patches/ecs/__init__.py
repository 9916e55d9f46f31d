"""Patches of ECS."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A container runs any program of its image, as the user of the image or the task definition.",
        source="ECS developer guide",
        ministack="A Python program of an image that `./inv image.push` made, on the Python of this "
        "machine with the packages of its lock, as you. It has no network of its own: its ports are "
        "translated to free ports of the loopback interface, in Python programs only.",
        consequence="The base image, system packages, memory and CPU limits, the architecture and the "
        "read-only root file system are not tested here.",
    ),
    Difference(
        "A non-essential container of another registry, such as the collector, runs in the task.",
        source="ECS developer guide",
        ministack="It is STOPPED. The emulator itself accepts OpenTelemetry data on port 4318 of the "
        "task, and drops it.",
        consequence="The configuration of the collector is not tested here.",
    ),
    Difference(
        "Health checks have the intervals, start periods and grace periods of their definition.",
        source="ECS and ELB API references",
        ministack="Intervals are a sixth as long, start and grace periods a third. Until its first success "
        "a check runs every half second.",
        consequence="A program that needs more than a third of its start period fails here.",
    ),
    Difference(
        "Tasks that fail after they were RUNNING are replaced without delay.",
        source="ECS developer guide, Amazon ECS service throttle logic",
        ministack="After two failures in succession each start is delayed, at most a minute.",
        consequence="Each failure of a deployment takes longer.",
    ),
)
