"""Plan, deploy and destroy an environment in an account in memory."""

import io
import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer import report
from deployer.aws.cloud import STACK, ChangeSetRequest, DeployedStack
from deployer.config.fields import Settings
from deployer.data_loss import DataLoss
from deployer.deployment import (
    LOCAL_UNREACHABLE_TIMEOUT,
    UNREACHABLE_TIMEOUT,
    Deployment,
    DeploymentPlan,
    DeploymentResult,
    Options,
    ProjectHooks,
)
from deployer.environment import Environment
from deployer.errors import ConfigError, GuardError
from deployer.model import AcceptedDataLoss, Env
from deployer.plan import Create, Update
from deployer.preview.values import Preview, StackChange
from deployer.releases import ReleaseLimits
from tests.fakes import ACCOUNT as NUMBER
from tests.fakes import OWNER, REGION, FakeClock, FakeCloud, desired_stack
from tests.standard_input import Stdin

HOOKS = ProjectHooks(
    aliases={},
    releases=ReleaseLimits("network", "ReleaseRole"),
    build=list,
    read_artifact=lambda artifact: b"",
    after_local_change=lambda env, account, stack: (),
    lint_cache=Path(),
)


ENV = Env("cruddur", "crd", "x", NUMBER, REGION, "x.example", "Z1", protect=False)
STACKS = (desired_stack("network"), desired_stack("cluster", needs=["network"]))
KEYS = ("project", "env", "stack")


def stack(name, tags, *, region=REGION, nested=False, status="CREATE_COMPLETE"):
    """Return a deployed stack."""
    stack_id = f"arn:{region}:{name}"
    return DeployedStack(name, stack_id, region, status, tags=tags, is_nested=nested)


def own_stack(name, **more):
    """Return a deployed stack of the environment x."""
    return stack(f"crd-x-{name}", OWNER.tags(f"crd-x-{name}"), **more)


SIBLING = {"project": "cruddur", "env": "x-two", "stack": "crd-x-two-network"}
FOREIGN = (
    stack("crd-x-two-network", SIBLING),
    stack("crd-x-byhand", {}),
    stack("crd-x-copied", OWNER.tags("crd-x-network")),
    stack("crd-x-network-Part-1A2B", OWNER.tags("crd-x-network"), nested=True),
    stack("crd-x-theirs", OWNER.tags("crd-x-theirs") | {"project": "other"}),
    stack("elsewhere", OWNER.tags("elsewhere")),
)


def new_deployment(*stacks, json=False, yes=True, env=ENV, desired=STACKS):
    """Return a deployment of an account with these stacks, and the stream of its reporter."""
    cloud = FakeCloud(FakeClock())
    for deployed in stacks:
        cloud.put(deployed)
        cloud.history[deployed.id] = []
    stream = io.StringIO()
    reporter = report.reporter(json=json, stream=stream, environ={}, live=False)
    environment = Environment(env, desired, Path(), Settings())
    options = Options(yes=yes, can_ask=not json)
    return Deployment(environment, cloud, reporter, HOOKS, options, cloud.clock), stream


def remaining(deployment):
    """Return the names of the stacks that are still deployed."""
    return {name for _, name in deployment.account.deployed}


def test_destroy_deletes_only_stacks_of_the_environment():
    """Stacks of similar names, without tags, with copied tags, and nested ones remain."""
    deployment, _ = new_deployment(
        own_stack("network"), own_stack("cluster"), own_stack("old"), *FOREIGN
    )

    deployment.destroy(deployment.deletions(()), confirmed=(), jobs=4)

    assert {stack.name for stack in FOREIGN} == remaining(deployment)


def test_a_foreign_stack_is_not_an_orphan():
    """A foreign stack is not an orphan, because it lacks the tags of the environment."""
    deployment, _ = new_deployment(own_stack("network"), own_stack("old"), *FOREIGN)

    orphans = deployment.inventory.orphans(deployment.inventory.own_stacks())

    assert [orphan.deployed.name for orphan in orphans] == ["crd-x-old"]


