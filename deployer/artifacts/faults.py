"""What is wrong with the code of a function: every fault is told, not only the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from deployer.errors import DeployError

E = TypeVar("E", bound=DeployError)


@dataclass(frozen=True)
class Fault:
    """*fact* begins with the place; *hint* is the way out."""

    fact: str
    hint: str = ""


def told(kind: type[E], faults: Sequence[Fault]) -> E:
    """One error of *kind* that tells all *faults*, each once."""
    facts = dict.fromkeys(fault.fact for fault in faults)
    hints = dict.fromkeys(fault.hint for fault in faults if fault.hint)
    return kind("\n".join(facts), hint="; ".join(hints))
