"""Lint of all templates of an environment, against one `cfn-lint *.yaml`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.timing import ROOT, SCRATCH, Command, Row, command, race

REGION = "eu-central-1"  # for both sides: cfn-lint takes one region for all its templates
FINDINGS = range(0, 16, 2)  # cfn-lint's exit code is a sum of 2, 4 and 8
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

folder, memory, region, jobs = sys.argv[1:]
subjects = [Subject(p.stem, region, p.read_text()) for p in sorted(Path(folder).glob("*.yaml"))]
lint(subjects, exemptions=load_exemptions(), memory=Path(memory), jobs=int(jobs) or None)
"""


def rows(rounds: int) -> tuple[Row, ...]:
    """Every case of the goals, with the templates of build/dev."""
    folder = ROOT / "build" / "dev"
    if not (found := sorted(folder.glob("*.yaml"), key=lambda path: path.stat().st_size)):
        sys.exit(f"{folder}: no templates\nhint: ./inv synth")
    shutil.rmtree(HOME, ignore_errors=True)
    cli = Path(sys.executable).with_name("cfn-lint")
    peer = command(cli, "-r", REGION, "--", *found, codes=FINDINGS)
    largest, middle = found[-1].name, found[len(found) // 2].name
    return race(
        peer,
        {
            "all, cold": (_ours(folder, "cold", _forget), 0.78),
            "all, cold, in one process": (_ours(folder, "one", _forget, jobs=1), None),
            f"one stack changed: {largest}": (_ours(folder, "largest", _change(largest)), 0.40),
            f"one stack changed: {middle}": (_ours(folder, "middle", _change(middle)), 0.40),
            "nothing changed": (_ours(folder, "same", _leave), 0.03),
        },
        rounds=rounds,
    )


Before = Callable[[Path], object]


def _ours(templates: Path, name: str, before: Before, *, jobs: int = 0) -> Command:
    """Our lint over a copy of *templates*, with a memory of its own."""
    copy = Path(shutil.copytree(templates, HOME / name / "templates"))
    memory = HOME / name / "memory"
    return command(
        *(sys.executable, "-c", OURS, copy, memory, REGION, str(jobs)),
        before=lambda: before(HOME / name),
    )


def _forget(home: Path) -> None:
    shutil.rmtree(home / "memory", ignore_errors=True)


def _change(template: str) -> Before:
    def change(home: Path) -> None:
        with (home / "templates" / template).open("a") as file:
            file.write("# changed\n")

    return change


def _leave(home: Path) -> None:
    """Nothing changed."""
