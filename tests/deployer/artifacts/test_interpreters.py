"""The search for a Python that can import code for a target."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.artifacts import host, interpreters, target
from deployer.artifacts.interpreters import Interpreter
from tests.deployer.artifacts.checkout import ARM

OTHER = "/opt/other/bin/python3.13"


@pytest.fixture(autouse=True)
def _nothing_found_before() -> Iterator[None]:
    interpreters._find.cache_clear()
    yield
    interpreters._find.cache_clear()


@pytest.mark.parametrize(
    ("machine", "suffix", "libc", "expected"),
    [
        ("aarch64", ".cpython-313-aarch64-linux-gnu.so", "glibc 2.34", True),
        ("aarch64", ".cpython-313-aarch64-linux-gnu.so", "glibc 2.41", True),
        ("aarch64", ".cpython-313-aarch64-linux-gnu.so", "glibc 2.31", False),
        ("aarch64", ".cpython-313-aarch64-linux-musl.so", "", False),
        ("aarch64", ".cpython-313t-aarch64-linux-gnu.so", "glibc 2.41", False),
        ("aarch64", ".cpython-312-aarch64-linux-gnu.so", "glibc 2.41", False),
        ("x86_64", ".cpython-313-x86_64-linux-gnu.so", "glibc 2.41", False),
    ],
)
def test_fits(machine: str, suffix: str, libc: str, expected: bool) -> None:
    """Architecture, version, ABI and C library must match those of the packages."""
    assert Interpreter("python", machine, suffix, libc, "/usr").fits(ARM) == expected


def _answers(monkeypatch: pytest.MonkeyPatch, found: str, facts: object) -> list[list[str]]:
    """Make uv find *found* with *facts*; return the list of queries."""
    commands: list[list[str]] = []

    def output(command: list[str]) -> str:
        commands.append(command)
        if command[1] == "python":
            return found
        return json.dumps(facts) if command[0] == OTHER else ""

    monkeypatch.setattr(interpreters, "_output", output)
    monkeypatch.setattr(interpreters.sys, "platform", "linux")
    return commands


FACTS = ["aarch64", ".cpython-313-aarch64-linux-gnu.so", "glibc 2.36", "/opt/other"]


def test_another_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that uv finds is used if it matches; nothing is downloaded."""
    commands = _answers(monkeypatch, f"{OTHER}\n", FACTS)

    assert interpreters.find(ARM) == Interpreter(OTHER, *FACTS)
    uv = next(command for command in commands if command[1] == "python")
    assert uv[-1] == "cpython-3.13-linux-aarch64-gnu"
    assert {"--offline", "--no-python-downloads"} < set(uv)


@pytest.mark.parametrize(
    ("found", "facts"), [("", FACTS), (f"{OTHER}\n", ["x86_64", *FACTS[1:]])], ids=["none", "unfit"]
)
def test_none(monkeypatch: pytest.MonkeyPatch, found: str, facts: object) -> None:
    """Without a match there is no interpreter."""
    _answers(monkeypatch, found, facts)

    assert interpreters.find(ARM) is None


def test_not_on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS there is no interpreter for Lambda, because its packages are for Linux."""
    commands = _answers(monkeypatch, f"{OTHER}\n", FACTS)
    monkeypatch.setattr(interpreters.sys, "platform", "darwin")

    assert (interpreters.find(ARM), commands) == (None, [])


def test_this_one() -> None:
    """The target of this machine uses the running Python."""
    found = interpreters.find(host())

    assert found is not None
    assert Path(found.prefix) == Path(sys.base_prefix)
    assert found.machine == os.uname().machine


def test_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search is made once per target."""
    commands = _answers(monkeypatch, "", FACTS)

    interpreters.find(ARM)
    before = len(commands)
    interpreters.find(target("python3.13", "arm64"))

    assert len(commands) == before
