"""The offline plan of a pull request, against `cdk diff` (JS, L1 classes) of the same resources.

The edit is another `network.cidr` in prod, which replaces the network and most of what is in it. Ours
plans all stacks of all environments in git, with the settings that the changes come from, and from the
objects of git. The peer compares the stacks of prod with files of their former templates, each in a
process: `cdk diff --template` compares one stack. A second row has only its process for the network.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.bench import cdk
from tests.bench.checkout import copied
from tests.bench.npm import NoPeer
from tests.bench.timing import Line, command, paired

_CIDR = 'cidr = "10.2.0.0/16"', 'cidr = "10.9.0.0/16"'
_CHANGES = 2  # The exit code of a plan with changes.


def rows(rounds: int) -> tuple[Line, ...]:
    """Return the row of the offline plan."""
    try:
        peer = cdk.app("prod")
    except NoPeer as absent:
        return (absent.line,)
    with copied() as copy:
        _edit(copy)
        plan = (sys.executable, "-m", "invoke", "plan", "--offline", "--base=HEAD")
        ours = command(*plan, cwd=copy, codes=(_CHANGES,))
        before = copy / "before"
        before.mkdir()
        for stack in peer.stacks:
            (before / f"{stack['name']}.json").write_text(json.dumps(stack["template"]))
        one = peer.diff("crd-prod-network", before / "crd-prod-network.json")
        return (
            paired(
                f"network.cidr, {peer.size}",
                ours,
                peer.diff_each(before),
                rounds=min(rounds, 3),
                goal=1 / 5,
            ),
            paired("network.cidr, one stack of the peer", ours, one, rounds=rounds),
        )


def _edit(copy: Path) -> None:
    """Commit the checkout in *copy*, then change the network of prod."""
    git = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.com")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "base")):
        subprocess.run([*git, *arguments], cwd=copy, check=True)
    config = copy / "config" / "prod.toml"
    config.write_text(config.read_text().replace(*_CIDR))
    synth = [sys.executable, "-m", "invoke", "synth"]
    subprocess.run(synth, cwd=copy, check=True, stdout=subprocess.DEVNULL)
