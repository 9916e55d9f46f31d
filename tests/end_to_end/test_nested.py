"""Tests of the reports about stacks that are nested three levels deep."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import emulator
from tests.end_to_end import checkout as checkouts
from tests.end_to_end.checkout import LOCAL, Checkout

NESTING = Path(__file__).parent / "nesting"
EXEMPTION = """\
[[exemption]]
rule = "C921"
stack = "crd-local-shelf-{}-Deep"
resource = "Table"
reason = "No stack depends on this table."
date = 2026-11-30

"""
BROKEN_LINE = (NESTING / "shelf.py").read_text().partition("ec2.SecurityGroup(")[0].count("\n")


@pytest.fixture
def nesting(checkout_folder):
    """Yield a copy of the checkout with nested stacks, with nothing deployed."""
    copied = checkouts.with_stacks(checkout_folder, NESTING)
    (copied.path / "deployer/lint/exemptions.toml").write_text(
        "".join(EXEMPTION.format(stack) for stack in ("Left", "Right"))
    )
    configure(copied)
    yield copied
    emulator.stop(copied.emulator)


def configure(checkout: Checkout, **shelf: Any) -> None:
    """Write the config file with the settings *shelf*."""
    text = checkouts._ENV.format(env="local", account=LOCAL, zone="Z0EXAMPLE", protect="false")
    lines = [f"{key} = {checkouts._toml(value)}" for key, value in shelf.items()]
    (checkout.path / "config/local.toml").write_text("\n".join([text, "[shelf]", *lines, ""]))


def tables(checkout: Checkout) -> dict[str, str]:
    """Return the key of each table of the account by its name."""
    client = checkout.client("dynamodb")
    found = [
        client.describe_table(TableName=name)["Table"]
        for name in client.list_tables()["TableNames"]
    ]
    return {table["TableName"]: table["KeySchema"][0]["AttributeName"] for table in found}


def physical(checkout: Checkout, *path: str) -> str:
    """Return the physical id of the resource at a path of logical ids."""
    name = "crd-local-shelf"
    for title in path:
        found = checkout.client("cloudformation").describe_stack_resource(
            StackName=name, LogicalResourceId=title
        )
        name = found["StackResourceDetail"]["PhysicalResourceId"]
    return str(name)


def test_replacement_of_a_nested_table(nesting):
    """The plan and the change set name a nested table whose key changes.

    The other nested stack of the same template does not change and is not named.
    """
    nesting.run("deploy")
    item = {"TableName": physical(nesting, "Left", "Deep", "Table"), "Item": {"pk": {"S": "1"}}}
    nesting.client("dynamodb").put_item(**item)
    configure(nesting, key="id")

    planned = nesting.run("plan", code=2)
    document = json.loads(nesting.run("plan", "--json", code=2).out)
    deployed = nesting.run("deploy")

    replacement = (
        "! shelf: Left/Deep/Table (AWS::DynamoDB::Table) may be replaced, because KeySchema changes"
    )
    assert f"{replacement}: its data is deleted" in " ".join(planned.out.split())
    [losses] = [step["data_losses"] for step in document["steps"] if step["data_losses"]]
    assert [(loss["path"], loss["logical_id"]) for loss in losses] == [(["Left", "Deep"], "Table")]
    assert re.search(
        r"± Left/Deep/Table  AWS::DynamoDB::Table  may be replaced  .*(\n.*){1}\n +KeySchema",
        deployed.err,
    ), deployed.err
    assert "Right" not in planned.out
    assert " Right/" not in deployed.err
    assert sorted(tables(nesting).values()) == ["id", "pk"]
    items = nesting.client("dynamodb").scan(TableName=physical(nesting, "Left", "Deep", "Table"))
    assert items["Items"] == []


def test_removal_of_a_nested_stack(nesting):
    """A removed nested stack is reported with its resources, and deleted with them."""
    nesting.run("deploy")
    configure(nesting, right=False)

    planned = nesting.run("plan", code=2)
    deployed = nesting.run("deploy")

    removal = "Right/Deep/Table (AWS::DynamoDB::Table) is removed: its data is deleted"
    assert f"! shelf: {removal}" in planned.out
    assert f"! {removal}" in deployed.err
    assert "- Right, Right/Deep, Right/Deep/Table  removed" in deployed.err
    assert list(tables(nesting).values()) == ["pk"]


def test_nested_data_needs_confirmation(nesting):
    """A stack with retained nested tables is deleted only with `--confirm`, and the tables are kept.

    The output names the tables. An orphan with retained tables needs the confirmation, too.
    """
    configure(nesting, retain=True)
    nesting.run("deploy")
    before = tables(nesting)
    with nesting.recorded_requests() as proxy:
        refused = nesting.run("destroy", "--stack=shelf", code=3)
    make_orphan(nesting)
    with nesting.recorded_requests() as second_proxy:
        again = nesting.run("destroy", "--confirm=crd-local-shelf", code=3)

    confirm = ["--confirm=crd-local-shelf", "--confirm=crd-local-orphan"]
    destroyed = nesting.run("destroy", "--yes", *confirm)

    assert "error: nothing was deleted:\n       crd-local-shelf holds data\n" in refused.err
    assert "crd-local-orphan holds data\n" in again.err
    assert [] == proxy.written == second_proxy.written
    kept = dict(
        re.findall(
            r"^kept: ([\w-]+): kept by its DeletionPolicy: (.*)$", destroyed.err, re.MULTILINE
        )
    )
    assert re.fullmatch(
        r"Right/Deep/Table \(\S+\), Left/Deep/Table \(\S+\)", kept["crd-local-shelf"]
    ), kept
    assert kept["crd-local-orphan"].startswith("Below/Table (")
    assert before.keys() < tables(nesting).keys()
    assert nesting.stacks() == {}


def make_orphan(checkout: Checkout) -> None:
    """Create an owned stack with a nested stack, and with a table in it that is retained."""
    text = (checkout.path / "build/local/shelf.Left.Deep.yaml").read_text()
    client = checkout.client("s3")
    [bucket] = [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
    client.put_object(Bucket=bucket, Key="orphan.yaml", Body=text.encode())
    url = f"https://{bucket}.s3.ca-central-1.amazonaws.com/orphan.yaml"
    below = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    tags = {"project": "cruddur", "env": "local", "stack": "crd-local-orphan"}
    checkout.client("cloudformation").create_stack(
        StackName="crd-local-orphan",
        TemplateBody=json.dumps({"Resources": {"Below": below}}),
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    checkout.wait_for_operations()


def test_buckets_are_emptied(nesting):
    """In the local environment `destroy` also empties buckets in nested stacks."""
    configure(nesting, bucket="inside")
    nesting.run("deploy")
    bucket = physical(nesting, "Right", "Deep", "Bucket")
    nesting.client("s3").put_object(Bucket=bucket, Key="x", Body=b"x")

    nesting.run("destroy", "--yes")

    assert nesting.client("s3").list_buckets()["Buckets"] == []


def test_error_of_a_nested_resource(nesting):
    """The error names the innermost resource that failed, with its path, reason and line."""
    configure(nesting, broken=True)
    created = nesting.run("deploy", code=5)
    configure(nesting)
    nesting.run("deploy")
    configure(nesting, broken=True, key="id")
    updated = nesting.run("deploy", code=5)

    for failed in (created, updated):
        first = failed.err[failed.err.index("failed: ") :].splitlines()[0]
        assert first.startswith(
            "failed: crd-local-shelf: Right/Deep/Broken (AWS::EC2::SecurityGroup): "
        )
        assert "does not exist" in first
        assert first.endswith(f"(defined at stacks/shelf.py:{BROKEN_LINE})")
        assert "CREATE_FAILED       Right/Deep/Broken (AWS::EC2::SecurityGroup)" in failed.err
    assert list(tables(nesting).values()) == ["pk", "pk"]
    assert {"shelf": "UPDATE_ROLLBACK_COMPLETE"}.items() <= nesting.stacks().items()


def test_manual_change_is_reverted(nesting):
    """A manual change of a nested stack is found by --verify, and reverted by a deploy."""
    nesting.run("deploy")
    client = nesting.client("cloudformation")
    stack = physical(nesting, "Left", "Deep")
    text = client.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    client.update_stack(
        StackName=stack,
        TemplateBody=re.sub(
            "PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false", text
        ),
    )
    nesting.wait_for_operations()

    plain = nesting.run("plan")
    verified = nesting.run("plan", "--verify", code=2)
    nesting.run("deploy", "--verify")
    again = nesting.run("plan", "--verify")

    assert "2 stacks: 2 keep" in plain.out
    assert "template text of Left/Deep changed, its digest did not" in verified.out
    assert "2 stacks: 2 keep" in again.out


def test_pending_change_sets_are_deleted(nesting):
    """Change sets that were not executed are deleted with the stack, also those of nested stacks."""
    nesting.run("deploy", "--stack=store")
    nesting.run("deploy", "--no-execute")
    pending = nesting.stacks()
    deployed = nesting.run("deploy")
    nesting.run("destroy", "--yes")

    assert {status for name, status in pending.items() if name != "store"} == {"REVIEW_IN_PROGRESS"}
    assert "created" in deployed.last
    assert nesting.stacks() == {}
    assert tables(nesting) == {}
