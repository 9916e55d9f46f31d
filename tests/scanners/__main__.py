"""Run all third-party scanners, or the named ones: `python -m tests.scanners [TOOL …] [--env ENV]`.

Prints a line for each unexplained finding. The exit code is 1 if there is such a finding, or if a scanner failed.
"""

from __future__ import annotations

import argparse
import sys

from deployer.lint import describe
from tests.scanners.scan import ScanResult, load_templates, run_tools
from tests.scanners.table import TOOLS


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.scanners", description=__doc__)
    parser.add_argument("tools", nargs="*", metavar="TOOL", help=f"of {', '.join(TOOLS)}")
    parser.add_argument("--env", default="", help="one environment (default: all)")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.tools) - TOOLS.keys()):
        parser.error(f"unknown scanner {', '.join(unknown)}; there are {', '.join(TOOLS)}")
    tools = [tool for name, tool in TOOLS.items() if name in (arguments.tools or TOOLS)]
    passed = True
    for result in run_tools(tools, load_templates(arguments.env), complete=not arguments.env):
        print(format_result(result), flush=True)
        passed = passed and result.passed
    return 0 if passed else 1


def format_result(result: ScanResult) -> str:
    """Return a line for each unexplained finding, and a summary line."""
    if not (verdict := result.verdict):
        return f"error: {result.tool}: {result.error}"
    accepted, unexplained = len(verdict.accepted), len(verdict.unexplained)
    summary = (
        f"{result.tool}: {accepted} accepted, {unexplained} unexplained, {result.seconds:.1f} s"
    )
    return "\n".join([*map(describe, verdict.unexplained), summary])


if __name__ == "__main__":
    sys.exit(main())
