"""Decide which jobs may start: those whose dependencies are done, up to a limit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import TopologicalSorter


class Schedule:
    """A queue of the jobs of a dependency graph; each starts as soon as its dependencies are done.

    *needs* maps each name to its dependencies. Of the names that are ready at the same time, the one
    with the longest path to a job without dependents starts first, according to the *durations* that
    are known; otherwise the order is that of *needs*. With one job at a time, all start exactly in the
    order of *needs*. Raise graphlib.CycleError if the graph has a cycle.
    """

    def __init__(
        self,
        needs: Mapping[str, Collection[str]],
        jobs: int,
        durations: Mapping[str, float] | None = None,
    ) -> None:
        self._needs = {
            name: [dependency for dependency in dependencies if dependency in needs]
            for name, dependencies in needs.items()
        }
        paths = _longest_paths(self._needs, durations or {}) if jobs > 1 else {}
        self._rank = {name: (-paths.get(name, 0.0), rank) for rank, name in enumerate(self._needs)}
        self._jobs = jobs
        self._sorter = TopologicalSorter(self._needs)
        self._sorter.prepare()
        self._ready: list[str] = []
        self._running: set[str] = set()
        self._failed: set[str] = set()

    def start(self) -> tuple[str, ...]:
        """Return the names whose jobs start now, each name once; call `done` when one has finished."""
        self._ready = sorted([*self._ready, *self._sorter.get_ready()], key=self._rank.__getitem__)
        free = max(0, self._jobs - len(self._running))
        started, self._ready = self._ready[:free], self._ready[free:]
        self._running.update(started)
        return tuple(started)

    def done(self, name: str, *, succeeded: bool) -> None:
        """Mark *name* as finished; if it did not succeed, its dependents must be skipped."""
        self._running.remove(name)
        self._sorter.done(name)
        if not succeeded:
            self._failed.add(name)

    def failed_dependencies(self, name: str) -> tuple[str, ...]:
        """Return the direct dependencies of *name* that did not succeed."""
        return tuple(dependency for dependency in self._needs[name] if dependency in self._failed)


def _longest_paths(
    needs: Mapping[str, Collection[str]], durations: Mapping[str, float]
) -> dict[str, float]:
    """Return the seconds from the start of each job to the end of the last one that depends on it."""
    paths: dict[str, float] = {}
    for name in reversed([*TopologicalSorter(needs).static_order()]):
        paths[name] = paths.get(name, 0.0) + durations.get(name, 0.0)
        for dependency in needs[name]:
            paths[dependency] = max(paths.get(dependency, 0.0), paths[name])
    return paths
