"""A thousand files of Pillow's own tests are converted or rejected."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CACHE = ROOT / ".cache" / "corpus"
FORMATS = {"avif", "bmp", "gif", "ico", "jpg", "mpo", "png", "psd", "tif", "tiff", "webp"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corpus() -> Path:
    """The folder of the files. They are downloaded once, with the hash in corpus.txt."""
    CACHE.mkdir(parents=True, exist_ok=True)
    requirement, folder = (HERE / "corpus.txt").read_text(), CACHE / "images"
    marker = folder / "downloaded"
    with (CACHE / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not marker.exists() or marker.read_text() != requirement:
            _download(folder)
            marker.write_text(requirement)  # Written last, so an interrupted download has none.
    return folder / "Tests"


def _download(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    options = ("--no-deps", "--no-binary=:all:", "--require-hashes", "--quiet", f"--dest={folder}")
    requirement = f"--requirement={HERE / 'corpus.txt'}"
    subprocess.run([sys.executable, "-m", "pip", "download", *options, requirement], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        members = [member for member in file if member.isfile() and "/Tests/images/" in member.name]
        for member in members:
            member.name = member.name.partition("/")[2]
        file.extractall(folder, members=members, filter="data")
    archive.unlink()


@pytest.fixture(scope="module")
def results(corpus: Path) -> tuple[list[dict[str, Any]], float]:
    """The result of each file (see convert_folder.py), and the peak memory in MB."""
    process = subprocess.run(
        [
            *(sys.executable, "-S", HERE / "peak_memory.py"),
            *(sys.executable, "-m", "tests.lambdas.thumbnail.convert_folder", corpus),
        ],
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": f"{ROOT}:{ROOT / 'lambdas'}", "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    *lines, peak = process.stdout.splitlines()
    return [json.loads(line) for line in lines], float(peak)


def test_every_file_is_converted_or_rejected(results: tuple[list[dict[str, Any]], float]) -> None:
    """Each invocation logs one line, and more than 400 files become avatars."""
    files, _ = results

    outcomes = Counter(_outcome(file["lines"]) for file in files)

    for outcome, count in outcomes.most_common():
        print(f"{count:5} {outcome}")
    assert {outcome.split(":")[0] for outcome in outcomes} == {"created", "rejected"}
    assert outcomes["created"] > 400
    assert all(("difference" in file) == (_outcome(file["lines"]) == "created") for file in files)


def test_there_are_enough_files(results: tuple[list[dict[str, Any]], float]) -> None:
    """The corpus has files of accepted and of other formats."""
    files, _ = results

    extensions = Counter(Path(file["file"]).suffix[1:].lower() for file in files)

    print(dict(extensions.most_common()))
    assert extensions.keys() > FORMATS
    assert sum(extensions[extension] for extension in FORMATS) > 500


def test_simple_pictures_match_a_simple_conversion(
    results: tuple[list[dict[str, Any]], float],
) -> None:
    """Avatars of simple pictures are like those of Pillow's `ImageOps`, which decodes all pixels."""
    files, _ = results

    differences = {
        file["file"]: file["difference"] for file in files if file.get("difference") is not None
    }

    print(f"{len(differences)} compared, at most {max(differences.values()):.2f} of 255 apart")
    assert len(differences) > 200
    assert {name: value for name, value in differences.items() if value > 4} == {}


def test_all_files_fit_into_the_memory(results: tuple[list[dict[str, Any]], float]) -> None:
    """All files, converted in one process, need less than half of the function's 1024 MB."""
    _, peak = results

    print(f"{peak:.0f} MB at most")
    assert peak < 512


def _outcome(lines: list[dict[str, Any]]) -> str:
    (line,) = lines
    return f"rejected: {line['reason']}" if line["event"] == "rejected" else line["event"]
