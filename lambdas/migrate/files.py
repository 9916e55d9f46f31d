"""Read the migrations of a folder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from migrate import script
from migrate.script import Script

_NAME = re.compile(r"(?P<migration>[0-9]{4}_[a-z0-9_]+)(?P<rollback>\.rollback)?\.sql")


@dataclass(frozen=True)
class Migration:
    """A migration: the script that applies it and, if there is one, the script that undoes it."""

    name: str
    forward: Script
    rollback: Script | None

    @property
    def scripts(self) -> tuple[Script, ...]:
        return (self.forward, self.rollback) if self.rollback else (self.forward,)


@dataclass(frozen=True)
class Folder:
    """The migrations in order of their numbers, and the errors of the folder as a whole."""

    migrations: tuple[Migration, ...]
    errors: tuple[str, ...]


def read(folder: Path) -> Folder:
    """Read every file of *folder* except hidden ones."""
    contents = {
        file.name: file.read_bytes() if file.is_file() else None
        for file in folder.iterdir()
        if not file.name.startswith(".")
    }
    return arrange(contents)


def arrange(contents: dict[str, bytes | None]) -> Folder:
    """Return the migrations in *contents*, which maps file names to bytes.

    The value is None for an entry that is not a file.
    """
    scripts: dict[str, Script] = {}
    errors: list[str] = []
    for file, content in sorted(contents.items()):
        if content is None:
            errors.append(f"{file}: is not a file")
        elif not _NAME.fullmatch(file):
            errors.append(f"{file}: is not named NNNN_name.sql or NNNN_name.rollback.sql")
        else:
            scripts[file] = script.parse(file, content)
    names = [file.removesuffix(".sql") for file in scripts if not file.endswith(".rollback.sql")]
    errors += [*_without_migration(scripts), *_same_number(names)]
    migrations = [
        Migration(name, scripts[f"{name}.sql"], scripts.get(f"{name}.rollback.sql"))
        for name in sorted(names)
    ]
    return Folder(tuple(migrations), tuple(errors))


def _without_migration(scripts: dict[str, Script]) -> Iterator[str]:
    for file in scripts:
        name = file.removesuffix(".rollback.sql")
        if name != file and f"{name}.sql" not in scripts:
            yield f"{file}: has no {name}.sql to undo: add that file, or delete this one"


def _same_number(names: list[str]) -> Iterator[str]:
    uses = Counter(name[:4] for name in names)
    for number, count in sorted(uses.items()):
        if count > 1:
            files = ", ".join(f"{name}.sql" for name in sorted(names) if name[:4] == number)
            yield f"{files}: have the same number: rename all but one"
