"""Install the scanners below .cache/scanners/ on first use, from lock files."""

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
    """Return the Python of a virtual environment with the packages of requirements/*name*.txt.

    Raises NotInstalledError if they cannot be installed.
    """
    lock = HERE / "requirements" / f"{name}.txt"

    def install(folder: Path) -> None:
        uv = [sys.executable, "-m", "uv"]
        _run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder])
        target = ["--python", folder / "bin" / "python"]
        _run([*uv, "pip", "sync", "--quiet", "--require-hashes", *target, lock])

    return _install_once(name, f"{sys.version}\n{lock.read_text()}", install) / "bin" / "python"


def node() -> Path:
    """Return the folder whose node_modules has the npm packages of node/package-lock.json.

    Raises NotInstalledError if they cannot be installed.
    """
    files = [HERE / "node" / name for name in ("package.json", "package-lock.json")]

    def install(folder: Path) -> None:
        for file in files:
            shutil.copy(file, folder)
        _run([program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)

    return _install_once("node", "".join(file.read_text() for file in files), install)


def program(name: str) -> str:
    """Return the path of a program on PATH. Raise NotInstalledError if it is missing."""
    if found := shutil.which(name):
        return found
    raise NotInstalledError(f"{name} is not on PATH: it comes with Node.js 20 or newer")


def _install_once(name: str, lock: str, install: Callable[[Path], None]) -> Path:
    """Return the folder of *name*; install *name* first unless it was installed from *lock*."""
    folder, done = CACHE / name, CACHE / name / "installed.txt"
    with _exclusive(name):
        if not done.exists() or done.read_text() != lock:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            install(folder)
            done.write_text(lock)  # Last: an incomplete installation does not have the file.
    return folder


@contextmanager
def _exclusive(name: str) -> Iterator[None]:
    """Hold a lock, so that only one process or thread installs *name*."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(argv: Sequence[str | Path], cwd: Path = ROOT) -> None:
    result = subprocess.run(
        argv, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if result.returncode:
        output = " ".join((result.stderr or result.stdout).split())[-500:]
        raise NotInstalledError(f"{Path(argv[0]).name} could not install it: {output}")
