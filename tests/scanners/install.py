"""Install the scanners below .cache/scanners/ on first use, from their locks."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from operations.project import ROOT
from tests.scanners.errors import NotInstalledError

HERE = Path(__file__).parent
CACHE = ROOT / ".cache" / "scanners"


def python(name: str) -> Path:
    """Return the Python with the packages of requirements/*name*.txt.

    Raise NotInstalledError if they cannot be installed.
    """
    lock = HERE / "requirements" / f"{name}.txt"

    def make(folder: Path) -> None:
        uv = [sys.executable, "-m", "uv"]
        _run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder])
        there = ["--python", folder / "bin" / "python"]
        _run([*uv, "pip", "sync", "--quiet", "--require-hashes", *there, lock])

    return _settled(name, f"{sys.version}\n{lock.read_text()}", make) / "bin" / "python"


def node() -> Path:
    """Return the folder with the npm packages of node/package-lock.json.

    Raise NotInstalledError if they cannot be installed.
    """
    files = [HERE / "node" / name for name in ("package.json", "package-lock.json")]

    def make(folder: Path) -> None:
        for each in files:
            shutil.copy(each, folder)
        _run([program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)

    return _settled("node", "".join(each.read_text() for each in files), make)


def program(name: str) -> str:
    """Return the path of the program *name*; raise NotInstalledError if it is not on PATH."""
    if found := shutil.which(name):
        return found
    raise NotInstalledError(f"{name} is not on PATH: it comes with Node.js 20 or newer")


def _settled(name: str, wanted: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of *name*; install it unless it was installed from *wanted*."""
    folder, done = CACHE / name, CACHE / name / "installed.txt"
    with _turn(name):
        if not done.exists() or done.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.write_text(wanted)  # Last: what is half made has none.
    return folder


@contextmanager
def _turn(name: str) -> Iterator[None]:
    """Let one process or thread at a time continue."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(argv: Sequence[str | Path], cwd: Path = ROOT) -> None:
    result = subprocess.run(
        argv, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if result.returncode:
        said = " ".join((result.stderr or result.stdout).split())[-500:]
        raise NotInstalledError(f"{Path(argv[0]).name} could not install it: {said}")
