"""The order in which jobs start."""

from __future__ import annotations

from graphlib import CycleError

import pytest

from deployer.schedule import Schedule

DIAMOND = {"base": [], "left": ["base"], "right": ["base"], "top": ["left", "right"]}


def test_ready_jobs_start() -> None:
    """In a diamond of dependencies, both sides start after the base, and the top after both sides."""
    schedule = Schedule(DIAMOND, jobs=4)

    assert schedule.start() == ("base",)
    assert schedule.start() == ()
    schedule.done("base", succeeded=True)
    assert schedule.start() == ("left", "right")
    schedule.done("right", succeeded=True)
    assert schedule.start() == ()
    schedule.done("left", succeeded=True)
    assert schedule.start() == ("top",)


def test_the_limit_of_jobs() -> None:
    """Jobs beyond the limit wait in the given order."""
    schedule = Schedule({"c": [], "a": [], "b": []}, jobs=2)

    assert schedule.start() == ("c", "a")
    schedule.done("a", succeeded=True)
    assert schedule.start() == ("b",)


def test_the_longest_path_starts_first() -> None:
    """The path counts, not only the job itself; unknown durations count as nothing."""
    needs = {"quick": [], "slow": [], "base": [], "top": ["base"], "new": []}

    schedule = Schedule(needs, 2, {"quick": 10, "slow": 60, "base": 5, "top": 90})

    assert schedule.start() == ("base", "slow")
    schedule.done("slow", succeeded=True)
    assert schedule.start() == ("quick",)


def test_one_job_at_a_time_keeps_the_order() -> None:
    """With --jobs=1 the durations do not matter."""
    schedule = Schedule({"quick": [], "slow": []}, 1, {"slow": 60})

    assert schedule.start() == ("quick",)


def test_dependents_of_a_failure_have_a_failed_dependency() -> None:
    """The dependents of a skipped job have a failed dependency, too."""
    schedule = Schedule(DIAMOND, jobs=4)
    schedule.start()
    schedule.done("base", succeeded=True)
    schedule.start()
    schedule.done("left", succeeded=False)
    schedule.done("right", succeeded=True)

    assert schedule.start() == ("top",)
    assert schedule.failed_dependencies("top") == ("left",)
    assert schedule.failed_dependencies("right") == ()


def test_dependencies_outside_of_the_graph_are_ignored() -> None:
    """A stack that is deployed alone depends on stacks that exist already."""
    schedule = Schedule({"cluster": ["network"]}, jobs=1)

    assert schedule.start() == ("cluster",)


def test_a_cycle_is_an_error() -> None:
    """Stacks cannot have a cycle. Without the error, a schedule with a cycle would wait forever."""
    with pytest.raises(CycleError):
        Schedule({"a": ["b"], "b": ["a"]}, jobs=1)
