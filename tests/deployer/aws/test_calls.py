"""The requests of whole runs, against the emulator."""

from __future__ import annotations

import io
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from troposphere import ec2, s3

import emulator
from deployer import deployment, execute, plan, report, synth
from deployer.aws import connect
from deployer.aws.account import Account
from deployer.aws.cloud import (
    DeployedStack,
)
from deployer.config.fields import Settings
from deployer.environment import Environment
from deployer.events import Finished, Outcome
from deployer.follow import Watch
from deployer.model import Env, Layers, Template, Value
from deployer.model.desired import DesiredStack
from deployer.run import LatestStacks, Run
from tests.deployer.aws.responses import (
    ENV,
    REGION,
    stack,
)
from tests.deployer.test_deployment import HOOKS
from tests.emulator.templates import template, topic
from tests.fakes import desired_stack
from tests.loopback import Loopback, response


def count_requests(account: Account) -> Counter[tuple[str, str]]:
    """Count the requests from now on, by call and region."""
    counts: Counter[tuple[str, str]] = Counter()

    def count(request: Any, **_: Any) -> None:
        action = dict(parse_qsl(request.body))["Action"]
        region = request.headers["Authorization"].decode().split("/")[2]
        counts[action, region] += 1

    for client in account._clients.values():
        client.meta.events.register("before-send", count)
    account.session.register("before-send", count)
    return counts


@dataclass(frozen=True)
class Outputs:
    """The outputs of the stacks of these tests."""

    vpc: Value


def one_vpc(t: Template, _: Env, *_outputs: Outputs) -> Outputs:
    """Define a stack with a VPC."""
    return Outputs(t.add_resource(ec2.VPC("Vpc", CidrBlock="10.0.0.0/16")).ref())


def three_stacks(env: Env) -> Layers:
    """Return two stacks, one depending on the other, and one in another region."""
    layers = Layers(env)
    layers.add("upper", one_vpc, layers.add("lower", one_vpc))
    layers.in_region("us-east-1").add("edge", one_vpc)
    return layers


def run(account: Account, env: Env, desired: Sequence[DesiredStack]) -> dict[str, Outcome]:
    """Deploy as the task does, and return the outcome of each stack."""
    connect.check_credentials(env, account)
    found = [
        stack
        for region in dict.fromkeys(stack.region for stack in desired)
        for stack in account.stacks(region)
    ]
    watch = Watch(account, SystemClock(), timeout=20, unreachable_timeout=1)
    run = Run(
        f"run-{time.monotonic_ns()}", watch, lambda *_: True, LatestStacks(found), owner=env.owner
    )
    events = execute.deploy(plan.plan(desired, found), run, jobs=4)
    return {event.stack: event.outcome for event in events if isinstance(event, Finished)}