NAMES = ("crd-x-network", "crd-x-cluster", "crd-x-old", "crd-x-two-old", "crd-x-", "crd-y-old", "x")
VALUES = (*NAMES, "cruddur", "x-two", "other", "")
TAGS = st.dictionaries(st.sampled_from((*KEYS, "group", "Project")), st.sampled_from(VALUES))


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), TAGS, st.booleans(), st.booleans()),
        unique_by=lambda values: values[0],
    )
)
def test_destroy_selects_by_all_tags(values):
    """A stack with other names or tags is not selected."""
    stacks = [
        stack(name, (OWNER.tags(name) if copied else {}) | tags, nested=nested)
        for name, tags, copied, nested in values
    ]
    expected = {
        stack.name
        for stack in stacks
        if [stack.tags.get(key) for key in KEYS] == ["cruddur", "x", stack.name]
        and stack.name in {"crd-x-network", "crd-x-cluster", "crd-x-old", "crd-x-two-old"}
        and not stack.is_nested
    }
    deployment, _ = new_deployment(*stacks)

    selected = deployment.deletions(())
    deployment.destroy(selected, confirmed=(), jobs=2)

    assert expected == {deletion.stack.name for deletion in selected}
    assert {stack.name for stack in stacks} - expected == remaining(deployment)


def test_every_taken_name_is_reported():
    """A foreign stack with a name of the code is never updated or deleted."""
    deployment, _ = new_deployment(
        stack("crd-x-network", {}), stack("crd-x-cluster", {"env": "x-two"})
    )

    for refused in (
        lambda: deployment.inventory.own_stacks(needed=STACKS),
        lambda: deployment.deletions(["network", "cluster"]),
    ):
        with pytest.raises(GuardError) as raised:
            refused()
        lines = raised.value.message.splitlines()
        assert [line.split()[0] for line in lines] == ["crd-x-network", "crd-x-cluster"]
        assert "choose another prefix" in raised.value.hint
    assert deployment.deletions(()) == ()
    assert deployment.account.writes == []


def test_a_foreign_stack_that_is_named_is_refused():
    """The error says that the stack is foreign, not that it is missing."""
    deployment, _ = new_deployment(own_stack("network"), *FOREIGN)

    with pytest.raises(GuardError) as refused:
        deployment.deletions(["crd-x-two-network", "crd-x-byhand"])

    assert refused.value.message.splitlines() == [
        "crd-x-two-network in ca-central-1: not a stack of x: its tag env is 'x-two', not 'x'",
        "crd-x-byhand in ca-central-1: not a stack of x: it lacks the tags project, env, stack",
    ]
    assert refused.value.hint == "name stacks of x, or select their environment: --env=ENV"


def test_a_stack_in_review_is_owned_by_the_tags_of_its_change_set():
    """A stack in review is owned by the tags of its change set: it has none itself."""
    deployment, _ = new_deployment()
    for name, tags in (
        ("crd-x-network", OWNER.tags("crd-x-network")),
        ("crd-x-theirs", OWNER.tags("crd-x-theirs") | {"env": "x-two"}),
    ):
        deployment.account.create_change_set(
            ChangeSetRequest("first", name, REGION, "CREATE", "{}", tags=tags)
        )

    assert [stack.name for stack in deployment.inventory.own_stacks()] == ["crd-x-network"]


def test_an_orphan_in_a_former_region_is_found():
    """An orphan is found in a region that config lists in `former_regions`."""
    old = own_stack("old", region="eu-west-1")
    without, _ = new_deployment(old)
    deployment, _ = new_deployment(
        old, env=msgspec.structs.replace(ENV, former_regions=("eu-west-1",))
    )

    assert without.inventory.own_stacks() == ()
    assert (old,) == deployment.inventory.own_stacks()


def local(**more):
    """Return a deployment of the emulator with one orphan."""
    env = msgspec.structs.replace(ENV, name="local")
    orphan = stack("crd-local-old", env.owner.tags("crd-local-old"))
    return new_deployment(orphan, env=env, desired=(), **more)


@pytest.mark.parametrize(("terminal", "json"), [(False, False), (True, True)])
def test_destroy_needs_an_approval_in_the_emulator_too(monkeypatch, terminal, json):
    """The deletions are shown, and refused if no approval is possible."""
    monkeypatch.setattr("sys.stdin", Stdin("y\n", terminal=terminal))
    deployment, stream = local(yes=False, json=json)

    with pytest.raises(GuardError) as refused:
        deployment.destroy(deployment.deletions(()), confirmed=(), jobs=1)

    assert (
        refused.value.hint
        == "pass --yes to approve without a question, or --dry-run to list the deletions"
    )
    assert "crd-local-old" in stream.getvalue()
    assert deployment.account.writes == []


