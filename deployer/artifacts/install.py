"""Installs the locked requirements of a function for its target, with uv: wheels only, by hash."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from pathlib import Path, PurePath, PurePosixPath

from deployer.artifacts import Target, elf, pip_settings
from deployer.artifacts.faults import Fault, told
from deployer.artifacts.packing import Tree
from deployer.artifacts.sources import LOCK, Sources, names
from deployer.errors import BuildError
from deployer.lambda_runtime import PACKAGES, normal

SECONDS = 600  # Given to uv, which gives up by itself long before when a server does not answer.
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# Nothing else is left out: packages import their tests and read their stubs.
_CACHES = "__pycache__"  # Of the Python that builds; modules that are only compiled are elsewhere.
_LEFT_BY_UV = {"INSTALLER", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json"}
_LOCK_OF_UV = ".lock"
_RECORD = "RECORD"
_SCRIPTS = "bin"
_SCRIPT_HEAD = 4096  # Bytes that are searched for the interpreter of a script.

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


def install(name: str, lock: str, target: Target, folder: Path) -> Tree:
    """Return the files that *lock* gives *name*; *folder* is for uv to fill.

    Raises BuildError for what has no wheel, is not what was locked, or cannot be fetched.
    """
    folder.mkdir()
    requirements = folder.with_suffix(".txt")
    requirements.write_text(lock, encoding="utf-8")
    _run(name, target, "--target", str(folder), "--requirements", str(requirements))
    if not target.host and (faults := list(_bare(name, folder))):
        raise told(BuildError, faults)
    return _kept(folder)


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
    command = [uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--link-mode", "hardlink", "--python", sys.executable]
    command += _platform(target)
    command += arguments
    if _said([*command, "--offline"]) and (said := _said(command)):
        raise _refused(name, target, said)


def uv() -> str:
    """Where uv is. One thread asks at a time: Python 3.11's sysconfig answers None to a second."""
    from uv import find_uv_bin

    with _ASKING:
        return find_uv_bin()


def _said(command: list[str]) -> str:
    """Run uv; what it says if it fails."""
    env = {**environment(), "NO_COLOR": "1", "COLUMNS": "1000"}  # Its lines are searched.
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
    major, minor = target.glibc
    platform = f"{MACHINES[target.architecture]}-manylinux_{major}_{minor}"
    return ["--python-version", target.python, "--python-platform", platform]


def _kept(folder: Path) -> Tree:
    files: dict[str, bytes] = {}
    executable: set[str] = set()
    for file in folder.rglob("*"):
        path = file.relative_to(folder)
        if not file.is_file() or not _needed(path):
            continue
        content = file.read_bytes()
        if path.parts[0] == _SCRIPTS and _is_for_this_python(content):
            continue
        files[path.as_posix()] = content
        if file.stat().st_mode & 0o100:
            executable.add(path.as_posix())
    for record in [name for name in files if _is_record(PurePosixPath(name))]:
        files[record] = _recorded(files[record], files)
    return Tree(files, frozenset(executable))


def _needed(path: PurePath) -> bool:
    if _is_metadata(path) and path.name in _LEFT_BY_UV:
        return False
    return path.as_posix() != _LOCK_OF_UV and _CACHES not in path.parts[:-1]


def _is_metadata(path: PurePath) -> bool:
    return len(path.parts) == 2 and path.parts[0].endswith(".dist-info")


def _is_record(path: PurePath) -> bool:
    return _is_metadata(path) and path.name == _RECORD


def _is_for_this_python(content: bytes) -> bool:
    """Return whether *content* is a script that the installer made for the Python that builds."""
    head = b"".join(content[:_SCRIPT_HEAD].splitlines(keepends=True)[:2])
    return head.startswith(b"#!") and os.fsencode(sys.executable) in head


def _recorded(record: bytes, files: Collection[str]) -> bytes:
    """Return the lines of RECORD about *files*, in an order that is the same on every machine.

    importlib.metadata answers from it which files a distribution has.
    """
    rows = sorted(row for row in _rows(record) if row[0] in files)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _rows(record: bytes) -> list[list[str]]:
    return [row for row in csv.reader(record.decode().splitlines()) if row]


def _bare(name: str, folder: Path) -> Iterator[Fault]:
    """Packages that say of themselves that they are compiled, and have nothing compiled in them."""
    for wheel in sorted(folder.glob("*.dist-info/WHEEL")):
        if "Root-Is-Purelib: false" in wheel.read_text(encoding="utf-8"):
            files = [folder / row[0] for row in _rows(wheel.with_name(_RECORD).read_bytes())]
            if not any(file.is_file() and elf.is_elf(file.read_bytes()) for file in files):
                package = wheel.parent.name.removesuffix(".dist-info")
                place = f"lambdas/{name}/{LOCK}"
                yield Fault(f"{place}: {package} has no compiled code in it", "pin another version")


def environment() -> dict[str, str]:
    """Return the user's variables that uv gets: cache, indexes, proxies, certificates.

    Where pip made .venv, because there is no uv on this machine, uv gets the settings of pip.
    """
    given = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("UV_") or name.upper() in _GIVEN
    }
    return pip_settings.environment(os.environ) | given
