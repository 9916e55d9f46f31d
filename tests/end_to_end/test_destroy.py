"""`invoke destroy`: from the top down, and what holds data only when it is named."""

from __future__ import annotations

import json
import re
import shutil

import pytest

import emulator
from tests.end_to_end import checkout as checkouts
from tests.end_to_end.checkout import COMPLETE, DEV

KEPT_LINE = re.compile(r"^kept: ([\w-]+): kept by its DeletionPolicy: (.*)$", re.MULTILINE)
NOTE = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "theirs"}}


def test_dependants(tiny):
    """What stands on a stack goes before it; again, there is nothing to do."""
    tiny.run("deploy")

    gone = tiny.run("destroy", "--stack=right", "--yes")
    again = tiny.run("destroy", "--stack=right", "--yes")

    deleted = [line.split()[0] for line in gone.err.splitlines() if " deleted  " in line]
    assert ["crd-local-top", "crd-local-right"] == list(dict.fromkeys(deleted))
    assert {"ground", "far", "left"} == tiny.stacks().keys()
    assert "nothing to delete" == again.last


def test_shown_and_asked(tiny):
    """It shows deleted and kept resources; a dry run ends there, and no terminal is an error."""
    tiny.configure(left={"bucket": "kept", "keeps": True}, right={"bucket": "lost"})
    tiny.run("deploy")
    confirm = "--confirm=crd-local-left"
    with tiny.wire() as wire:
        shown = tiny.run("destroy", "--dry-run", code=2)
        document = json.loads(tiny.run("destroy", "--dry-run", "--json", code=2).out)
        asked = tiny.run("destroy", confirm, code=3)
        unasked = tiny.run("destroy", confirm, "--json", code=3)
    tiny.run("destroy", confirm, "--yes")

    nothing = tiny.run("destroy", "--dry-run")

    rows = {line.split()[0]: line for line in shown.out.splitlines() if "  delete  " in line}
    assert {f"crd-local-{layer}" for layer in COMPLETE} == rows.keys()
    assert "kept: Bucket (AWS::S3::Bucket): it is kept, outside of CloudFormation" in shown.out
    assert "lost: Bucket (AWS::S3::Bucket): its data is deleted" in shown.out
    assert "holds data: needs --confirm=crd-local-left" in shown.out
    assert [*rows] == [each["stack"] for each in document["deletions"]]
    assert "lost: Bucket" in asked.err
    assert "cannot ask for approval: standard input is not a terminal" in asked.err
    assert "hint:  pass --yes to approve without a question, or --dry-run to only look" in asked.err
    assert '"event": "deletions"' in unasked.err
    assert "GuardError" in unasked.err
    assert "cannot ask for approval: --json prints no questions" in unasked.err
    assert [] == wire.written
    assert "nothing to delete\n" == nothing.out


def test_an_orphan_is_removed(tiny):
    """For a stack without a layer in the code, plan names the command that removes it.

    As docs/tasks.md says, "To remove a stack".
    """
    tiny.configure(left={"bucket": "kept", "keeps": True})
    tiny.run("deploy")
    for bucket in tiny.client("s3").list_buckets()["Buckets"]:
        tiny.client("s3").put_object(Bucket=bucket["Name"], Key="precious", Body=b"x")
    layers = tiny.path / "stacks/__init__.py"
    with_left = layers.read_text()
    layers.write_text(re.sub(r'    tiny.add\("left".*\n', "", with_left))

    plan = tiny.run("plan")
    deploy = tiny.run("deploy")
    status = tiny.run("status")
    [command] = {*re.findall(r"to remove it: \./inv (.*)", plan.out + deploy.err + status.out)}
    refused = tiny.run(*command.split(), "--yes", code=3)
    there = tiny.stacks()
    gone = tiny.run(*command.split(), "--yes", "--confirm=crd-local-left")

    assert "destroy --stack=crd-local-left --env=local" == command
    assert "crd-local-left  orphan  deployed, but no longer in layers() (ca-central-1)" in plan.out
    assert "error: nothing was deleted:\n       crd-local-left holds data\n" in refused.err
    assert "hint:  to delete: --confirm=crd-local-left\n" in refused.err
    assert COMPLETE == there
    assert {"ground", "far", "right", "top"} == tiny.stacks().keys()
    [bucket] = tiny.client("s3").list_buckets()["Buckets"]
    assert [("crd-local-left", f"Bucket ({bucket['Name']})")] == KEPT_LINE.findall(gone.err)
    assert 1 == tiny.client("s3").list_objects_v2(Bucket=bucket["Name"])["KeyCount"]
    assert "orphan" not in tiny.run("plan").out


