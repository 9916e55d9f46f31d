"""Installs the locked requirements of a function for its target, with uv: wheels only, by hash."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from deployer.artifacts import Target, elf, pip_settings
from deployer.artifacts.faults import Fault, told
from deployer.artifacts.sources import LOCK, Sources, names
from deployer.errors import BuildError
from deployer.runtime import PACKAGES, normal

SECONDS = 600  # Given to uv, which gives up by itself long before when a server does not answer.
_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
_AMAZON_LINUX_2023 = 12  # From Python 3.12 on: glibc 2.34. Before it Amazon Linux 2: glibc 2.26.
_NOT_NEEDED = (".pyc", ".pyi", ".pxd")  # At run time.
_NOT_NEEDED_FOLDERS = {"__pycache__", "tests"}
_METADATA = {"METADATA", "entry_points.txt"}  # What importlib.metadata answers from.

_GIVEN = {
    *(
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "LC_ALL",
        "NETRC",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "SSL_CLIENT_CERT",
    ),
    *("XDG_CACHE_HOME", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME"),
    *("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
}
_ASKING = threading.Lock()

_WAYS_OUT = {
    "Wheels are required": "pin a version that has a wheel, or ship the source with include.txt: "
    "nothing is compiled here",
    "Wheels are available": "pin a version that has a wheel for the target",
    "Hash mismatch": "somebody changed what was locked: find out who, then run `./inv lock`",
    "must have a hash": "run `./inv lock`",
    "Failed to fetch": "is the network there? what was installed once comes from uv's cache",
    "No space left": "make room, then run this again",
}


def install(name: str, lock: str, target: Target, folder: Path) -> dict[str, bytes]:
    """The files that *lock* gives *name*, by path in the zip; *folder* is for uv to fill.

    Raises BuildError for what has no wheel, is not what was locked, or cannot be fetched.
    """
    folder.mkdir()
    requirements = folder.with_suffix(".txt")
    requirements.write_text(lock, encoding="utf-8")
    _run(name, target, "--target", str(folder), "--requirements", str(requirements))
    if not target.host and (faults := list(_bare(name, folder))):
        raise told(BuildError, faults)
    return dict(_kept(folder))


def packed(sources: Sources) -> str:
    """What of the lock is installed.

    Without what Lambda's Python has, which is there because something else needs it. If it is
    asked for by name, all of it is packed: boto3 and botocore of two versions do not fit.
    """
    ours = PACKAGES.keys() & set(names(sources.asked))
    return "".join(
        block for name, block in _blocks(sources.lock.decode()) if ours or name not in PACKAGES
    )


def _blocks(lock: str) -> Iterator[tuple[str, str]]:
    """Each requirement of the lock with its hashes: a line and those that are indented."""
    for block in re.split(r"^(?=\S)", lock, flags=re.MULTILINE):
        if found := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", block):
            yield normal(found[0]), block


def _run(name: str, target: Target, *arguments: str) -> None:
    """Have uv install, from its cache if all is there: that takes a third of the time."""
    command = [_uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--link-mode", "hardlink", "--python", sys.executable]
    command += _platform(target)
    command += arguments
    if _said([*command, "--offline"]) and (said := _said(command)):
        raise _refused(name, target, said)


def _uv() -> str:
    """Where uv is. One thread asks at a time: Python 3.11's sysconfig answers None to a second."""
    from uv import find_uv_bin

    with _ASKING:
        return find_uv_bin()


def _said(command: list[str]) -> str:
    """Run uv; what it says if it fails."""
    env = {**_environment(), "NO_COLOR": "1", "COLUMNS": "1000"}  # Its lines are to be searched.
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, encoding="utf-8", check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"Failed to fetch: nothing came in {SECONDS} s"
    return done.stderr.strip() or f"uv gave {done.returncode}" if done.returncode else ""


def _refused(name: str, target: Target, said: str) -> BuildError:
    hint = next((hint for words, hint in _WAYS_OUT.items() if words in said), "see what uv says")
    place = f"lambdas/{name}/{LOCK}"
    indented = "\n".join(f"  {line}" for line in said.splitlines() if line.strip())
    return BuildError(f"{place}: cannot be installed for {target}:\n{indented}", hint=hint)


def _platform(target: Target) -> list[str]:
    if target.host:
        return []
    minor = int(target.python.rpartition(".")[2])
    glibc = "2_34" if minor >= _AMAZON_LINUX_2023 else "2_17"
    machine = _MACHINES[target.architecture]
    return ["--python-version", target.python, "--python-platform", f"{machine}-manylinux_{glibc}"]


def _kept(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in folder.rglob("*"):
        path = file.relative_to(folder)
        if file.is_file() and _needed(path):
            yield path.as_posix(), file.read_bytes()


def _needed(path: Path) -> bool:
    top = path.parts[0]
    if top.endswith(".dist-info"):
        return len(path.parts) == 2 and path.name in _METADATA
    if top == "bin" or top.startswith("."):
        return False
    return not (path.suffix in _NOT_NEEDED or _NOT_NEEDED_FOLDERS & set(path.parts[:-1]))


def _bare(name: str, folder: Path) -> Iterator[Fault]:
    """Packages that say of themselves that they are compiled, and have nothing compiled in them."""
    for wheel in sorted(folder.glob("*.dist-info/WHEEL")):
        if "Root-Is-Purelib: false" in wheel.read_text(encoding="utf-8"):
            record = wheel.with_name("RECORD").read_text(encoding="utf-8").splitlines()
            files = [folder / line.partition(",")[0] for line in record]
            if not any(file.is_file() and elf.is_elf(file.read_bytes()) for file in files):
                package = wheel.parent.name.removesuffix(".dist-info")
                place = f"lambdas/{name}/{LOCK}"
                yield Fault(f"{place}: {package} has no compiled code in it", "pin another version")


def _environment() -> dict[str, str]:
    """Return what uv is given of the user's environment: cache, indexes, proxies, certificates.

    Where pip made .venv, because there is no uv on this machine, its settings are the user's.
    """
    given = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("UV_") or name.upper() in _GIVEN
    }
    return pip_settings.environment(os.environ) | given
