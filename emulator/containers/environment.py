"""The environment variables of a container, and the sandbox that it runs in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from emulator.containers.image import Image
from emulator.containers.process import ContainerSandbox
from emulator.ministack import context

# Files that do not exist: the SDKs must not read any profile.
_NO_FILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def sandbox(
    image: Image,
    container: Mapping[str, Any],
    *,
    secrets: Mapping[str, str],
    given: Mapping[str, str],
) -> ContainerSandbox:
    """Return the sandbox of *container*, which runs *image*, in the account and region in scope.

    Its variables are those of the image, then of the task definition, then its *secrets*, then
    those that ECS and the emulator have *given* it: nothing is inherited from this process.
    """
    defined = {pair["name"]: pair["value"] for pair in container.get("environment", ())}
    return ContainerSandbox(
        image.files(),
        container.get("workingDirectory") or image.folder,
        {
            **image.variables,
            "VIRTUAL_ENV": image.packages_folder,
            **defined,
            **secrets,
            **_NO_FILES,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
            "AWS_REGION": context.region(),
            **given,
        },
        (f"{image.packages_folder}/bin",),
    )


def command(image: Image, container: Mapping[str, Any]) -> list[str]:
    """Return the command of *container*: its own entry point and command, or those of the image."""
    entrypoint = container.get("entryPoint") or image.entrypoint
    words = container.get("command") or ([] if container.get("entryPoint") else image.command)
    return [*entrypoint, *words]
