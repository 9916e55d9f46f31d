"""Change functions of MiniStack: run code before, after or around them.

    create = Function("_create_bucket", s3)
    create.before(check)      # check(*args) first; a result that is not None is returned instead
    create.after(complete)    # complete(result, *args) returns the new result
    create.around(wrapper)    # wrapper(create, *args) instead of create(*args)

Several changes of one function are combined: the one that was installed last runs first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from emulator.ministack import lookup

P = ParamSpec("P")
R = TypeVar("R")


class Function(Generic[P, R]):
    """A function of MiniStack that can be called and changed.

    *owners* are the modules, classes or dicts that contain the function under *name*. After
    `from … import` several modules refer to it, and a change must replace it in each of them.
    """

    def __init__(self, name: str, *owners: Any) -> None:
        self._locations = [(owner, name) for owner in owners]
        for owner, key in self._locations:
            if isinstance(owner, dict) and key not in owner:
                lookup.record_missing(f"handler of {key}")
            elif not isinstance(owner, dict):
                lookup.attribute(owner, key)

    def copied_to(self, owner: Any, name: str) -> Function[P, R]:
        """Return this function with one more owner, which contains it under *name*."""
        copied: Function[P, R] = Function(name, owner)
        copied._locations = [*self._locations, *copied._locations]
        return copied

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function with all installed changes."""
        return self.current(*args, **kwargs)

    @property
    def current(self) -> Callable[P, R]:
        """The function as it is now: later changes do not affect the returned value."""
        owner, name = self._locations[0]
        function: Callable[P, R] = owner[name] if isinstance(owner, dict) else getattr(owner, name)
        return function

    def replace(self, other: Callable[P, R]) -> None:
        """Call *other* instead."""
        for owner, name in self._locations:
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
