"""The stacks of `local` and the same resources as a CDK app, both deployed to one emulator."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import emulator
from deployer.artifacts import RELEASES
from operations import lambdas
from operations.project import project
from tests.bench import cdk
from tests.bench.aws_call_counter import counted
from tests.bench.checkout import copied
from tests.bench.timing import Command, Exact, command, run
from tests.emulator_server import Aws

CDK_ACCOUNT = "111111111111"  # An account of its own, because stack names are the same.


@dataclass(frozen=True)
class DeployedApps:
    """A checkout with an emulator, and the CDK app *app* with the variables *env* for its account."""

    copy: Path
    app: cdk.App
    env: Mapping[str, str]

    def task(self, *task: str) -> Command:
        """Return a task of this project for the stacks that the app has as well."""
        stacks = [f"--stack={stack['name']}" for stack in self.app.stacks]
        arguments = ("-m", "invoke", *task, "--env=local", *stacks)
        return command(sys.executable, *arguments, cwd=self.copy)

    def calls(self, ours: Command, peer: Command) -> Exact:
        """Count the AWS calls of both sides."""
        folder = self.copy / ".emulator"
        endpoint = emulator.running(folder)
        with counted(endpoint) as (url, cdk_calls):
            run(replace(peer, env={**peer.env, "AWS_ENDPOINT_URL": url}))
        with counted(endpoint) as (url, our_calls), _recorded_at(url, folder):
            run(ours)
        names = ", ".join(f"{name} {count}" for name, count in our_calls.items())
        name = f"calls to AWS ({names})"
        return Exact(name, our_calls.total(), cdk_calls.total(), "calls")


@contextmanager
def deployed_apps() -> Iterator[DeployedApps]:
    """Deploy both, and stop the emulator at the end. Raise NoPeer without CDK."""
    app = cdk.app("local", account=CDK_ACCOUNT, one_region=True)
    with copied() as copy:
        ours = DeployedApps(copy, app, {})
        run(ours.task("deploy"))
        aws = Aws(emulator.running(copy / ".emulator", account=CDK_ACCOUNT))
        both = replace(ours, env=_prepare(aws, app))
        run(app.deploy(both.env))
        yield both


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
        for prefix in ("", RELEASES):  # Depending on the stack: see Layers.key_prefix.
            aws.client("s3").put_object(Bucket=bucket, Key=f"{prefix}{key}", Body=body)
    return env


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
