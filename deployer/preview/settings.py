"""Find the settings of the config file that changed, and the places in templates that they determine.

A setting determines a place if the place differs when the templates are rendered with the earlier
value of the setting.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from deployer.preview.differences import differences
from deployer.preview.propagation import ScopeKey
from deployer.preview.values import KeyPath

Table: TypeAlias = Mapping[str, Any]
Bodies: TypeAlias = Mapping[ScopeKey, Mapping[str, Any]]  # Templates by region, stack and path.
# Render the templates of a config; None if it is not valid.
Render: TypeAlias = Callable[[Table], Bodies | None]
# A template, "Resources" or "Outputs", and a path in it that begins with a logical id.
Place: TypeAlias = tuple[ScopeKey, str, KeyPath]

_MAX_RENDERED = 8  # More settings are rendered together, because each rendering takes 0.1 s.


@dataclass(frozen=True)
class Setting:
    """A changed setting; *before* or *after* is None if the file does not have it."""

    path: KeyPath
    before: Any
    after: Any

    @property
    def key(self) -> str:
        """The key as TOML writes it, such as network.cidr."""
        return ".".join(self.path)


def changed_settings(before: Table, after: Table) -> tuple[Setting, ...]:
    """Return the settings that differ; a list is one setting."""
    return tuple(_changed(before, after, ()))


def places(
    settings: Sequence[Setting], config: Table, desired: Bodies, render: Render
) -> dict[Place, tuple[str, ...]]:
    """Return the keys of *settings* that determine each place of *desired*, the templates of *config*.

    Settings that are only valid together, such as two ports that must be equal, are rendered
    together.
    """
    found: dict[Place, tuple[str, ...]] = {}
    together = [*settings[_MAX_RENDERED:]]
    for setting in settings[:_MAX_RENDERED]:
        rendered = render(reverted(config, [setting]))
        if rendered is None:
            together.append(setting)
        else:
            _add(found, rendered, desired, [setting])
    if together:
        rendered = render(reverted(config, together))
        if rendered is None:  # They depend on other settings, too.
            together = [*settings]
            rendered = render(reverted(config, together))
        if rendered is not None:
            _add(found, rendered, desired, together)
    return found


def reverted(config: Table, settings: Sequence[Setting]) -> Table:
    """Return a copy of *config* in which *settings* have their earlier values."""
    table = copy.deepcopy(dict(config))
    for setting in settings:
        *tables, key = setting.path
        inner = table
        for name in tables:
            inner = inner.setdefault(name, {})
        if setting.before is None:
            inner.pop(key, None)
        else:
            inner[key] = copy.deepcopy(setting.before)
    return table


def _changed(before: Table, after: Table, path: KeyPath) -> Iterator[Setting]:
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _changed(old, new, (*path, key))
        elif old != new:
            yield Setting((*path, key), old, new)


def _add(
    found: dict[Place, tuple[str, ...]],
    rendered: Bodies,
    desired: Bodies,
    settings: Sequence[Setting],
) -> None:
    keys = tuple(setting.key for setting in settings)
    for place in _different_places(rendered, desired):
        found[place] = tuple(dict.fromkeys((*found.get(place, ()), *keys)))


def _different_places(rendered: Bodies, desired: Bodies) -> Iterator[Place]:
    for scope in dict.fromkeys([*desired, *rendered]):
        before, after = (bodies.get(scope, {}) for bodies in (rendered, desired))
        if before != after:
            for section in ("Resources", "Outputs"):
                old, new = (body.get(section) or {} for body in (before, after))
                for difference in differences(old, new):
                    yield scope, section, difference.path
