"""Running scanners: findings with their source lines, and errors."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deployer.lint import Finding
from deployer.model import Line
from tests.scanners import scan
from tests.scanners.__main__ import format_result
from tests.scanners.errors import NotInstalledError, ScannerError
from tests.scanners.scan import ScanResult
from tests.scanners.tool import Subjects, Tool, new_finding


@dataclass(frozen=True)
class Subject:
    """A stack with one resource, which line 3 of its file creates."""

    name: str = "crd-dev-dns"
    region: str = "eu-central-1"
    text: str = "Resources: {}\n"
    lines: dict[str, Line] = field(default_factory=lambda: {"Zone": Line("stacks/dns.py", 3)})


def run_fake_tool(find, install=lambda: None) -> ScanResult:
    """Run a scanner with these two functions, and return its result."""
    [result] = scan.run_tools([Tool("fake", install, find)], [Subject()], complete=True)
    return result


def test_a_finding_has_the_line_of_its_stack_file() -> None:
    """The scanner reads the templates from files. Its finding has the line of the stack file."""

    def find(_: Subjects, folder: Path) -> Sequence[Finding]:
        texts = [file.read_text() for file in folder.iterdir()]
        return [new_finding("fake:F1", "crd-dev-dns", "Zone", f"{texts}")]

    first, last = format_result(run_fake_tool(find)).splitlines()

    assert first == r"stacks/dns.py:3 crd-dev-dns Zone: fake:F1 ['Resources: {}\n']"
    assert last.startswith("fake: 0 accepted, 1 unexplained, ")


def test_missing_scanner_is_an_error() -> None:
    """A scanner that cannot be installed does not pass."""

    def install() -> None:
        raise NotInstalledError("npm is not on PATH")

    result = run_fake_tool(lambda *_: [], install)

    assert not result.passed
    assert format_result(result) == "error: fake: npm is not on PATH"


def test_failed_scanner_is_an_error() -> None:
    """A scanner that exits with an error does not pass."""

    def find(*_) -> Sequence[Finding]:
        raise ScannerError("fake exited with 2: no idea")

    assert not run_fake_tool(find).passed


def test_scanner_without_findings_passes() -> None:
    """A result without findings passes if the scanner ran."""
    assert run_fake_tool(lambda *_: []).passed
