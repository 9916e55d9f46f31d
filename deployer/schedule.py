"""Decide which jobs may start: those whose dependencies are done, up to a limit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import TopologicalSorter


class Schedule:
    """A queue of the jobs of a dependency graph; each starts as soon as its dependencies are done.

    *needs* maps each name to its dependencies. Names that are ready at the same time start in the
    order of *needs*; with one job at a time, all start exactly in that order. Raise
    graphlib.CycleError if the graph has a cycle.
    """

    def __init__(self, needs: Mapping[str, Collection[str]], jobs: int) -> None:
        self._needs = {
            name: [dependency for dependency in dependencies if dependency in needs]
            for name, dependencies in needs.items()
        }
        self._rank = {name: rank for rank, name in enumerate(self._needs)}
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
