"""All templates of prod, against `cdk synth` (JS, L1 classes, validation off) of the same resources."""

from __future__ import annotations

import shutil
import sys

from tests.bench import cdk
from tests.bench.checkout import copied
from tests.bench.npm import NoPeer
from tests.bench.timing import Line, command, measure_in_turn

DIRECT = """
from operations.project import environment
from deployer import synth

prod = environment("prod")
synth.write(prod.desired, prod.build)
"""


def rows(rounds: int) -> tuple[Line, ...]:
    """Return the rows: synth alone and through Invoke, with configuration and YAML, without build/."""
    try:
        peer = cdk.app("prod")
    except NoPeer as absent:
        return (absent.line,)
    with copied() as copy:

        def delete_templates() -> None:
            shutil.rmtree(copy / "build" / "prod", ignore_errors=True)

        direct = command(sys.executable, "-c", DIRECT, cwd=copy, before=delete_templates)
        invoked = (sys.executable, "-m", "invoke", "synth", "--env=prod")
        invoke = command(*invoked, cwd=copy, before=delete_templates)
        commands = {
            f"direct, {peer.size}": (direct, 1 / 9),
            "through invoke": (invoke, 1 / 6),
        }
        return measure_in_turn(peer.synth(), commands, rounds=rounds)