def test_destroy_without_approval(monkeypatch):
    """Without an approval nothing is deleted, and the default answer is no."""
    monkeypatch.setattr("sys.stdin", Stdin("\n", terminal=True))
    deployment, _ = local(yes=False)

    with pytest.raises(GuardError, match="not approved: nothing was deleted"):
        deployment.destroy(deployment.deletions(()), confirmed=(), jobs=1)

    assert deployment.account.writes == []


def test_nothing_to_delete_needs_no_approval(monkeypatch):
    """If nothing is deployed, `destroy` needs no approval, so it can be repeated."""
    monkeypatch.setattr("sys.stdin", Stdin("", terminal=False))
    deployment, stream = new_deployment(*FOREIGN, yes=False)

    deployment.destroy(deployment.deletions(()), confirmed=(), jobs=1)

    assert stream.getvalue() == "nothing to delete\n"


def test_a_stack_that_holds_data_must_be_confirmed_even_with_yes():
    """An orphan must be confirmed, too."""
    deployment, _ = new_deployment(own_stack("old"))
    keeps = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}
    deployment.account.templates[own_stack("old").id] = json.dumps({"Resources": {"Old": keeps}})

    with pytest.raises(GuardError, match="crd-x-old holds data"):
        deployment.destroy(deployment.deletions(()), confirmed=(), jobs=1)
    deployment.destroy(deployment.deletions(()), confirmed=["crd-x-old"], jobs=1)

    assert set() == remaining(deployment)


NETWORK = DeploymentPlan((), (Create(STACKS[0], "not in the account yet"),), (), ())


def test_deploy_without_possible_approval_is_refused_before_the_build(monkeypatch):
    """The plan is shown, and nothing is built or changed."""
    monkeypatch.setattr("sys.stdin", Stdin("y\n", terminal=False))
    built = []
    deployment, stream = new_deployment(yes=False)
    deployment = replace(deployment, hooks=replace(HOOKS, build=built.append))

    with pytest.raises(GuardError, match="x: cannot ask for approval") as refused:
        deployment.deploy(NETWORK, jobs=1)

    assert refused.value.hint.endswith("or --no-execute to leave the change sets for review")
    assert "crd-x-network" in stream.getvalue()
    assert (built, deployment.account.writes) == ([], [])


def test_a_change_set_is_executed_only_after_an_approval(monkeypatch):
    """Without an approval the stack is not created, and the exit code is that of a guard."""
    monkeypatch.setattr("sys.stdin", Stdin("n\n", terminal=True))
    deployment, _ = new_deployment(yes=False)

    result = deployment.deploy(NETWORK, jobs=1)

    assert DeploymentResult(3, ()) == result
    assert set() == remaining(deployment)


def test_deploy_returns_the_stacks_as_they_are_afterwards():
    """The result has the stacks of the plan, in its order."""
    deployment, _ = new_deployment()

    result = deployment.deploy(NETWORK, jobs=1)

    assert (
        result.exit_code,
        [deployed.status for deployed in result.stacks],
    ) == (0, ["CREATE_COMPLETE"])


def test_a_change_set_for_review_needs_no_approval(monkeypatch):
    """The change set is created and left for review, even if standard input is closed."""
    monkeypatch.setattr("sys.stdin", None)
    deployment, _ = new_deployment(yes=False)
    deployment = replace(deployment, options=Options(no_execute=True))

    result = deployment.deploy(NETWORK, jobs=1)

    assert (result.exit_code, len(deployment.account.change_sets)) == (0, 1)


LOSS = DataLoss("Table", "AWS::DynamoDB::Table", "is removed", "its data is deleted")
LOSING = DeploymentPlan(
    (own_stack("network"),),
    (Update(STACKS[0], own_stack("network"), "template changed", data_losses=(LOSS,)),),
    (),
    (),
)


def test_a_loss_of_data_is_refused_before_anything_is_changed():
    """--yes does not accept a loss of data: the config must."""
    deployment, _ = new_deployment(own_stack("network"), yes=True)

    with pytest.raises(GuardError, match=r"network: Table .* is removed: its data is deleted"):
        deployment.deploy(LOSING, jobs=1)

    assert deployment.account.writes == []


