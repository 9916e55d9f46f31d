"""Lint of all templates of an environment, against a single `cfn-lint *.yaml`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.timing import ROOT, SCRATCH, Command, Row, command, measure_in_turn

REGION = "eu-central-1"  # For both sides: cfn-lint takes one region for all templates.
FINDINGS = range(0, 16, 2)  # The exit code of cfn-lint is a sum of 2, 4 and 8.
HOME = SCRATCH / "lint"

OURS = """
import sys
from dataclasses import dataclass, field
from pathlib import Path
from deployer.lint import lint, load_exemptions

@dataclass(frozen=True)
class Subject:
    name: str
    region: str
    text: str
    lines: dict = field(default_factory=dict)

folder, cache, region, jobs = sys.argv[1:]
subjects = [Subject(p.stem, region, p.read_text()) for p in sorted(Path(folder).glob("*.yaml"))]
lint(subjects, exemptions=load_exemptions(), cache_folder=Path(cache), jobs=int(jobs) or None)
"""


def rows(rounds: int) -> tuple[Row, ...]:
    """Return the rows, for the templates in build/dev."""
    folder = ROOT / "build" / "dev"
    if not (templates := sorted(folder.glob("*.yaml"), key=lambda path: path.stat().st_size)):
        sys.exit(f"{folder}: no templates\nhint: ./inv synth")
    shutil.rmtree(HOME, ignore_errors=True)
    cli = Path(sys.executable).with_name("cfn-lint")
    peer = command(cli, "-r", REGION, "--", *templates, codes=FINDINGS)
    largest, middle = templates[-1].name, templates[len(templates) // 2].name
    return measure_in_turn(
        peer,
        {
            "all, cold": (_ours(folder, "cold", _delete_cache), 0.78),
            "all, cold, in one process": (_ours(folder, "one", _delete_cache, jobs=1), None),
            f"one stack changed: {largest}": (_ours(folder, "largest", _change(largest)), 0.40),
            f"one stack changed: {middle}": (_ours(folder, "middle", _change(middle)), 0.40),
            "nothing changed": (_ours(folder, "same", _keep), 0.03),
        },
        rounds=rounds,
    )


Before = Callable[[Path], object]


def _ours(templates: Path, name: str, before: Before, *, jobs: int = 0) -> Command:
    """Return our lint of a copy of *templates*, with a cache of its own."""
    copy = Path(shutil.copytree(templates, HOME / name / "templates"))
    cache = HOME / name / "cache"
    return command(
        *(sys.executable, "-c", OURS, copy, cache, REGION, str(jobs)),
        before=lambda: before(HOME / name),
    )


def _delete_cache(home: Path) -> None:
    shutil.rmtree(home / "cache", ignore_errors=True)


def _change(template: str) -> Before:
    def change(home: Path) -> None:
        with (home / "templates" / template).open("a") as file:
            file.write("# changed\n")

    return change


def _keep(home: Path) -> None:
    """Change nothing."""
