"""A live plan without changes, against `cdk diff` of the same resources at the same endpoint.

Ours makes one GetCallerIdentity call, and one paged DescribeStacks call for each region.
"""

from __future__ import annotations

from tests.bench.deployed_apps import deployed_apps
from tests.bench.npm import NoPeer
from tests.bench.timing import Line, paired


def rows(rounds: int) -> tuple[Line, ...]:
    """Return the rows: the time of whole processes, with synth, and the number of AWS calls."""
    try:
        with deployed_apps() as apps:
            ours, peer = apps.task("plan"), apps.app.diff_all(apps.env)
            row = paired(f"no changes, {apps.app.size}", ours, peer, rounds=rounds, goal=0.40)
            return row, apps.calls(ours, peer)
    except NoPeer as absent:
        return (absent.line,)
