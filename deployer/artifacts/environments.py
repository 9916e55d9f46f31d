"""Install locked packages into a relocatable virtual environment."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from deployer.artifacts.install import SECONDS, environment, uv
from deployer.errors import BuildError


def create(folder: Path, lock: str, *, python: str, place: str) -> None:
    """Create a virtual environment in *folder* with the packages of *lock*, unless it exists.

    Only wheels are installed, and their hashes are verified. The environment is moved to *folder*
    when it is complete. *place* is the name of the lock in errors. Raise BuildError if a package
    cannot be installed.
    """
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-") as temporary:
        new, requirements = Path(temporary) / "venv", Path(temporary) / "requirements.txt"
        requirements.write_text(lock, encoding="utf-8")
        _uv(place, "venv", "--relocatable", "--no-project", "--python", python, str(new))
        install = ("pip", "install", "--no-deps", "--require-hashes", "--only-binary", ":all:")
        target = ("--python", str(new / "bin" / "python"), "--requirements", str(requirements))
        _uv(place, *install, *target)
        if not folder.exists():  # Another process may have created it meanwhile.
            shutil.move(new, folder)


def _uv(place: str, *arguments: str) -> None:
    """Run uv, first with the cache only, which is faster; raise BuildError if uv fails."""
    if _error_of("--offline", *arguments) and (error := _error_of(*arguments)):
        indented = "\n".join(f"  {line}" for line in error.splitlines())
        hint = "fix the error that uv reports"
        raise BuildError(f"{place}: cannot be installed:\n{indented}", hint=hint)


def _error_of(*arguments: str) -> str:
    """Run uv and return its error message; an empty text if it succeeded."""
    completed = subprocess.run(
        [uv(), *arguments, "--quiet"],
        env={**environment(), "NO_COLOR": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=SECONDS,
    )
    return completed.stderr.strip() or "no message" if completed.returncode else ""
