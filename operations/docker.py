"""Run docker, and log it in to the ECR registry of an environment."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from deployer.errors import ConfigError, DeployError, GuardError
from operations import processes

if TYPE_CHECKING:
    from operations.target import Target


def run(*arguments: str, stdin: bytes = b"") -> None:
    """Run docker with *stdin* as its input; redirect its output to standard error.

    Pass secrets by *stdin*: other users of the machine can see arguments. Raise ConfigError if
    docker is not installed, and DeployError if it fails.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise ConfigError(
            "docker is not on PATH", hint="install Docker Engine or a compatible program"
        )
    # With attestations, buildx pushes an image index instead of the image that was scanned.
    environ = processes.environment({"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"})
    completed = subprocess.run(
        [docker, *arguments], input=stdin, check=False, stdout=sys.stderr, env=environ
    )
    if completed.returncode:
        raise DeployError(f"docker {arguments[0]} failed with exit code {completed.returncode}")


def log_in(target: Target) -> str:
    """Log docker in to the registry for twelve hours and return the registry's host name.

    Raise ConfigError for the emulator, to which docker cannot push. Raise GuardError if the
    output of the stack names a registry other than the account's: a release can change the output,
    and docker must not send the password to a registry that the release chose.
    """
    if target.environment.is_local:
        raise ConfigError(
            f"{target.env.name}: docker cannot push to the emulator",
            hint="run ./inv image.push, which needs no docker, or use an account: --env=dev",
        )
    registry = target.output("registry", "Uri").partition("/")[0]
    token = target.client("ecr").get_authorization_token()["authorizationData"][0]
    expected = token["proxyEndpoint"].removeprefix("https://")
    if registry != expected:
        raise GuardError(
            f"stack registry: output Uri: {registry} is not the registry of this account, "
            f"{expected}",
            hint="find out who changed the stack (CloudTrail), then ./inv deploy --stack=registry",
        )
    user, _, password = base64.b64decode(token["authorizationToken"]).partition(b":")
    run("login", "--username", user.decode(), "--password-stdin", registry, stdin=password)
    return registry
