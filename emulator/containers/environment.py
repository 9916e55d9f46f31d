"""The environment variables of a container, and the sandbox that it runs in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from emulator.containers.image import Image
from emulator.containers.process import ContainerSandbox
from emulator.ministack import context

# The SDKs must not read any profile.
_NO_PROFILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def sandbox(
    image: Image,
    container: Mapping[str, Any],
    *,
    secrets: Mapping[str, str],
    runtime_variables: Mapping[str, str],
) -> ContainerSandbox:
    """Return the sandbox of *container*, which runs *image*, in the account and region in scope.

    Its variables are those of the image, of the task definition, its *secrets*, and the
    *runtime_variables* of ECS and the emulator; of two with one name, the later one counts. No
    variable of this process is inherited.
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
            **_NO_PROFILES,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
            "AWS_REGION": context.region(),
            **runtime_variables,
        },
        (f"{image.packages_folder}/bin",),
    )


def command(image: Image, container: Mapping[str, Any]) -> list[str]:
    """Return the command of *container*, by default that of the image.

    As in ECS, an entry point in the task definition replaces the command of the image as well.
    """
    entrypoint = container.get("entryPoint") or image.entrypoint
    words = container.get("command") or ([] if container.get("entryPoint") else image.command)
    return [*entrypoint, *words]
