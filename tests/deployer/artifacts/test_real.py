"""The functions of this repository, with packages from PyPI or uv's cache."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deployer import lambda_runtime
from deployer.artifacts import Code, elf, host
from deployer.artifacts.build import BuiltZip, build
from tests.deployer.artifacts.checkout import ARM, read

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]
NAMES = sorted(file.parent.name for file in ROOT.glob("lambdas/*/handler.py"))

DRIVER = """
import sys
sys.path[:0] = sys.argv[1:]
import psycopg
print(psycopg.pq.__impl__, psycopg.__version__ > "3")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, bool], BuiltZip]:
    """Build each function for Lambda and for this machine, with all checks."""
    code, dist = Code(ROOT), tmp_path_factory.mktemp("dist")
    wanted = [code.artifact(name, target) for target in (ARM, host()) for name in NAMES]
    return {
        (zip_.artifact.name, zip_.artifact.target.host): zip_ for zip_ in build(code, wanted, dist)
    }


def test_for_lambda(built: dict[tuple[str, bool], BuiltZip]) -> None:
    """Compiled code is for arm64, and present for each function with a compiled package."""
    machines = {
        name: {
            elf.machine(file) for file in read(built[name, False].path).values() if elf.is_elf(file)
        }
        for name in NAMES
    }

    compiled = {"authorizer", "expire_posts", "migrate", "post_confirmation", "thumbnail"}
    assert {name: {"arm64"} if name in compiled else set() for name in NAMES} == machines


def test_as_packed(built: dict[tuple[str, bool], BuiltZip], tmp_path: Path) -> None:
    """Psycopg finds its compiled module and its metadata in the zip."""
    with zipfile.ZipFile(built["migrate", True].path) as packed:
        packed.extractall(tmp_path / "code")
    lambda_runtime.link(tmp_path / "runtime")
    alone = [sys.executable, "-I", "-S", "-c", DRIVER]

    done = subprocess.run(
        [*alone, tmp_path / "code", tmp_path / "runtime"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("binary True\n", "")
