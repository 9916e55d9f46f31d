"""Determine the architecture and Python version of compiled code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from deployer.artifacts.problems import Problem

# e_machine in the ELF header (System V ABI), by architecture of Lambda.
_MACHINES = {"arm64": 183, "x86_64": 62}
_MAGIC = b"\x7fELF"
_LITTLE_ENDIAN = 1
_PYTHON = re.compile(r"\.cpython-(\d)(\d+)-[^/]*\.so$")


def is_elf(content: bytes) -> bool:
    """Return whether *content* is an ELF file."""
    return content.startswith(_MAGIC)


def machine(content: bytes) -> str:
    """Return the architecture of *content* in Lambda's terms, or its ELF number."""
    number = int.from_bytes(content[18:20], "little" if content[5] == _LITTLE_ENDIAN else "big")
    return next((name for name, known in _MACHINES.items() if known == number), f"ELF {number}")


def mismatches(files: Mapping[str, bytes], python: str, architecture: str) -> Iterator[Problem]:
    """Yield the files that are compiled for another architecture or Python version."""
    hint = "run ./inv lock: the lock must have hashes of wheels for the target"
    for path, content in files.items():
        if is_elf(content) and (found := machine(content)) != architecture:
            yield Problem(f"{path}: compiled for {found}, not for {architecture}", hint)
        if (tag := _PYTHON.search(path)) and f"{tag[1]}.{tag[2]}" != python:
            yield Problem(f"{path}: compiled for Python {tag[1]}.{tag[2]}, not for {python}", hint)
