"""The output of a function is read within limits."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from deployer.errors import EmulatorError
from emulator.ministack import names
from emulator.patches.lambda_ import workers
from emulator.patches.lambda_.workers import BoundedLog, BoundedResults, ZipFileWithModes
from emulator.postgres import server
from emulator.postgres.paths import DatabasePaths


def test_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many bytes of each invocation, a note that there was more, and all is read."""
    monkeypatch.setattr(workers, "LOG_BYTES", 10)
    stream = io.StringIO("".join(f"line {number}\n" for number in range(9)))
    log = BoundedLog(stream)

    first = [log.readline(), log.readline()]
    log.renew()
    second = list(log)

    assert ["line 0\n"] == first[:1]
    assert "the rest is dropped" in first[1]
    assert ["line 2\n"] == second[:1]
    assert "the rest is dropped" in second[1]
    assert 2 == len(second)
    assert "" == stream.read()


def test_line_without_end() -> None:
    """A line is split where CloudWatch Logs would split it, so that none fills the memory."""
    log = BoundedLog(io.BytesIO(b"x" * (1024 * 1024)))

    assert [256 * 1024] * 4 == [len(line) for line in log]


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        ("x" * 6_291_554, True),
        ("x" * 6_291_555, False),
        ("é" * 3_145_000, True),
        ("é" * 4_000_000, False),
    ],
    ids=["just", "over", "escaped", "escaped and over"],
)
def test_result(result: str, kept: bool) -> None:
    """The limit is that of the response, with its quotes, as UTF-8; not that of our line."""
    line = json.dumps({"status": "ok", "result": result}) + "\n"

    said = BoundedResults(io.StringIO(line), lambda: None).readline()

    assert (said == line) is kept
    assert kept or "Response payload size exceeded" in said


def test_result_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that never ends its line is ended."""
    monkeypatch.setattr(workers, "_ENVELOPE_BYTES", 100)
    ended: list[bool] = []

    said = BoundedResults(io.StringIO("x" * 1000), lambda: ended.append(True)).readline()

    assert [True] == ended
    assert "error" == json.loads(said)["status"]


@pytest.mark.parametrize("kind", ["python", "nodejs"])
def test_another_worker(kind: str) -> None:
    """A version of the emulator whose worker finds its code in another way is refused."""
    with pytest.raises(EmulatorError, match=f"ministack {names.PINNED}: the {kind} worker"):
        workers.script_with_sandbox_paths(kind, "print('another')")


def test_modes(tmp_path: Path) -> None:
    """What was packed as executable can be run, whatever folder it is in; the rest is not."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        for name, mode in {"tool/": 0o40755, "tool/run": 0o100755, "text": 0o100644}.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            packed.writestr(entry, "")
        packed.writestr("windows", "")

    with ZipFileWithModes(tmp_path / "x.zip") as found:
        found.extractall(tmp_path / "code")

    files = [file for file in (tmp_path / "code").rglob("*") if file.is_file()]
    assert ["run"] == [file.name for file in files if os.access(file, os.X_OK)]


def test_postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL has an environment of its own, with nothing of the user's or the emulator's."""
    monkeypatch.setenv("PGPASSWORD", "secret")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")

    given = server._environment(DatabasePaths(tmp_path))

    assert {"PATH", "HOME", "TMPDIR", "LANG"} == given.keys()
    assert str(tmp_path) == given["HOME"]
