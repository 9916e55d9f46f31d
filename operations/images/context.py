"""Read the files of a build context, without those that git or .dockerignore ignores."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import ConfigError

DOCKERIGNORE = ".dockerignore"


@dataclass(frozen=True)
class File:
    """The content of a file, and whether it is executable."""

    content: bytes
    is_executable: bool


def files(root: Path, folder: str) -> dict[str, File]:
    """Return the files below *folder* of the checkout *root*, by their path in *folder*.

    Raise ConfigError for a symbolic link, which docker and the emulator would resolve differently.
    """
    from deployer.artifacts.git_files import listing

    listed = listing(root, [folder])
    start = root / folder
    ignored = _ignored(start / DOCKERIGNORE)
    found = {}
    for path in sorted(start.rglob("*")):
        name = path.relative_to(start).as_posix()
        repository_path = path.relative_to(root).as_posix()
        if repository_path not in listed or ignored(name) or "__pycache__" in path.parts:
            continue
        if path.is_symlink():
            raise ConfigError(
                f"{repository_path}: is a symbolic link", hint="replace the link by the file"
            )
        if path.is_file():
            found[name] = File(path.read_bytes(), listed.is_executable(repository_path))
    return found


def _ignored(file: Path) -> _Patterns:
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return _Patterns(tuple(line.strip() for line in lines if line.strip()[:1] not in {"", "#"}))


@dataclass(frozen=True)
class _Patterns:
    """The patterns of .dockerignore: the last one that matches decides, and `!` includes again."""

    patterns: tuple[str, ...]

    def __call__(self, path: str) -> bool:
        """Return whether *path*, or a folder that contains it, is ignored."""
        parts = path.split("/")
        paths = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        result = False
        for pattern in self.patterns:
            expression = _expression(pattern.removeprefix("!"))
            if any(expression.fullmatch(name) for name in paths):
                result = not pattern.startswith("!")
        return result


def _expression(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern: `**` matches any number of folders."""
    text = pattern.strip("/").removeprefix("./")
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]*\]|.", text)
    special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile(
        "".join(
            special.get(token, token if len(token) > 1 else re.escape(token)) for token in tokens
        )
    )
