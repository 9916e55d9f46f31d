"""A checkout with small functions and locally created packages; nothing is downloaded."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.artifacts import Artifact, Code, Target, target
from deployer.artifacts.build import BuiltZip, build

ROOT = Path(__file__).parents[3]
ARM = target("python3.13", "arm64")
HANDLER = "def handler(event, context):\n    return event\n"
ANY = "py3-none-any"
ARM_TAG = "cp313-cp313-manylinux_2_28_aarch64"

# A program that builds functions: the arguments are the folder, the jobs and the names.
BUILD = """
import sys
from pathlib import Path
from tests.deployer.artifacts.checkout import Checkout

root, jobs, *names = sys.argv[1:]
for built in Checkout(Path(root)).build(*names, jobs=int(jobs)):
    print(built.artifact.key, built.sha256, built.cached)
"""


@dataclass(frozen=True)
class Checkout:
    """A folder with lambdas/, packages/ for uv to find, and dist/."""

    root: Path

    @property
    def code(self) -> Code:
        return Code(self.root)

    @property
    def dist(self) -> Path:
        return self.root / "dist"

    def write(self, **files: str | bytes) -> Checkout:
        """Write files by path, such as **{"lambdas/a/handler.py": HANDLER}."""
        for path, content in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def function(self, name: str, source: str = HANDLER, *, lock: str = "") -> Checkout:
        """Add a function with one source, and a lock if given."""
        locked = {f"lambdas/{name}/requirements.txt": lock} if lock else {}
        return self.write(**{f"lambdas/{name}/handler.py": source} | locked)

    def artifact(self, name: str, target: Target = ARM) -> Artifact:
        return self.code.artifact(name, target)

    def build(self, *names: str, target: Target = ARM, jobs: int | None = None) -> list[BuiltZip]:
        wanted = [self.artifact(name, target) for name in names]
        return list(build(self.code, wanted, self.dist, jobs=jobs))

    def wheel(
        self,
        name: str,
        files: Mapping[str | zipfile.ZipInfo, str | bytes],
        *,
        tag: str = ANY,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Create a wheel of version 1.0 in packages/, and return its line of a lock."""
        stem = f"{name.replace('-', '_')}-1.0"
        pure = str(tag == ANY).lower()
        about = {
            "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            "WHEEL": f"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: {pure}\nTag: {tag}\n",
            **(metadata or {}),
        }
        about.setdefault("RECORD", _record({**files, **_about(stem, about)}, stem))
        path = self._packages() / f"{stem}-{tag}.whl"
        with zipfile.ZipFile(path, "w") as packed:
            for file, content in {**files, **_about(stem, about)}.items():
                packed.writestr(file, content)
        return locked(name, path)

    def sdist(self, name: str) -> str:
        """Create a source distribution, which is never built, and return its line of a lock."""
        path = self._packages() / f"{name}-1.0.tar.gz"
        path.write_bytes(b"not even looked into")
        return locked(name, path)

    def _packages(self) -> Path:
        folder = self.root / "packages"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _about(stem: str, about: Mapping[str, str]) -> dict[str, str]:
    return {f"{stem}.dist-info/{name}": text for name, text in about.items()}


def _record(files: Mapping[str | zipfile.ZipInfo, str | bytes], stem: str) -> str:
    """Return the RECORD of a wheel with *files*."""
    lines = []
    for file, content in files.items():
        path = file.filename if isinstance(file, zipfile.ZipInfo) else file
        raw = content.encode() if isinstance(content, str) else content
        digest = base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")
        lines.append(f"{path},sha256={digest},{len(raw)}\n")
    return "".join([*lines, f"{stem}.dist-info/RECORD,,\n"])


def locked(name: str, path: Path) -> str:
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def elf(machine: int) -> bytes:
    """Return the header of a shared object: 64 bits, little-endian; 183 is arm64, 62 x86_64."""
    return b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack("<HH", 3, machine) + bytes(44)


def offline(root: Path) -> dict[str, str]:
    """Return an environment in which uv finds only the packages in *root*, and only this Python."""
    return {
        "UV_OFFLINE": "1",
        "UV_FIND_LINKS": str(root / "packages"),
        "UV_CACHE_DIR": str(root / "cache"),
        "UV_PYTHON_PREFERENCE": "only-managed",
        "UV_PYTHON_INSTALL_DIR": str(root / "pythons"),
    }


def read(path: Path) -> dict[str, bytes]:
    """Return the files of a zip."""
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def age(root: Path, files: Sequence[str], *, year: int = 1979) -> None:
    """Set the times of files to before the earliest time that a zip can contain."""
    seconds = (year - 1970) * 365 * 86400
    for file in files:
        os.utime(root / file, (seconds, seconds))


def run(root: Path, *arguments: str, code: str = BUILD, **more) -> subprocess.CompletedProcess:
    """Build in a separate process."""
    more["env"] = {**os.environ, **offline(root), "PYTHONPATH": str(ROOT), **more.get("env", {})}
    command = [sys.executable, "-c", code, str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def filled(checkout: Checkout) -> Checkout:
    """Two functions: one with a compiled package for arm64, one with only a program."""
    lock = checkout.wheel(
        "quick", {"quick/__init__.py": "", "quick/_fast.abi3.so": elf(183)}, tag=ARM_TAG
    )
    tool = zipfile.ZipInfo("plain/tool")
    tool.external_attr = 0o100755 << 16
    lock += checkout.wheel("plain", {"plain/__init__.py": "x = 'ü'\n" * 500, tool: "#!/bin/sh\n"})
    source = f"import quick, plain\nfrom shared.log import log\n{HANDLER}"
    checkout.function("a", source, lock=lock).function("b")
    checkout.write(**{"lambdas/shared/log.py": "def log(): ...\n", "lambdas/b/tool": "#!/bin/sh\n"})
    (checkout.root / "lambdas/b/tool").chmod(0o755)
    return checkout
