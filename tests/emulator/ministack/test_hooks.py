"""Changes of a function: before, after and around it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from emulator.ministack import lookup
from emulator.ministack.hooks import Function


def double(number: int) -> int:
    """Return twice the *number*."""
    return 2 * number


@pytest.fixture
def module() -> Any:
    """Return a module with the function `double`."""
    return SimpleNamespace(double=double)


def test_before(module: Any) -> None:
    """A check before a function can return another result; None means that it has none."""
    function: Function[[int], int] = Function("double", module)
    seen = []

    def check(number: int) -> int | None:
        seen.append(number)
        return -1 if number < 0 else None

    function.before(check)

    assert [module.double(2), module.double(-7)] == [4, -1]
    assert seen == [2, -7]


def test_before_that_raises(module: Any) -> None:
    """A check that raises an error prevents the call."""
    function: Function[[int], int] = Function("double", module)

    def check(number: int) -> None:
        raise ValueError(f"not {number}")

    function.before(check)

    with pytest.raises(ValueError, match="not 2"):
        module.double(2)


def test_after(module: Any) -> None:
    """A change after a function gets its result and its arguments."""
    function: Function[[int], int] = Function("double", module)

    function.after(lambda result, number: result + number)

    assert module.double(2) == 6


def test_order(module: Any) -> None:
    """The last change that is installed runs first."""
    function: Function[[int], int] = Function("double", module)

    function.around(lambda original, number: original(number) + 1)
    function.around(lambda original, number: original(10 * number))

    assert module.double(2) == 41
    assert function(2) == 41


def test_copies(module: Any) -> None:
    """A function is changed in every module and dict that holds it."""
    actions = {"double": double, "Twice": double}
    function: Function[[int], int] = Function("double", module, actions)

    function.copied_to(actions, "Twice").replace(lambda number: number)

    assert [module.double(3), actions["double"](3), actions["Twice"](3)] == [3, 3, 3]


def test_method() -> None:
    """A method of a class gets its instance as the first argument."""

    class Counter:
        def count(self, step: int) -> int:
            return step

    function: Function[..., int] = Function("count", Counter)

    function.after(lambda result, instance, step: (result, type(instance).__name__, step))

    assert Counter().count(2) == (2, "Counter", 2)


def test_missing_function(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that does not exist is recorded as missing."""
    monkeypatch.setattr(lookup, "_missing", [])
    module.__name__ = "ministack.services.x"

    Function("absent", module)
    Function("Absent", {})

    assert lookup._missing == ["ministack.services.x.absent", "handler of Absent"]