def test_an_orphan_in_use_is_refused(tiny):
    """A layer that was not deployed since still imports from it: that is deployed first."""
    tiny.run("deploy")
    layers = tiny.path / "stacks/__init__.py"
    code = layers.read_text()
    code = re.sub(r"    right = tiny.add.*\n", "", code)
    layers.write_text(code.replace("config.top, right, far,", "config.top, far,"))

    refused = tiny.run("destroy", "--stack=right", "--yes", code=3)
    [command] = re.findall(r"hint: .*: \./inv (.*)", refused.err)
    tiny.run(*command.split())
    gone = tiny.run("destroy", "--stack=right", "--yes")

    assert "error: crd-local-right: crd-local-top imports from it\n" in refused.err
    assert "deploy --env=local --stack=crd-local-top --only" == command
    assert gone.last.startswith("1 deleted, in ")
    assert {"ground", "far", "left", "top"} == tiny.stacks().keys()


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """One account with the environments dev and dev-two, each deployed from a checkout of its own.

    No checkout can have both: their names would let the policies of one reach the other.
    """
    copied = checkouts.tiny(tmp_path_factory.mktemp("account"))
    endpoint = emulator.as_account(copied.endpoint, DEV)
    zones = (("Z0DEVEXAMPLE", "dev.example"), ("Z0DEVTWOEXAMPLE", "dev-two.example"))
    emulator.create_prerequisites(endpoint, emulator.Prerequisites(zones))
    with copied.wire() as copied.between:
        copied.env |= copied.between.proxy
        copied.env |= copied.root_key(DEV)
        for env in ("dev-two", "dev"):
            only(copied, env)
            copied.run("deploy", f"--env={env}", "--yes")
        yield copied
    emulator.stop(copied.emulator)


def only(checkout, env):
    """Leave only the environment *env* in the checkout."""
    for file in (checkout.path / "config").glob("*.toml"):
        file.unlink()
    shutil.rmtree(checkout.path / "build", ignore_errors=True)
    checkout.configure(env, protect=False)
    checkout.run("synth")


def names(checkout):
    """Return the names of all stacks of the account."""
    return {
        stack["StackName"]
        for region in ("ca-central-1", "us-east-1")
        for stack in checkout.client("cloudformation", region, DEV).describe_stacks()["Stacks"]
    }


def theirs(checkout, name, tags):
    """Create a stack without the deployer."""
    checkout.client("cloudformation", account=DEV).create_stack(
        StackName=name,
        TemplateBody=json.dumps({"Resources": {"Note": NOTE}}),
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


def test_environments_and_foreign_stacks_survive_each_other(account):
    """Stacks with the environment's prefix but without its tags are ignored and not deleted."""
    only(account, "dev")
    tags = {"project": "cruddur", "env": "dev"}
    theirs(account, "crd-dev-byhand", {})
    theirs(account, "crd-dev-copied", tags | {"stack": "crd-dev-ground"})
    theirs(account, "crd-dev-other", tags | {"project": "other", "stack": "crd-dev-other"})
    byhand = {"crd-dev-byhand", "crd-dev-copied", "crd-dev-other"}
    dev, two = ({f"crd-{env}-{layer}" for layer in COMPLETE} for env in ("dev", "dev-two"))

    before = names(account)
    plan = account.run("plan", "--env=dev")
    status = account.run("status", "--env=dev")
    gone = account.run("destroy", "--env=dev", "--yes")
    after = names(account)
    only(account, "dev-two")
    still = account.run("plan", "--env=dev-two")
    account.run("destroy", "--env=dev-two", "--yes")

    assert dev | two | byhand == before
    for shown in (plan.out, status.out):
        assert "orphan" not in shown
        assert not [name for name in two | byhand if name in shown]
    assert gone.err.count("  delete  CREATE_COMPLETE in ") == len(dev)
    assert two | byhand == after
    assert "5 stacks: 5 keep\n" in still.out
    assert byhand == names(account)


def test_stack_name_of_another_owner_is_refused(account):
    """By plan, deploy, status and outputs, all of them at once, and nothing is touched."""
    only(account, "dev")
    for name in ("crd-dev-left", "crd-dev-right"):
        theirs(account, name, {})
    account.between.calls.clear()

    refused = [
        account.run(*task, "--env=dev", code=3)
        for task in (["plan"], ["deploy", "--yes"], ["status"], ["outputs"])
    ]
    account.run("destroy", "--env=dev", "--yes")
    named = account.run("destroy", "--env=dev", "--stack=left", "--yes", code=3)

    for ran in (*refused, named):
        assert (
            "error: crd-dev-left in ca-central-1: not a stack of dev: it lacks the tags" in ran.err
        )
    assert all("crd-dev-right in ca-central-1: not a stack of dev" in ran.err for ran in refused)
    assert "hint:  remove it, or choose another prefix in the [env] table" in refused[0].err
    assert [] == account.between.written
    assert {"crd-dev-left", "crd-dev-right"} <= names(account)
