"""Tests of `destroy`: deletion order, confirmation of data loss, orphans and foreign stacks."""

from __future__ import annotations

import json
import re
import shutil

import pytest

import emulator
from tests.end_to_end import checkout as checkouts
from tests.end_to_end.checkout import COMPLETE, DEV

KEPT_LINE = re.compile(r"^kept: ([\w-]+): kept by its DeletionPolicy: (.*)$", re.MULTILINE)
NOTE = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "foreign"}}


def test_dependents_are_deleted_first(tiny):
    """Dependents are deleted before the stack; a second run has nothing to delete."""
    tiny.run("deploy")

    destroyed = tiny.run("destroy", "--stack=right", "--yes")
    again = tiny.run("destroy", "--stack=right", "--yes")

    deleted = [line.split()[0] for line in destroyed.err.splitlines() if " deleted  " in line]
    assert list(dict.fromkeys(deleted)) == ["crd-local-top", "crd-local-right"]
    assert tiny.stacks().keys() == {"ground", "far", "left"}
    assert again.last == "nothing to delete"


def test_resources_are_listed_before_approval(tiny):
    """`destroy` lists deleted and kept resources, and needs an approval unless it is a dry run."""
    tiny.configure(left={"bucket": "kept", "retain": True}, right={"bucket": "lost"})
    tiny.run("deploy")
    confirm = "--confirm=crd-local-left"
    with tiny.recorded_requests() as proxy:
        shown = tiny.run("destroy", "--dry-run", code=2)
        document = json.loads(tiny.run("destroy", "--dry-run", "--json", code=2).out)
        unapproved = tiny.run("destroy", confirm, code=3)
        unapproved_json = tiny.run("destroy", confirm, "--json", code=3)
    tiny.run("destroy", confirm, "--yes")

    nothing = tiny.run("destroy", "--dry-run")

    rows = {line.split()[0]: line for line in shown.out.splitlines() if "  delete  " in line}
    assert {f"crd-local-{stack}" for stack in COMPLETE} == rows.keys()
    assert "kept: Bucket (AWS::S3::Bucket): it is kept, outside of CloudFormation" in shown.out
    assert "lost: Bucket (AWS::S3::Bucket): its data is deleted" in shown.out
    assert "holds data: needs --confirm=crd-local-left" in shown.out
    assert [*rows] == [deletion["stack"] for deletion in document["deletions"]]
    assert "lost: Bucket" in unapproved.err
    assert "cannot ask for approval: standard input is not a terminal" in unapproved.err
    assert (
        "hint:  pass --yes to approve without a question, or --dry-run to list the deletions"
        in unapproved.err
    )
    assert '"event": "deletions"' in unapproved_json.err
    assert "GuardError" in unapproved_json.err
    assert "cannot ask for approval: --json prints no questions" in unapproved_json.err
    assert proxy.written == []
    assert nothing.out == "nothing to delete\n"


def test_an_orphan_is_removed(tiny):
    """`plan` reports a stack that is not in the code, with the command that deletes it.

    See "To remove a stack" in docs/architecture.md.
    """
    tiny.configure(left={"bucket": "kept", "retain": True})
    tiny.run("deploy")
    for bucket in tiny.client("s3").list_buckets()["Buckets"]:
        tiny.client("s3").put_object(Bucket=bucket["Name"], Key="precious", Body=b"x")
    layers = tiny.path / "stacks/__init__.py"
    with_left = layers.read_text()
    layers.write_text(re.sub(r'    layers.add\("left".*\n', "", with_left))

    plan = tiny.run("plan")
    deploy = tiny.run("deploy")
    status = tiny.run("status")
    [command] = {*re.findall(r"to remove it: \./inv (.*)", plan.out + deploy.err + status.out)}
    refused = tiny.run(*command.split(), "--yes", code=3)
    kept = tiny.stacks()
    destroyed = tiny.run(*command.split(), "--yes", "--confirm=crd-local-left")

    assert command == "destroy --stack=crd-local-left --env=local"
    assert "crd-local-left  orphan  deployed, but no longer in layers() (ca-central-1)" in plan.out
    assert "error: nothing was deleted:\n       crd-local-left holds data\n" in refused.err
    assert "hint:  to delete: --confirm=crd-local-left\n" in refused.err
    assert kept == COMPLETE
    assert tiny.stacks().keys() == {"ground", "far", "right", "top"}
    [bucket] = tiny.client("s3").list_buckets()["Buckets"]
    assert KEPT_LINE.findall(destroyed.err) == [("crd-local-left", f"Bucket ({bucket['Name']})")]
    assert tiny.client("s3").list_objects_v2(Bucket=bucket["Name"])["KeyCount"] == 1
    assert "orphan" not in tiny.run("plan").out


