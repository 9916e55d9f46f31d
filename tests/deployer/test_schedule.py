"""What may run now."""

from __future__ import annotations

from graphlib import CycleError

import pytest

from deployer.schedule import Schedule

DIAMOND = {"base": [], "left": ["base"], "right": ["base"], "top": ["left", "right"]}


def test_whatever_is_ready_starts() -> None:
    """Both sides of a diamond start as soon as its foot is done; its head waits for both."""
    schedule = Schedule(DIAMOND, jobs=4)

    assert schedule.start() == ("base",)
    assert schedule.start() == ()
    schedule.done("base", succeeded=True)
    assert schedule.start() == ("left", "right")
    schedule.done("right", succeeded=True)
    assert schedule.start() == ()
    schedule.done("left", succeeded=True)
    assert schedule.start() == ("top",)


def test_no_more_than_so_many_at_a_time() -> None:
    """What is ready but has no place waits for one, in the order given."""
    schedule = Schedule({"c": [], "a": [], "b": []}, jobs=2)

    assert schedule.start() == ("c", "a")
    schedule.done("a", succeeded=True)
    assert schedule.start() == ("b",)


def test_what_stands_on_a_failure_is_failed_dependencies_it() -> None:
    """The failure reaches all that stands on it once each is skipped, and nothing else."""
    schedule = Schedule(DIAMOND, jobs=4)
    schedule.start()
    schedule.done("base", succeeded=True)
    schedule.start()
    schedule.done("left", succeeded=False)
    schedule.done("right", succeeded=True)

    assert schedule.start() == ("top",)
    assert schedule.failed_dependencies("top") == ("left",)
    assert schedule.failed_dependencies("right") == ()


def test_needs_outside_the_graph_are_met() -> None:
    """A stack deployed alone stands on what is there already."""
    schedule = Schedule({"cluster": ["network"]}, jobs=1)

    assert schedule.start() == ("cluster",)


def test_a_cycle_is_an_error() -> None:
    """Layers cannot make one; a schedule that hung would hide it."""
    with pytest.raises(CycleError):
        Schedule({"a": ["b"], "b": ["a"]}, jobs=1)
