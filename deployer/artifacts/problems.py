"""Collect the problems of a function's code, to report all of them in one error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from deployer.errors import DeployError

E = TypeVar("E", bound=DeployError)


@dataclass(frozen=True)
class Problem:
    """A problem: *fact* is `place: fact`, *hint* is how to fix it."""

    fact: str
    hint: str = ""


def combined_error(kind: type[E], problems: Sequence[Problem]) -> E:
    """Return one error of *kind* with all *problems*, each once."""
    facts = dict.fromkeys(problem.fact for problem in problems)
    hints = dict.fromkeys(problem.hint for problem in problems if problem.hint)
    return kind("\n".join(facts), hint="; ".join(hints))
