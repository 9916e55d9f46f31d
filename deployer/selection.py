"""Select stacks by the names given on the command line."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence

from deployer.errors import ConfigError
from deployer.model.desired import DesiredStack


def select(
    desired: Sequence[DesiredStack],
    names: Sequence[str],
    *,
    only: bool = False,
    aliases: Mapping[str, str] | None = None,
) -> tuple[DesiredStack, ...]:
    """Return the stacks with these *names*, and their dependencies unless *only*; all without names.

    A name is the short or the full name of a stack. *aliases* maps other names for stacks to
    short names, for the error. Raise ConfigError with every unknown name.
    """
    if not names:
        return tuple(desired)
    chosen = _full_names(desired, names, aliases or {})
    if not only:
        chosen = _with_dependencies(chosen, {stack.name: stack.dependencies for stack in desired})
    return tuple(stack for stack in desired if stack.name in chosen)


def unknown_name(name: str, known: Sequence[str], aliases: Mapping[str, str]) -> str:
    """Return the error for a `--stack` that is not in *known*, with the most similar name."""
    if not name:
        return "--stack= is empty: it names no stack"
    if name in aliases:
        return f"--stack={name}: the name here is {aliases[name]!r}"
    similar = difflib.get_close_matches(name, known, n=1)
    suggestion = f"; did you mean {similar[0]!r}?" if similar else ""
    return f"--stack={name}: there is no such stack{suggestion}"


def _full_names(
    desired: Sequence[DesiredStack], names: Sequence[str], aliases: Mapping[str, str]
) -> set[str]:
    full_names = {stack.short_name: stack.name for stack in desired}
    full_names |= {stack.name: stack.name for stack in desired}
    short_names = [stack.short_name for stack in desired]
    unknown = [unknown_name(name, short_names, aliases) for name in names if name not in full_names]
    if unknown:
        raise ConfigError("\n".join(unknown), hint=f"the stacks are: {', '.join(short_names)}")
    return {full_names[name] for name in names}


def _with_dependencies(names: set[str], needs: Mapping[str, Collection[str]]) -> set[str]:
    reached, remaining = set(names), list(names)
    while remaining:
        new = set(needs[remaining.pop()]) - reached
        reached |= new
        remaining += new
    return reached
