"""Compiled code in a zip: for which machine and which Python it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from deployer.artifacts.faults import Fault

# e_machine of the ELF header (System V ABI), by Lambda's word for it.
_MACHINES = {"arm64": 183, "x86_64": 62}
_MAGIC = b"\x7fELF"
_LITTLE_ENDIAN = 1
_PYTHON = re.compile(r"\.cpython-(\d)(\d+)-[^/]*\.so$")


def is_elf(content: bytes) -> bool:
    """Whether *content* is compiled for Linux."""
    return content.startswith(_MAGIC)


def machine(content: bytes) -> str:
    """Lambda's word for the machine that *content* is compiled for, else its ELF number."""
    number = int.from_bytes(content[18:20], "little" if content[5] == _LITTLE_ENDIAN else "big")
    return next((name for name, known in _MACHINES.items() if known == number), f"ELF {number}")


def misfits(files: Mapping[str, bytes], python: str, architecture: str) -> Iterator[Fault]:
    """Every object of *files* that another machine, or another Python, would load."""
    hint = "a lock with hashes of wheels for the target: run `./inv lock`"
    for path, content in files.items():
        if is_elf(content) and (found := machine(content)) != architecture:
            yield Fault(f"{path}: compiled for {found}, not for {architecture}", hint)
        if (tag := _PYTHON.search(path)) and f"{tag[1]}.{tag[2]}" != python:
            yield Fault(f"{path}: compiled for Python {tag[1]}.{tag[2]}, not for {python}", hint)
