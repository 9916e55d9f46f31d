"""Zips that are used again, and the files that an interrupted build leaves."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.artifacts import build as build_module
from deployer.artifacts import zip_cache, zip_files
from deployer.artifacts.build import build
from deployer.errors import BuildError
from tests.deployer.artifacts.checkout import (
    BUILD,
    HANDLER,
    ROOT,
    Checkout,
    filled,
    offline,
    read,
    run,
)

pytestmark = pytest.mark.thorough


def test_unchanged(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unchanged functions are neither installed, nor compressed, nor read again."""
    filled(checkout)
    first = checkout.build("a", "b")
    wanted = [checkout.artifact("a"), checkout.artifact("b")]
    for module, name in ((build_module, "install"), (zip_files, "add"), (build_module, "_sources")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("worked in vain"))

    second = build(checkout.code, wanted, checkout.dist)

    assert [built.cached for built in first] == [False, False]
    assert [built.cached for built in second] == [True, True]
    assert [built.sha256 for built in first] == [built.sha256 for built in second]


def test_one_line_changed(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """If only sources changed, packages are not compressed again."""
    filled(checkout).build("a")
    deflated, add = [], zip_files.add
    monkeypatch.setattr(
        zip_files, "add", lambda tree, to: deflated.extend(tree.files) or add(tree, to)
    )
    monkeypatch.setattr(build_module, "install", lambda *_: pytest.fail("installed in vain"))
    handler = checkout.root / "lambdas/a/handler.py"

    handler.write_text(handler.read_text() + "# changed\n")
    (changed,) = checkout.build("a")

    assert set(deflated) == {"a/handler.py", "shared/log.py"}
    assert {"quick/_fast.abi3.so", "a/handler.py"} < read(changed.path).keys()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _no_zip(path: Path) -> None:
    path.unlink()


def _no_record(path: Path) -> None:
    path.with_suffix(".json").unlink()


def _damaged_record(path: Path) -> None:
    path.with_suffix(".json").write_text("{")


def _wrong_record(path: Path) -> None:
    path.with_suffix(".json").write_text('{"sha": 1}')


@pytest.mark.parametrize(
    "damage", [_cut, _flip, _no_zip, _no_record, _damaged_record, _wrong_record]
)
def test_damaged(checkout: Checkout, damage: Callable[[Path], None]) -> None:
    """A damaged zip is built again, with the same bytes."""
    filled(checkout)
    (built,) = checkout.build("a")
    before = built.path.read_bytes()

    damage(built.path)
    (again,) = checkout.build("a")

    assert not again.cached
    assert before == again.path.read_bytes()
    assert checkout.build("a")[0].cached


KILLED = """
import os, sys
from pathlib import Path
from deployer.artifacts import zip_files
from tests.deployer.artifacts.checkout import Checkout

def add(files, to):
    to.write(b"half")
    to.flush()
    os.kill(os.getpid(), 9)

zip_files.add = add
Checkout(Path(sys.argv[1])).build("b")
"""


def test_damaged_packages(checkout: Checkout) -> None:
    """A damaged zip of packages is built again."""
    filled(checkout)
    (built,) = checkout.build("a")
    before = built.path.read_bytes()
    (packages,) = built.path.parent.glob("packages-*.zip")

    _flip(packages)
    built.path.unlink()
    (again,) = checkout.build("a")

    assert before == again.path.read_bytes()


def test_killed(checkout: Checkout) -> None:
    """A killed build leaves no zip under its final name; the next build removes the drafts."""
    filled(checkout)

    killed = run(checkout.root, code=KILLED)
    left = [file.parent.name[:6] for file in checkout.dist.rglob("*.zip")]
    (built,) = checkout.build("b")

    assert killed.returncode == -9
    assert left == ["draft-"]
    here = {file.name for file in built.path.parent.iterdir()}
    assert {"lock", built.path.name, built.path.with_suffix(".json").name} == here


FULL = """
import resource, sys
from pathlib import Path
from deployer.errors import BuildError
from tests.deployer.artifacts.checkout import Checkout

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    Checkout(Path(sys.argv[1])).build("a")
except BuildError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [0, 60])
def test_cannot_write(checkout: Checkout, limit: int) -> None:
    """If a write fails, no incomplete zip is left."""
    checkout.function("a")

    done = run(checkout.root, str(limit), code=FULL)

    assert "File too large\nhint: free disk space" in done.stdout
    assert [file.name for file in checkout.dist.rglob("*") if file.is_file()] == ["lock"]


@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_disk_full(checkout: Checkout, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """If the disk is full at the last write, no incomplete zip is left."""
    filled(checkout)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[place], full)
    with pytest.raises(BuildError, match=r"lambdas/a/.*zip: No space left on device"):
        checkout.build("a")
    assert [file.name for file in checkout.dist.rglob("*") if file.is_file()] == ["lock"]


def test_concurrent_builds(checkout: Checkout) -> None:
    """Of three concurrent processes, one builds, and the others use its zip."""
    filled(checkout)
    command = [sys.executable, "-c", BUILD, str(checkout.root), "2", "a", "b"]
    env = {**os.environ, **offline(checkout.root), "PYTHONPATH": str(ROOT)}

    running = [
        subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60) for process in running]

    assert [process.returncode for process in running] == [0, 0, 0], outputs
    lines = [line for out, _ in outputs for line in out.splitlines()]
    assert sum(line.endswith("False") for line in lines) == 2
    assert len({line.rpartition(" ")[0] for line in lines}) == 2


def test_old_zips_are_removed(checkout: Checkout) -> None:
    """Only the most recently used zips of a function are kept."""
    paths = []
    for number in (*range(zip_cache.KEPT), 0, zip_cache.KEPT):
        checkout.function("a", f"{HANDLER}# {number}\n")
        (built,) = checkout.build("a")
        if built.path not in paths:
            paths.append(built.path)
            os.utime(built.path, (number, number))

    assert [paths[1]] == [path for path in paths if not path.exists()]
    assert [paths[1]] == [path for path in paths if not path.with_suffix(".json").exists()]
