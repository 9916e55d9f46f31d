"""The zips of the functions: built below dist/ when somebody needs them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from operations import project

if TYPE_CHECKING:
    from deployer.artifacts import Artifact
    from deployer.artifacts.build import Built


def build(artifacts: Iterable[Artifact], *, jobs: int | None = None) -> tuple[Built, ...]:
    """Build and check what is not there yet; raises BuildError with all that is wrong."""
    from deployer.artifacts import Code
    from deployer.artifacts import build as zips

    return zips.build(Code(project.ROOT), artifacts, project.project().dist, jobs=jobs)


def read(artifact: Artifact) -> bytes:
    """The zip of *artifact*, built if need be."""
    (built,) = build([artifact])
    return built.path.read_bytes()