class SystemClock:
    """The clock of the machine."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


def test_a_run_with_nothing_to_do_reads_once(account: Account, endpoint: emulator.Endpoint) -> None:
    """The run calls GetCallerIdentity once, and DescribeStacks once per region."""
    env = msgspec.structs.replace(ENV, account=endpoint.account)
    desired = synth.synth(three_stacks(env))
    run(account, env, desired)
    counts = count_requests(account)

    second = run(account, env, desired)

    assert set(second.values()) == {Outcome.KEPT}
    assert counts == {
        ("GetCallerIdentity", REGION): 1,
        ("DescribeStacks", REGION): 1,
        ("DescribeStacks", "us-east-1"): 1,
    }


@dataclass(frozen=True)
class BucketOutputs:
    """The outputs of the stack with the artifact bucket."""

    bucket: Value


def one_bucket(t: Template, _: Env) -> BucketOutputs:
    """Define a stack with the artifact bucket."""
    enabled = s3.VersioningConfiguration(Status="Enabled")
    return BucketOutputs(t.add_resource(s3.Bucket("Bucket", VersioningConfiguration=enabled)).ref())


def with_nested(t: Template, env: Env, bucket_outputs: BucketOutputs) -> Outputs:
    """Define a stack with a VPC in a nested stack."""
    return t.nest(
        "Inner",
        lambda t, env, *_: one_vpc(t, env),
        env,
        None,
        bucket_outputs,
        store=bucket_outputs.bucket,
    )


def nested_stacks(env: Env) -> Layers:
    """Return the stack of the bucket, and one that depends on it."""
    layers = Layers(env)
    base = layers.add("base", one_bucket)
    layers.use_artifact_bucket(base.bucket)
    layers.add("outer", with_nested, base)
    return layers


def test_a_foreign_nested_template_is_replaced(
    account: Account, endpoint: emulator.Endpoint
) -> None:
    """The bucket has another template under the key of a nested stack."""
    env = msgspec.structs.replace(ENV, account=endpoint.account)
    desired = synth.synth(nested_stacks(env))
    [part] = desired[1].nested
    run(account, env, desired[:1])
    bucket = stack_of(account, "base").outputs["Bucket"]
    poisoned = json.dumps(template(Backdoor=topic()))
    account.client("s3", REGION).put_object(Bucket=bucket, Key=part.key, Body=poisoned)

    done = run(account, env, desired)

    assert Outcome.CREATED is done["crd-dev-outer"]
    [inner] = [stack for stack in account.stacks(REGION) if stack.is_nested]
    assert part.text == account.template(REGION, inner.name)


def stack_of(account: Account, name: str) -> DeployedStack:
    """Return a deployed stack by its short name."""
    found = account.stack(REGION, ENV.stack_name(name))
    assert found
    return found


def test_a_first_run_writes_twice_for_each_stack(
    account: Account, endpoint: emulator.Endpoint
) -> None:
    """A change set is created and executed; all other calls read."""
    env = msgspec.structs.replace(ENV, account=endpoint.account)
    desired = synth.synth(three_stacks(env))
    counts = count_requests(account)

    first = run(account, env, desired)

    assert set(first.values()) == {Outcome.CREATED}
    looking = ("Describe", "Get")
    writes = {call: times for call, times in counts.items() if not call[0].startswith(looking)}
    assert writes == {
        ("CreateChangeSet", REGION): 2,
        ("ExecuteChangeSet", REGION): 2,
        ("CreateChangeSet", "us-east-1"): 1,
        ("ExecuteChangeSet", "us-east-1"): 1,
    }


def test_a_plan_without_changes_only_lists_the_stacks(
    fake_account: Account, fake_aws: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan reads every page of the stacks, and no template of a stack with the same digest."""
    monkeypatch.setattr(deployment, "check_before_deployment", lambda *_: None)
    desired = [desired_stack("network"), desired_stack("cluster", needs=["network"])]
    pages = [response(Stacks=[unchanged(desired[0])], NextToken="2")]
    fake_aws.on("DescribeStacks", *pages, response(Stacks=[unchanged(desired[1])]))
    env = msgspec.structs.replace(ENV, name="x")
    environment = Environment(env, tuple(desired), tmp_path / "build" / "x", Settings())
    synth.write(desired, environment.build)
    reporter = report.reporter(json=False, stream=io.StringIO(), environ={}, live=False)

    planned = deployment.Deployment(environment, fake_account, reporter, HOOKS).plan()

    assert [type(step) for step in planned.steps] == [plan.Keep, plan.Keep]
    assert fake_aws.actions == ["DescribeStacks", "DescribeStacks"]


def unchanged(desired: DesiredStack) -> dict[str, Any]:
    """Return a stack of DescribeStacks that is as desired."""
    tags = [{"Key": key, "Value": value} for key, value in desired.tags.items()]
    outputs = [{"OutputKey": "Digest", "OutputValue": desired.digest}]
    return stack(desired.name) | {"Tags": tags, "Outputs": outputs}
