"""After an interrupt, a kill or a lost connection, the next run continues and succeeds."""

from __future__ import annotations

import os
import signal

import pytest

import emulator
from tests.end_to_end.checkout import COMPLETE


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(tiny, signal_number):
    """SIGINT and SIGTERM end a deploy immediately; it prints the operations that continue in AWS.

    The next run follows the running operation and finishes.
    """
    tiny.set_resource_delay(1.0)
    tiny.configure(ground={"notes": 15})
    with tiny.running("deploy") as deploy:
        deploy.wait_for("crd-local-ground  creating ")
        tiny.set_resource_delay(600)  # The creation takes minutes, and the task at most one.

        code = deploy.interrupt(signal_number)

    with tiny.running("deploy") as again:
        again.wait_for("crd-local-ground  resume  CREATE_IN_PROGRESS: an operation runs")
        tiny.set_resource_delay(0)
        assert again.end() == 0
    assert code == 130
    assert (
        "interrupted: these operations continue in AWS:\n  crd-local-ground: creating in ca-c"
        in deploy.printed
    )
    assert "hint: run the same command again to continue" in deploy.printed
    assert tiny.stacks() == COMPLETE


def test_interrupted_destroy(tiny):
    """An interrupted destroy is continued as well."""
    tiny.run("deploy")
    tiny.set_resource_delay(0.3)
    with tiny.running("destroy", "--yes") as destroy:
        destroy.wait_for("crd-local-top     deleting ")

        code = destroy.interrupt(signal.SIGINT)

    tiny.run("destroy", "--yes")
    assert code == 130
    assert "these operations continue in AWS:\n  crd-local-" in destroy.printed
    assert tiny.stacks() == {}


def test_the_reader_of_the_progress_goes_away(tiny):
    """As in `./inv deploy |& head`: exit code 141, the operation continues, and `attach` follows it."""
    tiny.set_resource_delay(1.0)
    tiny.configure(ground={"notes": 15})
    with tiny.running("deploy", "--stack=ground") as deploy:
        deploy.wait_for("crd-local-ground  creating ")
        deploy.process.stderr.close()

        tiny.set_resource_delay(0)
        code = deploy.process.wait(60)

    attached = tiny.run("attach").err
    assert code == 141
    assert "failed" not in attached
    assert tiny.wait_for_operations()["ground"] == "CREATE_COMPLETE"


def test_an_interrupt_does_not_stop_the_emulator(tiny):
    """Ctrl-C in the terminal that started the emulator ends the deploy, not the emulator."""
    with tiny.running("deploy") as deploy:
        deploy.wait_for("5 stacks: 5 create")

        code = deploy.interrupt(signal.SIGINT)

    assert code == 130
    assert emulator.running(tiny.emulator)


@pytest.mark.parametrize("kind", ["create", "update"])
def test_killed_between_calls(tiny, kind):
    """A deploy that is killed before or after any changing request leaves nothing to clean up.

    No stack is created twice, and no change set remains.
    """
    if kind == "update":
        tiny.run("deploy")
        tiny.configure(**{stack: {"title": "New"} for stack in COMPLETE})
    ids = stack_ids(tiny)
    with tiny.recorded_requests() as proxy:
        for action in ("CreateChangeSet", "ExecuteChangeSet"):
            for forward in (False, True):
                proxy.hold(action, forward=forward)
                with tiny.running_until_killed("deploy") as deploy:
                    assert proxy.held.wait(60)
                    deploy.interrupt(signal.SIGKILL)

        tiny.wait_for_operations()
        tiny.run("deploy")

    executed = [call.action for call in proxy.written].count("ExecuteChangeSet")
    assert dict.fromkeys(COMPLETE, f"{kind.upper()}_COMPLETE") == tiny.stacks()
    assert len(COMPLETE) + 1 == executed  # One request was held and not forwarded.
    assert ids.items() <= stack_ids(tiny).items()
    assert pending_change_sets(tiny) == []


@pytest.mark.parametrize("forward", [False, True])
def test_an_interrupted_plan_leaves_no_change_set(tiny, forward):
    """Ctrl-C while a change set is requested removes it, and the empty stack created with it."""
    tiny.run("emulator.start")
    with tiny.recorded_requests() as proxy:
        proxy.hold("CreateChangeSet", forward=forward)
        with tiny.running("plan", "--change-sets") as plan:
            assert proxy.held.wait(60)
            code = plan.interrupt(signal.SIGINT)

    assert code == 130
    assert tiny.stacks() == {}


def test_killed_in_an_operation(tiny):
    """After a kill while CloudFormation creates or deletes, the next run follows the operation."""
    tiny.set_resource_delay(0.2)
    for progress in ("far     creating ", "left    creating "):
        with tiny.running_until_killed("deploy") as deploy:
            deploy.wait_for(f"crd-local-{progress}")
            deploy.interrupt(signal.SIGKILL)
    tiny.run("deploy")
    created = tiny.stacks()
    with tiny.running_until_killed("destroy", "--yes") as destroy:
        destroy.wait_for("crd-local-top     deleting ")
        destroy.interrupt(signal.SIGKILL)

    tiny.run("deploy")

    assert COMPLETE == created == tiny.stacks()


def test_killed_emulator(tiny):
    """If the emulator is killed during an operation, the next run starts it again.

    The running deploy ends with exit code 8. Finished stacks are kept.
    """
    tiny.set_resource_delay(0.2)
    with tiny.running("deploy", "--stack=right") as deploy:
        deploy.wait_for("crd-local-right   creating ")
        os.kill(emulator.status(tiny.emulator).pid, signal.SIGKILL)

        code = deploy.end()

    again = tiny.run("deploy")
    outputs = tiny.run("outputs").out
    os.kill(emulator.status(tiny.emulator).pid, signal.SIGKILL)
    after = tiny.run("deploy")
    assert code == 8
    assert "no response" in deploy.printed
    assert ", 1 kept, in " in again.err
    assert tiny.stacks() == COMPLETE
    assert "\n5 kept, in " in f"\n{after.err}"
    assert outputs == tiny.run("outputs").out


def test_restarted_emulator(tiny):
    """If the emulator restarts during a deploy, the deploy fails and the next one succeeds."""
    tiny.set_resource_delay(0.2)
    with tiny.running("deploy", "--stack=right") as deploy:
        deploy.wait_for("crd-local-right   creating ")
        os.kill(emulator.status(tiny.emulator).pid, signal.SIGKILL)
        tiny.set_resource_delay(0)

        code = deploy.end()

    tiny.run("deploy")
    assert code != 0
    assert tiny.stacks() == COMPLETE


def stack_ids(tiny):
    """Return the id of each stack by its name."""
    return {
        stack["StackName"]: stack["StackId"]
        for region in ("ca-central-1", "us-east-1")
        for stack in tiny.client("cloudformation", region).describe_stacks()["Stacks"]
    }


def pending_change_sets(tiny):
    """Return the names of change sets that were not executed."""
    return [
        summary["ChangeSetName"]
        for stack in COMPLETE
        for summary in tiny.client(
            "cloudformation", "us-east-1" if stack == "far" else "ca-central-1"
        ).list_change_sets(StackName=f"crd-local-{stack}")["Summaries"]
        if summary["ExecutionStatus"] != "EXECUTE_COMPLETE"
    ]
