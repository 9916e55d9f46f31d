"""Run all benchmarks, or some of them: `python -m tests.bench [NAME…] [--rounds N]`."""

import argparse
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from tests.bench.timing import PYCACHE, ROOT, Absent, Line, table

# As in pytest's settings: the packages of the functions and of the backend.
sys.path += [str(ROOT / "lambdas"), str(ROOT / "backend")]

NAMES = sorted(path.stem[6:] for path in Path(__file__).parent.glob("bench_*.py"))


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument(
        "--rounds", type=int, default=7, help="measured rounds, after one for warming up"
    )
    arguments = parser.parse_args()
    names = arguments.names or NAMES
    if unknown := sorted(set(names) - set(NAMES)):
        parser.error(f"unknown benchmark {', '.join(unknown)}; choose from {', '.join(NAMES)}")
    shutil.rmtree(PYCACHE, ignore_errors=True)  # Both sides start without bytecode.
    print(table(line for name in names for line in measured(name, arguments.rounds)))
    for name in names:
        print(f"\n{name}: {import_module(f'tests.bench.bench_{name}').__doc__}", end="")
    print()


def measured(name: str, rounds: int) -> Iterator[Line]:
    """Yield the lines of one benchmark, with its name. A failure does not stop the others."""
    try:
        lines = import_module(f"tests.bench.bench_{name}").rows(rounds)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        lines = [Absent("failed", "see the error above")]
    for line in lines:
        yield replace(line, name=f"{name}: {line.name}")


if __name__ == "__main__":
    main()
