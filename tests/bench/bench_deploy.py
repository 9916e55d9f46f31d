"""A deploy with nothing to do, against `cdk deploy --all` of the same resources at the same endpoint."""

from __future__ import annotations

from tests.bench.deployed_apps import deployed_apps
from tests.bench.npm import NoPeer
from tests.bench.timing import Line, paired


def rows(rounds: int) -> tuple[Line, ...]:
    """Return the rows: the time of whole processes, with synth, and the number of AWS calls.

    `deploy` synthesizes and lints all stacks, and looks up those that CDK also has.
    """
    try:
        with deployed_apps() as apps:
            ours, peer = apps.task("deploy"), apps.app.deploy(apps.env)
            name = f"nothing to do, {apps.app.size}"
            row = paired(name, ours, peer, rounds=rounds, goal=0.40)
            return row, apps.calls(ours, peer)
    except NoPeer as absent:
        return (absent.line,)
