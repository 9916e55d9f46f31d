"""`invoke destroy`: from the top down, and what holds data only when it is named."""

from __future__ import annotations

import json
import re

KEPT = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}
KEPT_LINE = re.compile(r"^kept: ([\w-]+): kept by its DeletionPolicy: (.*)$", re.MULTILINE)


def test_dependants(tiny):
    """What stands on a stack goes before it; again, there is nothing to do."""
    tiny.run("deploy")

    gone = tiny.run("destroy", "--stack=right")
    again = tiny.run("destroy", "--stack=right")

    deleted = [line.split()[0] for line in gone.err.splitlines() if "DELETE_COMPLETE" in line]
    assert ["crd-local-top", "crd-local-right"] == list(dict.fromkeys(deleted))
    assert {"ground", "far", "left"} == tiny.stacks().keys()
    assert again.last.startswith("nothing done, in ")


def test_data(tiny):
    """A stack that holds data goes only when named; what its policy keeps is said, and is there.

    That goes for an orphan too, whatever tool had made it.
    """
    tiny.configure(left={"bucket": "kept", "keeps": True})
    tiny.run("deploy")
    tiny.client("cloudformation").create_stack(
        StackName="crd-local-orphan", TemplateBody=json.dumps({"Resources": {"Old": KEPT}})
    )
    tiny.settle()
    for bucket in tiny.client("s3").list_buckets()["Buckets"]:
        tiny.client("s3").put_object(Bucket=bucket["Name"], Key="precious", Body=b"x")
    with tiny.wire() as wire:
        refused = tiny.run("destroy", "--confirm=crd-local-left", code=3)

    gone = tiny.run("destroy", "--confirm=crd-local-left", "--confirm=crd-local-orphan")

    assert "error: nothing was deleted:\n       crd-local-orphan holds data\n" in refused.err
    assert "hint:  if that is meant: --confirm=crd-local-orphan\n" in refused.err
    assert [] == wire.written
    there = {bucket["Name"] for bucket in tiny.client("s3").list_buckets()["Buckets"]}
    kept = dict(KEPT_LINE.findall(gone.err))
    assert {"crd-local-left": "Bucket", "crd-local-orphan": "Old"} == {
        stack: resource.partition(" ")[0] for stack, resource in kept.items()
    }
    assert there == {resource.partition("(")[2].rstrip(")") for resource in kept.values()}
    assert all(tiny.client("s3").list_objects_v2(Bucket=name)["KeyCount"] for name in there)
    assert {} == tiny.stacks()
