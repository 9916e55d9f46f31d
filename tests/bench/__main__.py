"""Runs every benchmark, or those named: `python -m tests.bench [NAME…] [--rounds N]`."""

import argparse
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from tests.bench.timing import PYCACHE, Absent, Line, table

NAMES = sorted(path.stem[6:] for path in Path(__file__).parent.glob("bench_*.py"))


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--rounds", type=int, default=7, help="that count, after one that does not")
    arguments = parser.parse_args()
    names = arguments.names or NAMES
    if unknown := sorted(set(names) - set(NAMES)):
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    shutil.rmtree(PYCACHE, ignore_errors=True)  # Each side may use what it keeps itself.
    print(table(line for name in names for line in measured(name, arguments.rounds)))
    for name in names:
        print(f"\n{name}: {import_module(f'tests.bench.bench_{name}').__doc__}", end="")
    print()


def measured(name: str, rounds: int) -> Iterator[Line]:
    """The lines of one benchmark; each says which it is of. One that fails stops no other."""
    try:
        lines = import_module(f"tests.bench.bench_{name}").rows(rounds)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        lines = [Absent("failed", "see what it said above")]
    for line in lines:
        yield replace(line, name=f"{name}: {line.name}")


if __name__ == "__main__":
    main()
