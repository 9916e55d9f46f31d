"""Tests of deploys in several steps that are killed around each of their writes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer import execute, plan
from deployer.errors import GuardError
from deployer.events import Finished
from deployer.follow import Watch
from deployer.model.desired import DesiredStack
from deployer.model.template_tree import TemplateTree
from deployer.phases.planning import NO_PHASES, may_need_phases, plan_phases
from deployer.phases.situation import Situation
from deployer.phases.stages import explained
from deployer.plan import Keep, Update
from deployer.run import LatestStacks, Run
from deployer.template_yaml import load
from tests.deployer.deploying import approve
from tests.deployer.phases.exporting_cloud import ExportingCloud
from tests.deployer.phases.situations import TOPIC, importing, stack, topic
from tests.fakes import OWNER, READS, REGION, FakeClock, Killed

REF = {"Ref": "Topic"}
SOURCE = stack("a", {"Topic": topic("x"), "Rest": TOPIC}, {"Topic": REF, "Port": "80"})
READER = stack("b", {"Reader": importing("a-Topic", "a-Port")}, needs=["a"])
CONSTANT = stack("b", {"Reader": importing("a-Port")}, needs=["a"])
CHAINED = {
    "Type": "AWS::SNS::Topic",
    "Properties": {"TopicName": {"Fn::ImportValue": "crd-x-a-Topic"}},
}
MIDDLE = stack("b", {"Topic": CHAINED}, {"Topic": REF}, needs=["a"])
END = stack("c", {"Reader": importing("b-Topic")}, needs=["b"])
SCENARIOS = {
    "removed": (
        [SOURCE, READER],
        [stack("a", {"Rest": TOPIC}, {"Port": "80"}), CONSTANT],
    ),
    "changed": (
        [SOURCE, READER],
        [stack("a", dict(SOURCE.body["Resources"]), {"Topic": REF, "Port": "81"}), READER],
    ),
    "replaced": (
        [SOURCE, READER],
        [stack("a", {"Topic": topic("y"), "Rest": TOPIC}, {"Topic": REF, "Port": "80"}), READER],
    ),
    "renamed": (
        [SOURCE, READER],
        [stack("a", {"New": topic("y")}, {"Topic": {"Ref": "New"}, "Port": "80"}), READER],
    ),
    "chain": (
        [SOURCE, MIDDLE, END],
        [
            stack("a", {"Topic": topic("y"), "Rest": TOPIC}, {"Topic": REF, "Port": "80"}),
            MIDDLE,
            END,
        ],
    ),
    "moved": (
        [SOURCE, stack("m", {"Rest": TOPIC}), READER],
        [
            stack("a", {"Rest": TOPIC}, {"Port": "81"}),
            stack("m", {"Rest": TOPIC, "Topic": topic("z")}, {"Topic": REF}),
            stack("b", {"Reader": importing("m-Topic", "a-Port")}, needs=["a", "m"]),
        ],
    ),
}


def deploy(cloud: ExportingCloud, desired: Sequence[DesiredStack]) -> list[Finished]:
    """Plan and execute a deploy with its phases; return how the stacks ended."""
    deployed = cloud.stacks(REGION)
    steps = plan.plan(desired, deployed)
    templates = {
        step.desired.name: TemplateTree(cloud.template(REGION, step.desired.name))
        for step in steps
        if isinstance(step, Update)
    }

    def physical_ids(stack):
        return {item.logical_id: item.physical_id for item in cloud.resources(REGION, stack.id)}

    situation = Situation(steps, deployed, templates, physical_ids)
    phases = plan_phases(situation) if may_need_phases(situation) else NO_PHASES
    run = new_run(cloud)
    events = execute.deploy(explained(steps, phases), run, jobs=4, phases=phases)
    return [event for event in events if isinstance(event, Finished)]


def new_run(cloud: ExportingCloud) -> Run:
    """Return a run on the stacks of the account."""
    return Run(
        id="run",
        watch=Watch(cloud, cloud.clock),
        approve=approve,
        stacks=LatestStacks(cloud.deployed.values()),
        owner=OWNER,
    )


def account(before: Sequence[DesiredStack]) -> ExportingCloud:
    """Return an account in which these stacks are deployed."""
    cloud = ExportingCloud(FakeClock())
    deploy(cloud, before)
    cloud.calls.clear()
    return cloud


def assert_deployed(cloud: ExportingCloud, desired: Sequence[DesiredStack]) -> None:
    """Assert that nothing failed, nothing in use was deleted, and all is as desired."""
    assert (cloud.refused, cloud.broken) == ([], [])
    steps = plan.plan(desired, cloud.stacks(REGION))
    assert [type(step) for step in steps] == [Keep] * len(desired)
    for item in desired:
        assert load(cloud.states[item.name].text) == item.body
    used = {res.id for state in cloud.states.values() for res in state.resources.values()}
    assert cloud.existing == used


@pytest.mark.parametrize("name", SCENARIOS)
def test_one_deploy(name: str) -> None:
    """One deploy changes exports in use without a failure, and deletes what is no longer used."""
    before, after = SCENARIOS[name]
    cloud = account(before)

    finished = deploy(cloud, after)

    assert all(event.outcome.succeeded for event in finished)
    assert_deployed(cloud, after)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_kill_around_each_write(name: str) -> None:
    """A deploy that is killed before or after any of its writes is completed by the next one."""
    before, after = SCENARIOS[name]
    complete = account(before)
    deploy(complete, after)
    writes = {number for number, (call, _) in enumerate(complete.calls, 1) if call not in READS}

    for number in sorted(writes | {number + 1 for number in writes}):
        cloud = account(before)
        cloud.kill_at = number
        with pytest.raises(Killed):
            deploy(cloud, after)
        cloud.kill_at = 0
        cloud.finish_operations()

        deploy(cloud, after)

        assert_deployed(cloud, after)


def test_the_fake_refuses_what_cloudformation_refuses() -> None:
    """Without phases, the account rolls back a change of an export in use."""
    before, after = SCENARIOS["replaced"]
    cloud = account(before)
    deployed = cloud.stacks(REGION)
    run = new_run(cloud)

    [*execute.deploy(plan.plan(after, deployed), run, jobs=1)]

    assert cloud.refused == ["crd-x-a: ['crd-x-a-Topic']"]


@st.composite
def versions(draw: st.DrawFn) -> list[DesiredStack]:
    """Draw three stacks with topics, exports of these, and imports of the stacks before."""
    stacks: list[DesiredStack] = []
    exports: list[str] = []
    for name in "abc":
        imported = [{"Fn::ImportValue": f"crd-x-{export}"} for export in exports]
        names = st.sampled_from(["x", "y", *imported])
        titles = draw(st.sets(st.sampled_from(["One", "Two"])))
        topics = {title: topic(draw(names)) for title in sorted(titles)}
        outputs = {
            output: {"Ref": draw(st.sampled_from(sorted(titles)))} if titles else "none"
            for output in sorted(draw(st.sets(st.sampled_from(["E", "F"]))))
        }
        used = draw(st.sets(st.sampled_from(exports))) if exports else set()
        resources = {**topics, "Reader": importing(*sorted(used)), "Rest": TOPIC}
        stacks.append(stack(name, resources, outputs, needs=[s.short_name for s in stacks]))
        exports += [f"{name}-{output}" for output in outputs]
    return stacks


@settings(deadline=None, max_examples=60)
@given(versions(), versions(), st.integers(0, 60))
def test_any_change_is_refused_first_or_ends_well(before, after, kill_at) -> None:
    """A deploy is refused before any change, or ends as desired, also after a kill."""
    cloud = account(before)
    cloud.kill_at = kill_at
    try:
        deploy(cloud, after)
    except GuardError:
        assert cloud.writes == []
        return
    except Killed:
        cloud.kill_at = 0
        cloud.finish_operations()
        deploy(cloud, after)

    cloud.kill_at = 0
    assert_deployed(cloud, after)
