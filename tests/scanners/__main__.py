"""Run all third-party scanners, or those named: `python -m tests.scanners [TOOL …] [--env ENV]`.

Prints a line for each finding that is not accepted, and exits 1 if there is one or a scanner fails.
"""

from __future__ import annotations

import argparse
import sys

from deployer.lint import describe
from tests.scanners.session import Answer, answers, templates
from tests.scanners.table import TOOLS


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.scanners", description=__doc__)
    parser.add_argument("tools", nargs="*", metavar="TOOL", help=f"of {', '.join(TOOLS)}")
    parser.add_argument("--env", default="", help="one environment (default: every one)")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.tools) - TOOLS.keys()):
        parser.error(f"unknown scanner {', '.join(unknown)}; there are {', '.join(TOOLS)}")
    tools = [tool for name, tool in TOOLS.items() if name in (arguments.tools or TOOLS)]
    well = True
    for answer in answers(tools, templates(arguments.env), whole=not arguments.env):
        print(told(answer), flush=True)
        well = well and answer.well
    return 0 if well else 1


def told(answer: Answer) -> str:
    """Return the unexplained findings of a scanner and a summary, each on a line."""
    if not (verdict := answer.verdict):
        return f"error: {answer.tool}: {answer.error}"
    good, bad = len(verdict.accepted), len(verdict.unexplained)
    summary = f"{answer.tool}: {good} accepted, {bad} unexplained, {answer.seconds:.1f} s"
    return "\n".join([*map(describe, verdict.unexplained), summary])


if __name__ == "__main__":
    sys.exit(main())
