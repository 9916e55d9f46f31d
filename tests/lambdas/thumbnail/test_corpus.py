"""A thousand files that nobody here made: each becomes a picture, or is refused."""

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
PICTURES = {"avif", "bmp", "gif", "ico", "jpg", "mpo", "png", "psd", "tif", "tiff", "webp"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corpus() -> Path:
    """A folder of pictures: downloaded once, as corpus.txt says, its hash checked."""
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted, folder = (HERE / "corpus.txt").read_text(), CACHE / "images"
    with (CACHE / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not (folder / "made of").exists() or (folder / "made of").read_text() != wanted:
            _download(folder)
            (folder / "made of").write_text(wanted)  # Last: what is half made has none.
    return folder / "Tests"


def _download(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    options = ("--no-deps", "--no-binary=:all:", "--require-hashes", "--quiet", f"--dest={folder}")
    wanted = f"--requirement={HERE / 'corpus.txt'}"
    subprocess.run([sys.executable, "-m", "pip", "download", *options, wanted], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        inside = [one for one in file if one.isfile() and "/Tests/images/" in one.name]
        for one in inside:
            one.name = one.name.partition("/")[2]
        file.extractall(folder, members=inside, filter="data")
    archive.unlink()


@pytest.fixture(scope="module")
def became(corpus: Path) -> tuple[list[dict[str, Any]], float]:
    """What became of each, and the most memory that took, in MB."""
    done = subprocess.run(
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
    *lines, peak = done.stdout.splitlines()
    return [json.loads(line) for line in lines], float(peak)


def test_each_is_a_picture_or_refused(became: tuple[list[dict[str, Any]], float]) -> None:
    """One line for each; a picture was looked at as it came out (see convert_folder.py)."""
    files, _ = became

    outcomes = Counter(_outcome(file["lines"]) for file in files)

    for what, number in outcomes.most_common():
        print(f"{number:5} {what}")
    assert {"made", "rejected"} == {what.split(":")[0] for what in outcomes}
    assert outcomes["made"] > 400
    assert all(("difference" in one) == (_outcome(one["lines"]) == "made") for one in files)


def test_there_are_enough(became: tuple[list[dict[str, Any]], float]) -> None:
    """Of formats that are opened, and of those that are not."""
    files, _ = became

    kinds = Counter(Path(file["file"]).suffix[1:].lower() for file in files)

    print(dict(kinds.most_common()))
    assert kinds.keys() > PICTURES
    assert sum(kinds[kind] for kind in PICTURES) > 500


def test_a_simple_picture_is_what_the_simple_way_makes(
    became: tuple[list[dict[str, Any]], float],
) -> None:
    """Every pixel decoded, turned, then cut and resized by Pillow's own `ImageOps`."""
    files, _ = became

    compared = {
        one["file"]: one["difference"] for one in files if one.get("difference") is not None
    }

    print(f"{len(compared)} compared, at most {max(compared.values()):.2f} of 255 apart")
    assert len(compared) > 200
    assert {} == {file: apart for file, apart in compared.items() if apart > 4}


def test_they_fit_into_the_function(became: tuple[list[dict[str, Any]], float]) -> None:
    """All of them, one after the other in one process, in half of its 1024 MB."""
    _, peak = became

    print(f"{peak:.0f} MB at most")
    assert peak < 512


def _outcome(lines: list[dict[str, Any]]) -> str:
    (line,) = lines
    return f"rejected: {line['reason']}" if line["event"] == "rejected" else line["event"]
