"""Determine the system, architecture and Python version of compiled code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from deployer.artifacts.problems import Problem

# e_machine in the ELF header (System V ABI), by architecture of Lambda.
_MACHINES = {"arm64": 183, "x86_64": 62}
_MAGIC = b"\x7fELF"
_LITTLE_ENDIAN = 1
# Mach-O of macOS: 64 and 32 bits, and several architectures in one file.
_MACH_O = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
# The tags of an extension module, as in _imaging.cpython-313-aarch64-linux-gnu.so.
_TAGS = re.compile(r"\.cpython-(\d)(\d+[a-z]*)-([^/]*)\.so$")
_PLATFORM = "-linux-gnu"


def is_elf(content: bytes) -> bool:
    """Return whether *content* is an ELF file."""
    return content.startswith(_MAGIC)


def machine(content: bytes) -> str:
    """Return the architecture of *content* in Lambda's terms, or its ELF number."""
    number = int.from_bytes(content[18:20], "little" if content[5] == _LITTLE_ENDIAN else "big")
    return next((name for name, known in _MACHINES.items() if known == number), f"ELF {number}")


def mismatches(files: Mapping[str, bytes], python: str, architecture: str) -> Iterator[Problem]:
    """Yield the files that are compiled for another system, architecture or Python version."""
    hint = "run ./inv lock: the lock must have hashes of wheels for the target"
    for path, content in files.items():
        if is_elf(content) and (found := machine(content)) != architecture:
            yield Problem(f"{path}: compiled for {found}, not for {architecture}", hint)
        elif path.endswith(".so") and content.startswith(_MACH_O):
            yield Problem(f"{path}: compiled for macOS, not for Linux", hint)
        elif (tags := _TAGS.search(path)) and not tags[3].endswith(_PLATFORM):
            yield Problem(f"{path}: compiled for {tags[3]}, not for {_PLATFORM[1:]}", hint)
        if (tags := _TAGS.search(path)) and f"{tags[1]}.{tags[2]}" != python:
            version = f"{tags[1]}.{tags[2]}"
            yield Problem(f"{path}: compiled for Python {version}, not for {python}", hint)
