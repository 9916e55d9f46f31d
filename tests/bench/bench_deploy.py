"""A deploy with nothing to do, against `cdk deploy --all` of the same resources at the same endpoint."""

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
from tests.bench.aws_call_counter import counted
from tests.bench.checkout import copied
from tests.bench.npm import NoPeer
from tests.bench.timing import Command, Exact, Line, command, paired, run
from tests.emulator_server import Aws

CDK_ACCOUNT = "111111111111"  # An account of its own, because stack names are the same.


def rows(rounds: int) -> tuple[Line, ...]:
    """Return the rows: the time of whole processes, with synth, and the number of AWS calls.

    `deploy` synthesizes and lints all stacks, and looks up those that CDK also has.
    """
    try:
        app = cdk.app("local", account=CDK_ACCOUNT, one_region=True)
    except NoPeer as absent:
        return (absent.line,)
    with copied() as copy:
        stacks = [f"--stack={stack['name']}" for stack in app.stacks]
        ours = command(sys.executable, "-m", "invoke", "deploy", "--env=local", *stacks, cwd=copy)
        run(ours)
        aws = Aws(emulator.running(copy / ".emulator", account=CDK_ACCOUNT))
        env = _prepare(aws, app)
        peer = app.deploy(env)
        run(peer)
        row = paired(f"nothing to do, {app.size}", ours, peer, rounds=rounds, goal=0.40)
        return row, _calls(ours, app, env, copy / ".emulator")


def _prepare(aws: Aws, app: cdk.App) -> Mapping[str, str]:
    """Prepare the account of CDK; return the environment variables for it.

    The account gets the prerequisites, and the files that `deploy` uploads itself: CDK would need
    its bootstrap stack to upload them.
    """
    local = project().open("local")
    zone = (local.env.hosted_zone, local.env.domain)
    emulator.create_prerequisites(aws.endpoint, emulator.Prerequisites(hosted_zones=(zone,)))
    env = emulator.environment_variables(aws.endpoint, region=local.env.region)
    foundation = local.env.stack_name("foundation")
    run(app.deploy(env, foundation))
    files = {artifact.key: lambdas.read_zip(artifact) for artifact in local.artifacts}
    files |= {
        template.key: template.text.encode() for stack in local.desired for template in stack.nested
    }
    bucket = aws.outputs(foundation)["Artifacts"]
    for key, body in files.items():
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return env


def _calls(ours: Command, app: cdk.App, env: Mapping[str, str], folder: Path) -> Exact:
    """Count the AWS calls of both sides."""
    endpoint = emulator.running(folder)
    with counted(endpoint) as (url, cdk_calls):
        run(app.deploy({**env, "AWS_ENDPOINT_URL": url}))
    with counted(endpoint) as (url, our_calls), _recorded_at(url, folder):
        run(ours)
    names = ", ".join(f"{name} {count}" for name, count in our_calls.items())
    return Exact(f"calls to AWS ({names})", our_calls.total(), cdk_calls.total(), "calls")


@contextmanager
def _recorded_at(url: str, folder: Path) -> Iterator[None]:
    """Record *url* as the address of the emulator in *folder* within the block."""
    record = folder / "server.json"
    original = record.read_text()
    record.write_text(json.dumps(json.loads(original) | {"port": urlsplit(url).port}))
    try:
        yield
    finally:
        record.write_text(original)
