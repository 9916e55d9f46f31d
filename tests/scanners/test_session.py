"""Tools side by side: what each found, or why it found nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deployer.lint import Finding
from deployer.model import Line
from tests.scanners import session
from tests.scanners.__main__ import told
from tests.scanners.errors import NotInstalledError, ScannerError
from tests.scanners.session import Answer
from tests.scanners.tool import Subjects, Tool, found


@dataclass(frozen=True)
class Subject:
    """A stack with one resource, made on line 3 of its file."""

    name: str = "crd-dev-dns"
    region: str = "eu-central-1"
    text: str = "Resources: {}\n"
    lines: dict[str, Line] = field(default_factory=lambda: {"Zone": Line("stacks/dns.py", 3)})


def answer(find, install=lambda: None) -> Answer:
    """What comes of a tool that does *find*."""
    [only] = session.answers([Tool("fake", install, find)], [Subject()], whole=True)
    return only


def test_a_finding_has_the_line_of_its_stack_file() -> None:
    """The tool gets the templates as files, and its finding a place in the source."""

    def find(_: Subjects, folder: Path) -> Sequence[Finding]:
        texts = [file.read_text() for file in folder.iterdir()]
        return [found("fake:F1", "crd-dev-dns", "Zone", f"{texts}")]

    told_ = told(answer(find))

    first, last = told_.splitlines()
    assert first == r"stacks/dns.py:3 crd-dev-dns Zone: fake:F1 ['Resources: {}\n']"
    assert last.startswith("fake: 0 accepted, 1 unexplained, ")


def test_a_tool_that_cannot_be_had_is_an_error() -> None:
    """Silence would look like approval."""

    def install() -> None:
        raise NotInstalledError("npm is not on PATH")

    it = answer(lambda *_: [], install)

    assert not it.well
    assert told(it) == "error: fake: npm is not on PATH"


def test_a_tool_that_fails_is_an_error() -> None:
    """As is one that crashes half way."""

    def find(*_) -> Sequence[Finding]:
        raise ScannerError("fake exited with 2: no idea")

    assert not answer(find).well


def test_nothing_found_is_well() -> None:
    """Where it did its work."""
    assert answer(lambda *_: []).well
