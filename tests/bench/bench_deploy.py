"""A deploy with nothing to do, against `cdk deploy --all` of the same resources and endpoint."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import emulator
from operations import lambdas
from operations.project import project
from tests.bench import cdk
from tests.bench.checkout import copied
from tests.bench.counting import counted
from tests.bench.npm import NoPeer
from tests.bench.timing import Command, Exact, Line, command, paired, run
from tests.emulator_server import Aws

PEERS_ACCOUNT = "111111111111"  # Stacks of both have the same names.


def rows(rounds: int) -> tuple[Line, ...]:
    """Whole processes, synth included on both sides, and what each asks of AWS.

    Our side synthesises and lints every stack, and looks at those that CDK has too.
    """
    try:
        app = cdk.app("local", account=PEERS_ACCOUNT, alone=True)
    except NoPeer as no:
        return (no.line,)
    with copied() as copy:
        same = [f"--stack={stack['name']}" for stack in app.stacks]
        ours = command(sys.executable, "-m", "invoke", "deploy", "--env=local", *same, cwd=copy)
        run(ours)
        there = Aws(emulator.running(copy / ".emulator", account=PEERS_ACCOUNT))
        env = _prepare(there, app)
        peer = app.deploy(env)
        run(peer)
        row = paired(f"nothing to do, {app.size}", ours, peer, rounds=rounds, goal=0.40)
        return row, _calls(ours, app, env, copy / ".emulator")


def _prepare(there: Aws, app: cdk.App) -> Mapping[str, str]:
    """What points CDK to its account, which has what is made by hand.

    And what our deploy uploads by itself: CDK's own upload would need its bootstrap stack.
    """
    local = project().open("local")
    zone = (local.env.hosted_zone, local.env.domain)
    emulator.create_prerequisites(there.endpoint, emulator.Prerequisites(hosted_zones=(zone,)))
    env = emulator.environment_variables(there.endpoint, region=local.env.region)
    foundation = local.env.stack_name("foundation")
    run(app.deploy(env, foundation))
    files = {artifact.key: lambdas.read_zip(artifact) for artifact in local.artifacts}
    files |= {part.key: part.text.encode() for each in local.desired for part in each.nested}
    bucket = there.outputs(foundation)["Artifacts"]
    for key, body in files.items():
        there.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return env


def _calls(ours: Command, app: cdk.App, env: Mapping[str, str], folder: Path) -> Exact:
    """How often each calls AWS."""
    there = emulator.running(folder)
    with counted(there) as (url, of_peer):
        run(app.deploy({**env, "AWS_ENDPOINT_URL": url}))
    with counted(there) as (url, of_us), _answering_at(url, folder):
        run(ours)
    named = ", ".join(f"{name} {count}" for name, count in of_us.items())
    return Exact(f"calls to AWS ({named})", of_us.total(), of_peer.total(), "calls")


@contextmanager
def _answering_at(url: str, folder: Path) -> Iterator[None]:
    """Let the emulator in *folder* be found at *url* for a while."""
    note = folder / "server.json"
    written = note.read_text()
    note.write_text(json.dumps(json.loads(written) | {"port": urlsplit(url).port}))
    try:
        yield
    finally:
        note.write_text(written)