def test_an_orphan_in_use_is_refused(tiny):
    """An orphan is not deleted while a deployed stack imports its outputs."""
    tiny.run("deploy")
    layers = tiny.path / "stacks/__init__.py"
    code = layers.read_text()
    code = re.sub(r"    right = layers.add.*\n", "", code)
    layers.write_text(code.replace("config.top, right, far,", "config.top, far,"))

    refused = tiny.run("destroy", "--stack=right", "--yes", code=3)
    [command] = re.findall(r"hint: .*: \./inv (.*)", refused.err)
    tiny.run(*command.split())
    destroyed = tiny.run("destroy", "--stack=right", "--yes")

    assert "error: crd-local-right: crd-local-top imports from it\n" in refused.err
    assert command == "deploy --env=local --stack=crd-local-top --only"
    assert destroyed.last.startswith("1 deleted, in ")
    assert tiny.stacks().keys() == {"ground", "far", "left", "top"}


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """Yield an account with the environments dev and dev-two, each deployed from its own checkout.

    A checkout cannot have both: policies for the names of dev would match those of dev-two.
    """
    copied = checkouts.tiny(tmp_path_factory.mktemp("account"))
    endpoint = emulator.as_account(copied.endpoint, DEV)
    zones = (("Z0DEVEXAMPLE", "dev.example"), ("Z0DEVTWOEXAMPLE", "dev-two.example"))
    emulator.create_prerequisites(endpoint, emulator.Prerequisites(zones))
    with copied.recorded_requests() as copied.proxy:
        copied.env |= copied.proxy.variables
        copied.env |= copied.root_key(DEV)
        for env in ("dev-two", "dev"):
            only(copied, env)
            copied.run("deploy", f"--env={env}", "--yes", "--skip-preflight")
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


def create_foreign_stack(checkout, name, tags):
    """Create a stack without the deployer."""
    checkout.client("cloudformation", account=DEV).create_stack(
        StackName=name,
        TemplateBody=json.dumps({"Resources": {"Note": NOTE}}),
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


def test_other_environments_and_foreign_stacks_are_not_deleted(account):
    """Stacks with the environment's prefix but without its tags are ignored and not deleted."""
    only(account, "dev")
    tags = {"project": "cruddur", "env": "dev"}
    create_foreign_stack(account, "crd-dev-manual", {})
    create_foreign_stack(account, "crd-dev-copied", tags | {"stack": "crd-dev-ground"})
    create_foreign_stack(
        account, "crd-dev-other", tags | {"project": "other", "stack": "crd-dev-other"}
    )
    foreign = {"crd-dev-manual", "crd-dev-copied", "crd-dev-other"}
    dev, two = ({f"crd-{env}-{stack}" for stack in COMPLETE} for env in ("dev", "dev-two"))

    before = names(account)
    plan = account.run("plan", "--env=dev")
    status = account.run("status", "--env=dev")
    destroyed = account.run("destroy", "--env=dev", "--yes")
    after = names(account)
    only(account, "dev-two")
    still = account.run("plan", "--env=dev-two")
    account.run("destroy", "--env=dev-two", "--yes")

    assert dev | two | foreign == before
    for shown in (plan.out, status.out):
        assert "orphan" not in shown
        assert not [name for name in two | foreign if name in shown]
    assert destroyed.err.count("  delete  CREATE_COMPLETE in ") == len(dev)
    assert two | foreign == after
    assert "5 stacks: 5 keep\n" in still.out
    assert foreign == names(account)


def test_stack_name_of_another_owner_is_refused(account):
    """Commands report all stacks of another owner with the environment's names, and change nothing."""
    only(account, "dev")
    for name in ("crd-dev-left", "crd-dev-right"):
        create_foreign_stack(account, name, {})
    account.proxy.calls.clear()

    refused = [
        account.run(*task, "--env=dev", code=3)
        for task in (["plan"], ["deploy", "--yes"], ["status"], ["outputs"])
    ]
    account.run("destroy", "--env=dev", "--yes")
    named = account.run("destroy", "--env=dev", "--stack=left", "--yes", code=3)

    for result in (*refused, named):
        assert (
            "error: crd-dev-left in ca-central-1: not a stack of dev: it lacks the tags"
            in result.err
        )
    assert all(
        "crd-dev-right in ca-central-1: not a stack of dev" in result.err for result in refused
    )
    assert "hint:  remove it, or choose another prefix in the [env] table" in refused[0].err
    assert account.proxy.written == []
    assert {"crd-dev-left", "crd-dev-right"} <= names(account)
