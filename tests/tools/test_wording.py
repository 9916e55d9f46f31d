"""The check of words that docs/style.md replaces."""

from __future__ import annotations

from tools import wording

PAGE = """\
| not used | instead |
|---|---|
| `mend(s\\|ed)?` | fix |
| `of ours` | "of this project", or nothing |
"""


def test_words_are_read_from_the_table() -> None:
    """Each row of the table is a word, as a regular expression, and its replacement."""
    assert [
        (word.pattern.pattern.removeprefix(r"\b(?:").removesuffix(r")\b"), word.instead)
        for word in wording.words(PAGE)
    ] == [("mend(s|ed)?", "fix"), ("of ours", '"of this project", or nothing')]


def test_words_are_found_with_their_line() -> None:
    """Case does not matter, and a part of another word does not count."""
    text = "A recommendation.\nMended, as a rule of ours.\n"

    assert [*wording.findings(text, wording.words(PAGE))] == [
        (2, "Mended", "fix"),
        (2, "of ours", '"of this project", or nothing'),
    ]


def test_the_page_has_words() -> None:
    """The table of docs/style.md is read; without it the check would find nothing."""
    words = wording.words(wording.STYLE.read_text())

    assert len(words) >= 20


def test_generated_files_are_not_checked() -> None:
    """Only files that are written by hand are checked."""
    names = {str(file.relative_to(wording.ROOT)) for file in wording.files()}

    assert {"README.md", "inv", "config/dev.toml", "stacks/network.py"} <= names
    assert not any(name.startswith(("build/", "requirements/")) for name in names)
