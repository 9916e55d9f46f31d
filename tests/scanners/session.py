"""Run scanners over environments, concurrently."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from deployer.lint import Finding, Subject
from operations import project
from tests.scanners import accepted
from tests.scanners.accepted import Verdict
from tests.scanners.errors import ScannerError
from tests.scanners.tool import Subjects, Tool

JOBS = 2  # A tool keeps a core busy.


@dataclass(frozen=True)
class Answer:
    """The result of one scanner: a verdict or an error."""

    tool: str
    verdict: Verdict | None
    seconds: float
    error: str = ""

    @property
    def well(self) -> bool:
        """Return whether the scanner succeeded without unexplained findings."""
        return self.verdict is not None and not self.verdict.unexplained


def templates(env: str = "") -> Subjects:
    """Synthesise and return the templates of the environment *env*, or of all."""
    names = [env] if env else project.project().environments()
    return tuple(each for name in names for each in project.project().open(name).templates)


def answers(tools: Sequence[Tool], subjects: Subjects, *, whole: bool) -> Iterator[Answer]:
    """Yield the result of each scanner as it ends; with *whole*, the subjects are all templates."""
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(JOBS) as pool:
        futures = []
        for tool in tools:
            folder = _written(subjects, Path(temporary) / tool.name)
            futures.append(pool.submit(_answer, tool, subjects, folder, whole=whole))
        for future in as_completed(futures):
            yield future.result()


def _written(subjects: Subjects, home: Path) -> Path:
    """Write each template to a file in a new folder in *home*; return the folder."""
    folder = home / "templates"
    folder.mkdir(parents=True)
    for each in subjects:
        (folder / f"{each.name}.yaml").write_text(each.text, encoding="utf-8")
    return folder


def _answer(tool: Tool, subjects: Subjects, folder: Path, *, whole: bool) -> Answer:
    try:
        tool.install()
        begun = time.perf_counter()
        findings = tool.find(subjects, folder)
    except ScannerError as error:
        return Answer(tool.name, None, 0, str(error))
    seconds = time.perf_counter() - begun
    known = {each.name: each for each in subjects}
    located = [_located(finding, known) for finding in findings]
    return Answer(tool.name, accepted.judge(located, accepted.of(tool.name), whole=whole), seconds)


def _located(finding: Finding, subjects: Mapping[str, Subject]) -> Finding:
    """Add the line of the stack file that defines the resource."""
    subject = subjects.get(finding.stack)
    title = finding.path[1] if finding.path else ""
    return replace(finding, source=subject.lines.get(title) if subject else None)
