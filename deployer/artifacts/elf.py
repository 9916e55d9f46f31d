"""Determine the system, architecture and Python version of compiled code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from deployer.artifacts.problems import Problem

# e_machine in the ELF header (System V ABI), by architecture of Lambda.
_MACHINES = {"arm64": 183, "x86_64": 62}
_MAGIC = b"\x7fELF"
_LITTLE_ENDIAN = 1
_HEADER_BYTES = 20  # Up to e_machine.
# Mach-O of macOS: 64 and 32 bits, and several architectures in one file.
_MACH_O = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
# The first bytes of libraries that Linux cannot load, with the reason.
_UNUSABLE = {
    _MAGIC: "is incomplete: it has no ELF header",
    **dict.fromkeys(_MACH_O, "compiled for macOS, not for Linux"),
    b"MZ": "compiled for Windows, not for Linux",
    b"version https://git-lfs": "is a pointer of Git LFS, without the content",
}
# The tags of an extension module, as in _imaging.cpython-313-aarch64-linux-gnu.so.
_TAGS = re.compile(r"\.cpython-(\d)(\d+[a-z]*)-([^/]*)\.so$")
_PLATFORM = "-linux-gnu"
_TAG_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}


def is_elf(content: bytes) -> bool:
    """Return whether *content* is an ELF file."""
    return content.startswith(_MAGIC)


def machine(content: bytes) -> str:
    """Return the architecture of *content*: arm64, x86_64, or ELF with the number of another one."""
    number = int.from_bytes(content[18:20], "little" if content[5] == _LITTLE_ENDIAN else "big")
    return next((name for name, known in _MACHINES.items() if known == number), f"ELF {number}")


def mismatches(files: Mapping[str, bytes], python: str, architecture: str) -> Iterator[Problem]:
    """Yield the files that are compiled for another system, architecture or Python version."""
    hint = "run ./inv lock: the lock must have hashes of wheels for the target"
    for path, content in files.items():
        if defect := _defect(path, content, architecture):
            yield Problem(f"{path}: {defect}", hint)
        if (tags := _TAGS.search(path)) and f"{tags[1]}.{tags[2]}" != python:
            version = f"{tags[1]}.{tags[2]}"
            yield Problem(f"{path}: compiled for Python {version}, not for {python}", hint)


def _defect(path: str, content: bytes, architecture: str) -> str:
    """Return why Lambda cannot load the compiled code in *content*; empty if it can."""
    if is_elf(content) and len(content) >= _HEADER_BYTES:
        found = machine(content)
        if found != architecture:
            return f"compiled for {found}, not for {architecture}"
    elif path.endswith(".so"):
        for start, defect in _UNUSABLE.items():
            if content.startswith(start):
                return defect
    tags = _TAGS.search(path)
    if tags and not tags[3].endswith(_PLATFORM):
        return f"compiled for {tags[3]}, not for {_PLATFORM[1:]}"
    if tags and tags[3] != f"{_TAG_MACHINES[architecture]}{_PLATFORM}":
        return f"has the name of a module for {tags[3]}, which Python for {architecture} ignores"
    return ""
