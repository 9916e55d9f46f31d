"""Change functions of MiniStack: run code before, after or around them.

    create = Function("_create_bucket", s3)
    create.before(check)      # check(*args) first; a result that is not None is returned instead
    create.after(complete)    # complete(result, *args) returns the new result
    create.around(wrapper)    # wrapper(create, *args) instead of create(*args)

Changes add up: the last one that is installed runs first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from emulator.ministack import names

P = ParamSpec("P")
R = TypeVar("R")


class Function(Generic[P, R]):
    """A function of MiniStack, to call and to change.

    *owners* are the modules, classes or dicts that hold it under *name*: `from … import` copies
    a function to other modules, where it must be replaced, too.
    """

    def __init__(self, name: str, *owners: Any) -> None:
        self._places = [(owner, name) for owner in owners]
        for owner, key in self._places:
            if isinstance(owner, dict) and key not in owner:
                names.missing(f"handler of {key}")
            elif not isinstance(owner, dict):
                names.name(owner, key)

    def copied_to(self, owner: Any, name: str) -> Function[P, R]:
        """Return this function with another place that holds it."""
        copied: Function[P, R] = Function(name, owner)
        copied._places = [*self._places, *copied._places]
        return copied

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function with all changes that are installed."""
        return self.current(*args, **kwargs)

    @property
    def current(self) -> Callable[P, R]:
        """The function with the changes installed until now, but none of those that follow."""
        owner, name = self._places[0]
        found: Callable[P, R] = owner[name] if isinstance(owner, dict) else getattr(owner, name)
        return found

    def replace(self, other: Callable[P, R]) -> None:
        """Call *other* instead."""
        for owner, name in self._places:
            if isinstance(owner, dict):
                owner[name] = other
            else:
                setattr(owner, name, other)

    def around(self, wrapper: Callable[Concatenate[Callable[P, R], P], R]) -> None:
        """Call `wrapper(function, *args)` instead."""
        original = self.current

        @functools.wraps(original)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            return wrapper(original, *args, **kwargs)

        self.replace(wrapped)

    def before(self, check: Callable[P, R | None]) -> None:
        """Call *check* with the arguments first; if it returns a result, return that instead."""

        def checking(original: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
            result = check(*args, **kwargs)
            return original(*args, **kwargs) if result is None else result

        self.around(checking)

    def after(self, change: Callable[Concatenate[R, P], R]) -> None:
        """Return `change(result, *args)` instead of the result."""

        def changing(original: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
            return change(original(*args, **kwargs), *args, **kwargs)

        self.around(changing)