def test_a_loss_that_only_the_preview_predicts_is_refused():
    """The preview also finds losses by changed exports; `plan` refuses what `deploy` refuses."""
    deployment, _ = new_deployment(own_stack("network"))
    loss = DataLoss("Table", "AWS::DynamoDB::Table", "is replaced", "its data is deleted")
    change = StackChange("crd-x-network", "network", REGION, "updated", data_losses=(loss,))
    planned = replace(NETWORK, preview=Preview("x", (change,)))

    with pytest.raises(GuardError, match=r"network: Table .* is replaced"):
        deployment.refuse_data_losses(planned)


def test_an_accepted_loss_of_data_is_deployed():
    """A loss that the config accepts is deployed; the local environment accepts all of them."""
    accepted = AcceptedDataLoss(
        resource="network/Table", change="removed", reason="the table is empty", date="2026-12-01"
    )
    accepting = msgspec.structs.replace(ENV, accepted_data_losses=(accepted,))
    local = msgspec.structs.replace(ENV, name="local")

    for env in (accepting, local):
        deployment, _ = new_deployment(own_stack("network"), env=env)
        assert deployment.deploy(LOSING, jobs=1).exit_code == 0


@pytest.mark.parametrize(("name", "uploads"), [("local", 1), ("x", 0)])
def test_only_the_local_environment_has_uploads_after_a_change(name, uploads):
    """Only in the emulator a deploy uploads the initial files; in an account an operator does."""
    env = msgspec.structs.replace(ENV, name=name)
    deployment, stream = new_deployment(env=env)
    changed = []

    def after_change(env, account, deployed):
        changed.append(deployed.name)
        return ["s3://bucket/image"]

    deployment = replace(deployment, hooks=replace(HOOKS, after_local_change=after_change))
    deployment.deploy(NETWORK, jobs=1)

    assert ["crd-x-network"] * uploads == changed
    assert uploads == stream.getvalue().count("s3://bucket/image")


@pytest.mark.parametrize("jobs", [0, -1])
def test_less_than_one_job_is_refused(jobs):
    """Less than one job is refused: no stack would be changed, and the run would look successful."""
    deployment, _ = new_deployment()

    for refused in (
        lambda: deployment.deploy(NETWORK, jobs=jobs),
        lambda: deployment.destroy((), jobs=jobs),
    ):
        with pytest.raises(ConfigError, match=f"--jobs={jobs}: no stack would be changed"):
            refused()


@pytest.mark.parametrize(
    ("name", "seconds"), [("local", LOCAL_UNREACHABLE_TIMEOUT), ("x", UNREACHABLE_TIMEOUT)]
)
def test_the_timeouts_of_a_run(name, seconds):
    """The timeouts for the emulator are shorter than those for AWS."""
    deployment, _ = new_deployment(env=msgspec.structs.replace(ENV, name=name))

    watch = deployment.new_run(()).watch

    assert (3600.0, seconds) == (watch.timeout, watch.unreachable_timeout)
    assert (LOCAL_UNREACHABLE_TIMEOUT, UNREACHABLE_TIMEOUT) == (5.0, 600.0)


@pytest.mark.parametrize(("role", "prefix"), [("", "deploy-"), ("arn:role", "release-")])
def test_the_change_sets_of_a_release_have_names_of_their_own(role, prefix):
    """A change set of a release has a prefix that the policies of a release require."""
    deployment, _ = new_deployment()

    assert deployment.new_run((), role).id.startswith(prefix)


@pytest.mark.parametrize(
    ("seconds", "estimate"), [(240, " (took 4 min 00 s the last time)"), (0, "")]
)
def test_a_deploy_shows_how_long_the_last_update_took(seconds, estimate):
    """Without an earlier update there is no estimate."""
    deployment, stream = new_deployment(own_stack("network"), desired=STACKS[:1])
    cloud, found = deployment.account, deployment.account.deployed[REGION, "crd-x-network"]
    if seconds:
        cloud.add_event(found, found.name, STACK, "UPDATE_IN_PROGRESS")
        cloud.clock.sleep(seconds)
        cloud.add_event(found, found.name, STACK, "UPDATE_COMPLETE")
    planned = DeploymentPlan((found,), (Update(STACKS[0], found, "template changed"),), (), ())

    deployment.deploy(planned, jobs=1)

    assert f"crd-x-network  update  template changed{estimate}\n" in stream.getvalue()
