"""Workers of functions: limits of logs and results, modes of files, environments."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from deployer.errors import EmulatorError
from emulator.ministack import lookup
from emulator.patches.lambda_ import workers
from emulator.patches.lambda_.workers import BoundedLog, BoundedResults, ZipFileWithModes
from emulator.postgres import server
from emulator.postgres.paths import DatabasePaths


def test_log_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of an invocation is truncated at the limit, with a note; the rest is read and dropped."""
    monkeypatch.setattr(workers, "LOG_BYTES", 10)
    stream = io.StringIO("".join(f"line {number}\n" for number in range(9)))
    log = BoundedLog(stream)

    first = [log.readline(), log.readline()]
    log.renew()
    second = list(log)

    assert first[:1] == ["line 0\n"]
    assert "the rest is dropped" in first[1]
    assert second[:1] == ["line 2\n"]
    assert "the rest is dropped" in second[1]
    assert len(second) == 2
    assert stream.read() == ""


def test_long_log_line() -> None:
    """A long line is split as in CloudWatch Logs, so that it cannot fill the memory."""
    log = BoundedLog(io.BytesIO(b"x" * (1024 * 1024)))

    assert [len(line) for line in log] == [256 * 1024] * 4


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
def test_response_limit(result: str, kept: bool) -> None:
    """The limit is for the response in UTF-8 with its quotes, not for the line with the result."""
    line = json.dumps({"status": "ok", "result": result}) + "\n"

    line_read = BoundedResults(io.StringIO(line), lambda: None).readline()

    assert (line_read == line) is kept
    assert kept or "Response payload size exceeded" in line_read


def test_endless_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process with an endless line is terminated."""
    monkeypatch.setattr(workers, "_ENVELOPE_BYTES", 100)
    terminated: list[bool] = []

    line_read = BoundedResults(io.StringIO("x" * 1000), lambda: terminated.append(True)).readline()

    assert terminated == [True]
    assert json.loads(line_read)["status"] == "error"


@pytest.mark.parametrize("language", ["python", "nodejs"])
def test_changed_worker_script(language: str) -> None:
    """A version of MiniStack with another worker script is refused."""
    with pytest.raises(
        EmulatorError, match=f"ministack {lookup.PINNED_VERSION}: the {language} worker"
    ):
        workers.script_with_sandbox_paths(language, "print('another')")


def test_executable_modes(tmp_path: Path) -> None:
    """Files that are executable in the zip are executable when it is unzipped, and no others."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        for name, mode in {"tool/": 0o40755, "tool/run": 0o100755, "text": 0o100644}.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            packed.writestr(entry, "")
        packed.writestr("windows", "")

    with ZipFileWithModes(tmp_path / "x.zip") as found:
        found.extractall(tmp_path / "code")

    files = [file for file in (tmp_path / "code").rglob("*") if file.is_file()]
    assert [file.name for file in files if os.access(file, os.X_OK)] == ["run"]


def test_postgres_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL has a separate environment, without variables of the user or the emulator."""
    monkeypatch.setenv("PGPASSWORD", "secret")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")

    environment = server._environment(DatabasePaths(tmp_path))

    assert environment.keys() == {"PATH", "HOME", "TMPDIR", "LANG"}
    assert str(tmp_path) == environment["HOME"]
