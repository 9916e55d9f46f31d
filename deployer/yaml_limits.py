"""Measure untrusted YAML before it is loaded.

A few bytes can expand to gigabytes (aliases of aliases), or overflow the stack of libyaml and end
the process (deep nesting). Events are read one at a time, so measuring needs little memory.
"""

from __future__ import annotations

import yaml

MAX_DEPTH = 100
MAX_NODES = 100_000  # A template has at most 1 MB.


class YamlError(ValueError):
    """The text is not valid YAML, or is too large."""


class AliasError(YamlError):
    """The text has an alias, where aliases are not allowed."""


def check(text: str, *, aliases: bool = True) -> None:
    """Raise YamlError unless *text* can be loaded; an alias counts as everything it refers to."""
    measure = _Measure(aliases=aliases)
    try:
        for event in yaml.parse(text, yaml.CSafeLoader):
            measure.add(event)
    except yaml.YAMLError as error:
        raise YamlError(str(error)) from error


class _Measure:
    """The depth and the size of the values read so far."""

    def __init__(self, *, aliases: bool) -> None:
        self._aliases = aliases
        self._nodes = 0
        self._open: list[tuple[str | None, int]] = []  # Collections: anchor, count before it.
        self._sizes: dict[str | None, int] = {}  # By anchor.

    def add(self, event: yaml.Event) -> None:
        match event:
            case yaml.CollectionStartEvent():
                self._open.append((event.anchor, self._nodes))
                self._nodes += 1
            case yaml.CollectionEndEvent():
                anchor, before = self._open.pop()
                self._sizes[anchor] = self._nodes - before
            case yaml.ScalarEvent():
                self._nodes += 1
                self._sizes[event.anchor] = 1
            case yaml.AliasEvent():
                self._nodes += self._size_of(event.anchor)
        if len(self._open) > MAX_DEPTH:
            raise YamlError(f"nested more than {MAX_DEPTH} levels deep")
        if self._nodes > MAX_NODES:
            raise YamlError(f"more than {MAX_NODES:,} values")

    def _size_of(self, anchor: str | None) -> int:
        if not self._aliases:
            raise AliasError("aliases are not allowed")
        if anchor not in self._sizes:  # The anchor is unknown, or of a collection around the alias.
            raise YamlError(f"alias {anchor} refers to itself or to nothing")
        return self._sizes[anchor]
