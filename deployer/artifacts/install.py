"""Install the locked requirements of a function for its target, with uv: wheels only, by hash."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePath, PurePosixPath

from deployer.artifacts import Target, elf, pip_settings
from deployer.artifacts.problems import Problem, combined_error
from deployer.artifacts.sources import LOCK, Sources, decoded, names
from deployer.artifacts.zip_files import Tree
from deployer.errors import BuildError
from deployer.lambda_runtime import PACKAGES, normalize_name

SECONDS = 600  # The limit of uv, which itself ends much earlier if a server does not respond.
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# Nothing else is excluded: some packages import their tests or read their stubs.
_CACHES = "__pycache__"  # Bytecode of the Python that builds; the sources are packed.
_UV_RECORDS = {"INSTALLER", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json"}
_UV_LOCK = ".lock"
_RECORD = "RECORD"
_SCRIPTS = "bin"
_SCRIPT_HEAD_BYTES = 4096  # Bytes that are searched for the interpreter of a script.

_INHERITED = {
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
_FINDING_UV = threading.Lock()

_HINTS = {
    "Wheels are required": "pin a version that has a wheel, or ship the source with include.txt: "
    "nothing is compiled",
    "Wheels are available": "pin a version that has a wheel for the target",
    "Hash mismatch": "a package differs from the lock: find out why, then run ./inv lock",
    "must have a hash": "run ./inv lock",
    "Failed to fetch": "check the network; packages that were installed before are in uv's cache",
    "No space left": "free disk space, then rerun the command",
}


def install(name: str, lock: str, target: Target, folder: Path) -> Tree:
    """Install *lock* into *folder*, and return its files.

    Raise BuildError if a package has no wheel, differs from the lock, or cannot be fetched.
    """
    _run(name, target, lock, folder)
    for owner, paths in _overwritten_files(folder, lock).items():
        alone = folder.with_name(f"only-{owner}")
        _run(
            name,
            target,
            "".join(text for package, text in _blocks(lock) if package == owner),
            alone,
        )
        for path in paths:
            (alone / path).replace(folder / path)
    if not target.host and (problems := list(_missing_compiled_code(name, folder))):
        raise combined_error(BuildError, problems)
    return _packed_files(folder)


def packaged_requirements(sources: Sources) -> str:
    """Return the requirements in the lock that are installed into the zip.

    The packages of Lambda's runtime are omitted, unless requirements.in names one of them: then all
    of them are packed, because boto3 and botocore of different versions are not compatible.
    """
    requested = PACKAGES.keys() & set(names(sources.requirements_in))
    return "".join(
        block for name, block in _blocks(decoded(sources.lock)) if requested or name not in PACKAGES
    )


def _blocks(lock: str) -> Iterator[tuple[str, str]]:
    """Yield each requirement of the lock with its hashes: a line and the indented lines below it."""
    for block in re.split(r"^(?=\S)", lock, flags=re.MULTILINE):
        if match := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", block):
            yield normalize_name(match[0]), block


def _run(name: str, target: Target, lock: str, folder: Path) -> None:
    """Install *lock* into the new *folder* with uv.

    The first attempt uses only the cache of uv, which takes a third of the time if the cache has all
    packages.
    """
    folder.mkdir()
    requirements = folder.with_suffix(".txt")
    requirements.write_text(lock, encoding="utf-8")
    command = [uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--link-mode", "hardlink", "--python", sys.executable]
    command += _platform(target)
    command += ["--target", str(folder), "--requirements", str(requirements)]
    if _error_of([*command, "--offline"]) and (error := _error_of(command)):
        raise _install_error(name, target, error)


def _overwritten_files(folder: Path, lock: str) -> Mapping[str, Sequence[str]]:
    """Return the files that several packages install with different contents.

    They are listed by the package whose file must be packed: the last one in the lock, as with pip.
    uv installs packages concurrently, so the file that is written last differs between builds.
    """
    order = [name for name, _ in _blocks(lock)]
    writers: dict[str, dict[str, str]] = {}
    for record in folder.glob(f"*.dist-info/{_RECORD}"):
        package = normalize_name(record.parent.name.partition("-")[0])
        for path, digest, *_ in _rows(record.read_bytes()):
            writers.setdefault(path, {})[package] = digest
    files: dict[str, list[str]] = {}
    for path, digests in sorted(writers.items()):
        if len(set(digests.values())) > 1:
            files.setdefault(max(digests, key=order.index), []).append(path)
    return files


def uv() -> str:
    """Return the path of uv.

    The search holds a lock, because sysconfig of Python 3.11 is not thread-safe.
    """
    from uv import find_uv_bin

    with _FINDING_UV:
        return find_uv_bin()


def _error_of(command: list[str]) -> str:
    """Run uv, and return its error message; empty if it succeeded."""
    env = {
        **environment(),
        "NO_COLOR": "1",
        "COLUMNS": "1000",
    }  # The message is searched, so it must not wrap.
    try:
        completed = subprocess.run(
            command, env=env, capture_output=True, encoding="utf-8", check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"Failed to fetch: no result within {SECONDS} s"
    return (
        completed.stderr.strip() or f"uv ended with exit code {completed.returncode}"
        if completed.returncode
        else ""
    )


def _install_error(name: str, target: Target, error: str) -> BuildError:
    hint = next(
        (hint for words, hint in _HINTS.items() if words in error), "fix the error that uv reports"
    )
    place = f"lambdas/{name}/{LOCK}"
    indented = "\n".join(f"  {line}" for line in error.splitlines() if line.strip())
    return BuildError(f"{place}: cannot be installed for {target}:\n{indented}", hint=hint)


def _platform(target: Target) -> list[str]:
    if target.host:
        return []
    major, minor = target.glibc
    platform = f"{MACHINES[target.architecture]}-manylinux_{major}_{minor}"
    return ["--python-version", target.python, "--python-platform", platform]


def _packed_files(folder: Path) -> Tree:
    files: dict[str, bytes] = {}
    executable: set[str] = set()
    for file in folder.rglob("*"):
        path = file.relative_to(folder)
        if not file.is_file() or not _is_packaged(path):
            continue
        content = file.read_bytes()
        if path.parts[0] == _SCRIPTS and _is_for_this_python(content):
            continue
        files[path.as_posix()] = content
        if file.stat().st_mode & 0o100:
            executable.add(path.as_posix())
    for record in [name for name in files if _is_record(PurePosixPath(name))]:
        files[record] = _filtered_record(files[record], files)
    return Tree(files, frozenset(executable))


def _is_packaged(path: PurePath) -> bool:
    if _is_metadata(path) and path.name in _UV_RECORDS:
        return False
    return path.as_posix() != _UV_LOCK and _CACHES not in path.parts[:-1]


def _is_metadata(path: PurePath) -> bool:
    return len(path.parts) == 2 and path.parts[0].endswith(".dist-info")


def _is_record(path: PurePath) -> bool:
    return _is_metadata(path) and path.name == _RECORD


def _is_for_this_python(content: bytes) -> bool:
    """Return whether *content* is a script that uv wrote for the Python that runs the build."""
    head = b"".join(content[:_SCRIPT_HEAD_BYTES].splitlines(keepends=True)[:2])
    return head.startswith(b"#!") and os.fsencode(sys.executable) in head


def _filtered_record(record: bytes, files: Collection[str]) -> bytes:
    """Return the lines of RECORD about *files*, in a reproducible order.

    importlib.metadata reads the files of a distribution from RECORD.
    """
    rows = sorted(row for row in _rows(record) if row[0] in files)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _rows(record: bytes) -> list[list[str]]:
    return [row for row in csv.reader(record.decode().splitlines()) if row]


def _missing_compiled_code(name: str, folder: Path) -> Iterator[Problem]:
    """Yield packages that contain no compiled code although their metadata declares it."""
    for wheel in sorted(folder.glob("*.dist-info/WHEEL")):
        if _is_compiled(wheel.read_text(encoding="utf-8")):
            files = [folder / row[0] for row in _rows(wheel.with_name(_RECORD).read_bytes())]
            if not any(file.is_file() and elf.is_elf(file.read_bytes()) for file in files):
                package = wheel.parent.name.removesuffix(".dist-info")
                place = f"lambdas/{name}/{LOCK}"
                yield Problem(
                    f"{place}: {package} contains no compiled code", "pin another version"
                )


def _is_compiled(wheel: str) -> bool:
    """Return whether the metadata in WHEEL declares compiled code: for a platform, not for any."""
    tags = re.findall(r"^Tag: *(.*?) *$", wheel, re.MULTILINE)
    return "Root-Is-Purelib: false" in wheel and not all(tag.endswith("-any") for tag in tags)


def environment() -> dict[str, str]:
    """Return the environment of uv: cache, indexes, proxies and certificates of the user.

    If pip created .venv, because uv is not installed, the settings of pip are added.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("UV_") or name.upper() in _INHERITED
    }
    return pip_settings.environment(os.environ) | inherited
