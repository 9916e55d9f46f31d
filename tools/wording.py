"""Find the words that docs/style.md replaces by plainer ones: `python -m tools.wording`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
STYLE = ROOT / "docs" / "style.md"
# Generated, third-party and historical text, style sheets (a property of CSS contains one of the
# words), and the page that lists the words.
_SKIPPED = re.compile(
    r"(build|requirements)/.*|CHANGELOG\.md|docs/style\.md|tests/tools/test_wording\.py|.*\.(css|txt|json|jsonl|pem|png|jpg)"
)
_ROW = re.compile(r"^\| `(.+)` \| (.+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Word:
    """A word or phrase that is not used, as a regular expression, and its replacement."""

    pattern: re.Pattern[str]
    instead: str


def words(page: str) -> tuple[Word, ...]:
    r"""Return the words in the table of *page*; `\|` in a pattern is an alternative."""
    return tuple(
        Word(re.compile(rf"\b(?:{pattern})\b".replace(r"\|", "|"), re.IGNORECASE), instead)
        for pattern, instead in _ROW.findall(page)
    )


def findings(text: str, replaced: Sequence[Word]) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the word and the replacement of each word in *text*."""
    for number, line in enumerate(text.splitlines(), 1):
        for word in replaced:
            for match in word.pattern.finditer(line):
                yield number, match[0], word.instead


def files() -> Iterator[Path]:
    """Yield the files of the repository that are written by hand."""
    completed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    for name in filter(None, completed.stdout.split("\0")):
        if not _SKIPPED.fullmatch(name):
            yield ROOT / name


def main() -> int:
    """Print each word that is not used, with file, line and replacement; return 1 if any exists."""
    replaced = words(STYLE.read_text(encoding="utf-8"))
    lines = [
        f"{file.relative_to(ROOT)}:{line}: {word!r}: use {instead}"
        for file in files()
        if file.is_file()
        for line, word, instead in findings(_text(file), replaced)
    ]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if lines else 0


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""  # A binary file.


if __name__ == "__main__":
    sys.exit(main())
