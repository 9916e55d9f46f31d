"""Runs docker: the one on PATH, signed in to the registry of an environment where that is needed."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from operations import processes

if TYPE_CHECKING:
    from operations.target import Target


def run(*arguments: str, stdin: bytes = b"") -> None:
    """Run docker and show what it says; it reads *stdin*, which no list of processes has.

    What it says is progress, so it goes to stderr. Raises ConfigError where there is no docker,
    DeployError where it fails.
    """
    from deployer.errors import ConfigError, DeployError

    docker = shutil.which("docker")
    if docker is None:
        raise ConfigError(
            "docker is not on PATH", hint="Docker Engine, or another program of that name"
        )
    # Attestations would make an index of an image, and ECS is to run what was scanned.
    environ = processes.environment({"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"})
    ran = subprocess.run(
        [docker, *arguments], input=stdin, check=False, stdout=sys.stderr, env=environ
    )
    if ran.returncode:
        raise DeployError(f"docker {arguments[0]} failed with exit code {ran.returncode}")


def sign_in(here: Target) -> str:
    """Let docker push and pull for twelve hours; the address of the registry.

    Raises ConfigError for the emulator, whose registry has an API but no images, and GuardError
    if the stack names another registry than the one that the password is for.
    """
    from deployer.errors import ConfigError, GuardError

    if here.environment.is_local:
        raise ConfigError(
            f"{here.env.name}: the emulator keeps no images", hint="an account does: --env=dev"
        )
    registry = here.output("registry", "Uri").partition("/")[0]
    token = here.client("ecr").get_authorization_token()["authorizationData"][0]
    issuer = token["proxyEndpoint"].removeprefix("https://")
    if registry != issuer:  # A release chooses what a stack returns, and the password is not its.
        raise GuardError(
            f"stack registry: output Uri: {registry} is not the registry of this account, {issuer}",
            hint="find out who changed the stack (CloudTrail), then ./inv deploy --stack=registry",
        )
    user, _, password = base64.b64decode(token["authorizationToken"]).partition(b":")
    run("login", "--username", user.decode(), "--password-stdin", registry, stdin=password)
    return registry
