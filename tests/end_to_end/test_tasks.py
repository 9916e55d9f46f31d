"""Tests of tasks that read and print: data on standard output, the rest on standard error."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import emulator
from tests.end_to_end import checkout as checkouts
from tests.end_to_end.checkout import ROOT, SMALL_STACKS

EVERY_HELP = """
import sys
from invoke.program import Program

for task in sys.argv[1:]:
    print("##", task)
    Program().run(["invoke", task, "--help"], exit=False)
"""


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """Yield a copy of the checkout with the small stacks deployed."""
    copied = checkouts.tiny(tmp_path_factory.mktemp("deployed"))
    copied.run("deploy")
    yield copied
    emulator.stop(copied.emulator)


def test_plan(deployed):
    """`plan` exits with 2 if a stack needs a change, otherwise with 0; it changes nothing."""
    with deployed.recorded_requests() as proxy:
        unchanged = deployed.run("plan", "--verify")
        deployed.configure(left={"title": "New"})
        changed = deployed.run("plan", code=2)
        as_json = json.loads(deployed.run("plan", "--json", "--stack=left", code=2).out)
        deployed.configure()

    assert unchanged.out[-17:] == "5 stacks: 5 keep\n"
    assert "local: 2 changed; 4 stacks unchanged\n" in changed.out
    assert '"A small stack"' in changed.out
    assert "5 stacks: 1 update, 4 keep\n" in changed.out
    assert changed.err == "local: account 000000000000, region ca-central-1, emulator\n"
    assert as_json["counts"] == {"update": 1, "keep": 1}
    assert as_json["version"] == 2
    assert proxy.written == []


def test_outputs(deployed):
    """`outputs` prints a table, JSON, and lines for dotenv files and shells."""
    table = deployed.run("outputs").out
    one = deployed.run("outputs", "--stack=far").out
    parsed = json.loads(deployed.run("outputs", "--format=json").out)
    dotenv = deployed.run("outputs", "--format=dotenv").out
    shell = deployed.shell('eval "$(invoke outputs --format=shell)"; echo "$CRD_RIGHT_NOTE"')

    assert "crd-local-far     Note  note1.far.local.example.\n" in table
    assert one == "crd-local-far  Note  note1.far.local.example.\n"
    stacks = ["crd-local-ground", "crd-local-far", "crd-local-right"]
    assert stacks == [row["stack"] for row in parsed["outputs"]]
    assert "CRD_GROUND_NOTE=note1.ground.local.example." in dotenv
    assert shell == "note1.right.local.example.\n"


def test_status_and_graph(deployed):
    """`status` prints the state of each stack, `graph` their dependencies."""
    status = deployed.run("status").out
    as_json = json.loads(deployed.run("status", "--json").out)
    mermaid = deployed.run("graph").out
    dot = deployed.run("graph", "--format=dot").out

    assert all(f"crd-local-{stack}" in status for stack in SMALL_STACKS)
    assert len(SMALL_STACKS) == status.count("CREATE_COMPLETE")
    assert len(SMALL_STACKS) == len(as_json["stacks"])
    assert "ground --> left" in mermaid or "left --> ground" in mermaid
    assert "digraph" in dot


def test_json(tiny):
    """With `--json` each line of stderr is an event with a version, and stdout is JSON as well."""
    deployed = tiny.run("deploy", "--json")
    events = [json.loads(line) for line in deployed.err.splitlines()]
    outputs = tiny.run("outputs", "--format=json")
    status = tiny.run("status", "--json")
    tiny.configure(right={"broken": True})
    failed = [json.loads(line) for line in tiny.run("deploy", "--json", code=5).err.splitlines()]
    error = tiny.run("deploy", "--json", "--stack=x", code=1)

    assert {event["version"] for event in events + failed} == {2}
    assert [event["event"] for event in events[:2]] == ["start", "plan"]
    assert events[-1]["outcomes"] == {"created": 5}
    assert events[-1]["exit_code"] == 0
    assert outputs.out == deployed.out
    assert [json.loads(line)["event"] for line in status.err.splitlines()] == ["start"]
    assert failed[-1]["exit_code"] == 5
    assert json.loads(error.err.splitlines()[-1])["error"]["kind"] == "ConfigError"


def test_lint(tiny):
    """`lint` prints finding, stack and line of the stack file; a local `deploy` prints it as a warning."""
    clean = tiny.run("lint")
    file = tiny.path / "stacks/small.py"
    file.write_text(file.read_text().replace("{settings.title}", "{settings.title} 123456789012"))
    found = tiny.run("lint", code=1)
    deployed = tiny.run("deploy")

    assert clean.out == "local: 5 templates, 0 functions, no findings\n"
    assert "stacks/small.py:" in found.err
    assert "crd-local-ground Note1: C005 has the account id 123456789012" in found.err
    assert "see docs/policy.md#C005" in found.err
    assert "warning: stacks/small.py:" in deployed.err
    assert len(tiny.stacks()) == 5


def test_colour(deployed):
    """Output has colours only on a terminal or with FORCE_COLOR; NO_COLOR takes precedence."""
    plain = deployed.run("deploy").err
    forced = deployed.run("deploy", FORCE_COLOR="1").err
    none = deployed.run("deploy", FORCE_COLOR="1", NO_COLOR="1").err

    assert "\x1b" not in plain + none
    assert "\x1b[" in forced


def test_help(tmp_path):
    """Every task has a --help text, and printing it runs nothing."""
    checkout = checkouts.copy(tmp_path)
    tree = json.loads(checkout.run("--list", "--list-format=json").out)
    names = [task["name"] for task in tree["tasks"]]
    names += [
        f"{collection['name']}.{task['name']}"
        for collection in tree["collections"]
        for task in collection["tasks"]
    ]

    printed = checkout.command("-c", EVERY_HELP, *names)

    helps = dict(section.split("\n", 1) for section in printed.out.split("## ")[1:])
    assert set(names) == helps.keys()
    for name, text in helps.items():
        assert text.startswith(f"Usage: invoke [--core-opts] {name} "), text
        assert "Docstring:\n  none" not in text, f"{name} has no help text"
    assert not checkout.emulator.exists()
    assert not (checkout.path / "build").exists()


def test_emulator(tiny):
    """Tasks start, show, stop and reset the emulator."""
    started = tiny.run("emulator.start").out
    tiny.run("deploy", "--stack=far")
    running = tiny.run("emulator.status").out
    stopped = tiny.run("emulator.stop").out, tiny.run("emulator.stop").out
    kept = tiny.stacks()
    refused = tiny.run("emulator.reset", code=3)
    after_refusal = tiny.stacks()
    tiny.run("emulator.reset", "--yes")
    status = tiny.run("emulator.status").out
    address = started.splitlines()[0]

    assert address == running.splitlines()[0]
    assert address.startswith("address    http://127.0.0.1:")
    assert stopped == ("stopped\n", "the emulator is not running\n")
    assert {"far": "CREATE_COMPLETE"} == kept == after_refusal
    assert f"{tiny.emulator}: " in refused.out
    assert " bytes of stacks and services, " in refused.out
    assert (
        "hint: pass --yes to approve without a question, or run `./inv emulator.status`"
        in refused.err
    )
    assert status.startswith("address    stopped\n")
    assert tiny.stacks() == {}


def test_unknown_task():
    """An unknown task is an error without a traceback that suggests the nearest task."""
    command = [sys.executable, "-m", "invoke", "dploy"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 1
    assert ran.stderr.splitlines()[0] == "error: dploy: no such task; did you mean deploy?"


def test_plan_with_change_sets(deployed):
    """`plan --change-sets` compares its prediction with real change sets, and deletes them."""
    deployed.configure(left={"title": "New"})
    with deployed.recorded_requests() as proxy:
        printed = deployed.run("plan", "--change-sets", code=2)
    deployed.configure()
    listed = deployed.client("cloudformation").list_change_sets(StackName="crd-local-left")
    names = [summary["ChangeSetName"] for summary in listed["Summaries"]]

    assert "  change set: CloudFormation announces these changes as well\n" in printed.out
    assert [call.action for call in proxy.written] == ["CreateChangeSet", "DeleteChangeSet"]
    assert [name for name in names if name.startswith("plan-")] == []
