"""Run scanners on the templates of one environment or of all, two scanners at a time."""

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

JOBS = 2  # Each scanner keeps a core busy.


@dataclass(frozen=True)
class ScanResult:
    """The verdict of one scanner, or the error that prevented it."""

    tool: str
    verdict: Verdict | None
    seconds: float
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether the scanner ran and has no unexplained findings."""
        return self.verdict is not None and not self.verdict.unexplained


def load_templates(env: str = "") -> Subjects:
    """Synthesize the templates of the environment *env*, or of all environments."""
    names = [env] if env else project.project().environments()
    return tuple(template for name in names for template in project.project().open(name).templates)


def run_tools(tools: Sequence[Tool], subjects: Subjects, *, complete: bool) -> Iterator[ScanResult]:
    """Yield the result of each scanner as soon as it is done.

    *complete* means that the subjects are the templates of all environments.
    """
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(JOBS) as pool:
        futures = []
        for tool in tools:
            folder = _write_templates(subjects, Path(temporary) / tool.name)
            futures.append(pool.submit(_run_tool, tool, subjects, folder, complete=complete))
        for future in as_completed(futures):
            yield future.result()


def _write_templates(subjects: Subjects, home: Path) -> Path:
    """Write a file for each template to a new folder in *home*, for one scanner; return the folder."""
    folder = home / "templates"
    folder.mkdir(parents=True)
    for subject in subjects:
        (folder / f"{subject.name}.yaml").write_text(subject.text, encoding="utf-8")
    return folder


def _run_tool(tool: Tool, subjects: Subjects, folder: Path, *, complete: bool) -> ScanResult:
    try:
        tool.install()
        start = time.perf_counter()
        findings = tool.find(subjects, folder)
    except ScannerError as error:
        return ScanResult(tool.name, None, 0, str(error))
    seconds = time.perf_counter() - start
    by_stack = {subject.name: subject for subject in subjects}
    findings = [_with_source_line(finding, by_stack) for finding in findings]
    rows = accepted.accepted_rows(tool.name)
    return ScanResult(tool.name, accepted.classify(findings, rows, complete=complete), seconds)


def _with_source_line(finding: Finding, subjects: Mapping[str, Subject]) -> Finding:
    """Add the line of the stack file that created the resource."""
    subject = subjects.get(finding.stack)
    title = finding.path[1] if finding.path else ""
    return replace(finding, source=subject.lines.get(title) if subject else None)
