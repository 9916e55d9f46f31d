"""Tests of deploys that change or remove exports while other stacks import them."""

from __future__ import annotations

import signal

import pytest

import emulator
from tests.end_to_end import checkout as checkouts

_ENV = """\
[env]
project = "cruddur"
prefix = "crd"
name = "local"
account = "000000000000"
region = "ca-central-1"
domain = "local.example"
hosted_zone = "Z0LOCALEXAMPLE"
protect = false
"""


@pytest.fixture(scope="module")
def exporting(tmp_path_factory):
    """Yield a copy of the checkout with the stacks of tests/end_to_end/exporting/."""
    stacks = checkouts.TINY.parent / "exporting"
    copied = checkouts.with_stacks(tmp_path_factory.mktemp("exporting"), stacks)
    yield copied
    emulator.stop(copied.emulator)


def configure(checkout, **settings):
    """Write the settings of the sources."""
    text = _ENV
    for stack in ("source", "other"):
        text += f"\n[{stack}]\n"
        text += "".join(f"{key} = {value}\n" for key, value in settings.get(stack, {}).items())
    (checkout.path / "config" / "local.toml").write_text(text)


def deploy(checkout, **settings):
    """Deploy the stacks with these *settings*; return what the command printed."""
    configure(checkout, **settings)
    return checkout.run("deploy").err


def failed_events(checkout):
    """Return every event of a failed or rolled back operation."""
    client = checkout.client("cloudformation")
    return [
        event
        for stack in client.describe_stacks()["Stacks"]
        for event in client.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
        if "FAILED" in event["ResourceStatus"] or "ROLLBACK" in event["ResourceStatus"]
    ]


def exports(checkout):
    """Return the exports of all stacks."""
    found = checkout.client("cloudformation").list_exports()["Exports"]
    return {export["Name"].removeprefix("crd-local-"): export["Value"] for export in found}


def topics(checkout):
    """Return the names of all topics."""
    found = checkout.client("sns").list_topics()["Topics"]
    return sorted(topic["TopicArn"].rpartition(":")[2] for topic in found)


def target_ports(checkout):
    """Return the ports of all target groups."""
    found = checkout.client("elbv2").describe_target_groups()["TargetGroups"]
    return sorted(group["Port"] for group in found)


def test_removed_export(exporting):
    """An export that is imported is kept with its resource until the importer is updated."""
    deploy(exporting, source={"topics": 3})
    before = topics(exporting)

    printed = deploy(exporting, source={"topics": 2})

    assert "in 2 steps: keeps Topics3 until the update of reader" in printed
    assert sorted(exports(exporting)) == ["source-Topics1", "source-Topics2"]
    assert len(topics(exporting)) == len(before) - 1
    assert failed_events(exporting) == []
    assert "4 stacks: 4 keep" in deploy(exporting, source={"topics": 2})


def test_moved_export(exporting):
    """An output that moves to another stack is created there before it is removed here."""
    deploy(exporting, source={"topics": 1})

    deploy(exporting, other={"topics": 1})

    assert sorted(exports(exporting)) == ["other-Topics1"]
    assert failed_events(exporting) == []


def test_changed_port(exporting):
    """The value of an export changes, and resources behind exports are replaced, also in a chain."""
    deploy(exporting, source={"port": 4567})
    before = exports(exporting)

    printed = deploy(exporting, source={"port": 5000})

    after = exports(exporting)
    assert before["source-Port"] == "4567"
    assert after["source-Port"] == "5000"
    assert before["source-Group"] != after["source-Group"]
    assert after["reader-Chained"].endswith(":chained-5000")
    assert target_ports(exporting) == [5000]
    assert not [name for name in topics(exporting) if name == "chained-4567"]
    assert failed_events(exporting) == [], printed
    assert (
        "PinnedImports"
        not in exporting.client("cloudformation").get_template(StackName="crd-local-reader")[
            "TemplateBody"
        ]
    )


def test_export_of_another_resource(exporting):
    """A renamed resource behind an export is kept until its importer uses the new one."""
    deploy(exporting, source={"port": 4567})
    before = exports(exporting)

    printed = deploy(exporting, source={"port": 4567, "group": '"Renamed"'})

    assert "in 2 steps: keeps the removed Group until the update of reader" in printed
    assert before["source-Group"] != exports(exporting)["source-Group"]
    assert target_ports(exporting) == [4567]
    assert failed_events(exporting) == []


@pytest.mark.parametrize(
    "line", ["crd-local-reader  updated", "crd-local-source  updated", "crd-local-end     updated"]
)
def test_continued_after_a_kill(exporting, line):
    """A deploy that is killed between two steps is completed by the same command."""
    deploy(exporting, source={"port": 4567})
    configure(exporting, source={"port": 5000})
    with exporting.running("deploy") as running:
        running.wait_for(line)
        running.interrupt(signal.SIGKILL)
    exporting.wait_for_operations()

    deploy(exporting, source={"port": 5000})

    assert exports(exporting)["source-Port"] == "5000"
    assert exports(exporting)["reader-Chained"].endswith(":chained-5000")
    assert target_ports(exporting) == [5000]
    assert [name for name in topics(exporting) if name.startswith("chained")] == ["chained-5000"]
    assert failed_events(exporting) == []


def test_importer_that_is_not_selected(exporting):
    """A changed value is refused before anything changes if its importer is not deployed."""
    deploy(exporting, source={"port": 4567})
    configure(exporting, source={"port": 5000})

    refused = exporting.run("deploy", "--stack=source", code=3)

    assert (
        "crd-local-source: the export crd-local-source-Port changes, and crd-local-reader, which "
        "imports it, is not among the stacks to deploy"
    ) in refused.err
    assert exports(exporting)["source-Port"] == "4567"


def test_fewer_zones(checkout):
    """A zone is removed from the network while the load balancer uses its subnet."""
    file = checkout.path / "config" / "local.toml"
    text = file.read_text()
    file.write_text(text.replace("zones = 2", "zones = 3"))
    checkout.run("deploy", "--stack=cluster")
    before = checkout.client("cloudformation").list_exports()["Exports"]

    file.write_text(text)
    printed = checkout.run("deploy", "--stack=cluster").err

    names = [export["Name"] for export in before]
    assert "crd-local-network-PublicSubnets3" in names
    assert "in 2 steps: keeps PublicSubnets3" in printed
    after = checkout.client("cloudformation").list_exports()["Exports"]
    assert not [export for export in after if export["Name"].endswith("Subnets3")]
    assert failed_events(checkout) == []
