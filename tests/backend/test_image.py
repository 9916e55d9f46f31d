"""The image: backend/Dockerfile, its build context and its programs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from cruddur.server import Server
from operations import build_context
from stacks.parts.containers import APPLICATION_USER, STOP_SECONDS

BACKEND = Path(__file__).parents[2] / "backend"
DOCKERFILE = (BACKEND / "Dockerfile").read_text()


def instructions(name: str) -> list[str]:
    """Return the values of the instructions *name*, each on one line."""
    lines = DOCKERFILE.replace("\\\n", " ").splitlines()
    return [re.sub(r"\s+", " ", line.partition(" ")[2]) for line in lines if line.startswith(name)]


def test_hadolint_finds_nothing():
    """The Dockerfile follows the rules of hadolint, without a network or docker."""
    hadolint = Path(sys.executable).with_name("hadolint")

    found = subprocess.run(
        [hadolint, BACKEND / "Dockerfile"], capture_output=True, text=True, check=False
    )

    assert (found.stdout, found.returncode) == ("", 0)


def test_the_base_image_has_a_digest():
    """All stages are based on one image, which is pinned by its digest."""
    first, *others = [value.split()[0] for value in instructions("FROM")]

    assert re.fullmatch(
        r"public\.ecr\.aws/docker/library/python:3\.13-slim@sha256:[0-9a-f]{64}", first
    )
    assert set(others) == {"base"}


def test_the_program_does_not_run_as_root():
    """The user is the one in the task definition: a number, because a name must exist in the image."""
    assert instructions("USER") == [APPLICATION_USER]


def test_the_exposed_port_is_the_default_port():
    """EXPOSE has the default port of the server."""
    assert instructions("EXPOSE") == [str(Server.port)]


def test_packages_are_installed_by_hash():
    """Every package is a wheel whose hash is in the lock."""
    [install] = [run for run in instructions("RUN") if " install " in run]

    assert {"--require-hashes", "--no-deps", "--only-binary"} <= {*install.split()}


def test_commands_are_not_run_by_a_shell():
    """Commands are lists of arguments, because a shell would not forward SIGTERM."""
    assert json.loads(instructions("CMD")[-1]) == ["gunicorn", "--config", "gunicorn.conf.py"]


def test_compose_runs_the_image_like_a_task():
    """Compose has the build contexts, the stop timeout and the restrictions of the task."""
    [(_, service)] = yaml.safe_load((BACKEND / "compose.yaml").read_text())["services"].items()
    contexts = {name: f"../{path}" for name, path in build_context.CONTEXTS.items()}

    assert service["build"] == {"context": ".", "additional_contexts": contexts}
    assert service["stop_grace_period"] == f"{STOP_SECONDS}s"
    assert (service["init"], service["read_only"]) == (True, True)


def test_the_build_context_has_only_what_the_image_copies():
    """A file such as .env is never sent to docker."""
    lines = (BACKEND / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    copied = [
        value.split()[0]
        for value in instructions("COPY")
        if not value.startswith("--from") and value != "requirements.txt /build/"
    ]

    assert patterns[0] == "*"
    assert sorted(patterns[1:]) == sorted(
        [*(f"!{name}" for name in [*copied, "requirements.txt"]), "**/__pycache__"]
    )
