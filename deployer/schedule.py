"""Says what may run now: everything whose needs are met, lowest first, so many at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import TopologicalSorter


class Schedule:
    """A ready queue over the dependency graph: nobody waits for a level to be finished.

    *needs* maps each name to what must be done before it, in the order in which names that
    could start together do start; with one job at a time that order is the literal one.
    Raises graphlib.CycleError if the graph has a cycle.
    """

    def __init__(self, needs: Mapping[str, Collection[str]], jobs: int) -> None:
        names = {name: [need for need in below if need in needs] for name, below in needs.items()}
        self._rank = {name: rank for rank, name in enumerate(names)}
        self._needs = names
        self._jobs = jobs
        self._sorter = TopologicalSorter(names)
        self._sorter.prepare()
        self._waiting: list[str] = []
        self._running: set[str] = set()
        self._failed: set[str] = set()

    def start(self) -> tuple[str, ...]:
        """What starts now. Each name is given once; tell `done` when it is finished."""
        self._waiting = sorted(
            [*self._waiting, *self._sorter.get_ready()], key=self._rank.__getitem__
        )
        free = max(0, self._jobs - len(self._running))
        now, self._waiting = self._waiting[:free], self._waiting[free:]
        self._running.update(now)
        return tuple(now)

    def done(self, name: str, *, succeeded: bool) -> None:
        """*name* is finished; if not *succeeded*, what stands on it shall not be tried."""
        self._running.remove(name)
        self._sorter.done(name)
        if not succeeded:
            self._failed.add(name)

    def stopped_by(self, name: str) -> tuple[str, ...]:
        """What *name* stands on that was not done well: then it is to be skipped, not run."""
        return tuple(need for need in self._needs[name] if need in self._failed)
