"""What happens in an account when steps are carried out, with a clock that the test owns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer import delete, execute, plan
from deployer.artifacts import Artifact, Target
from deployer.aws.cloud import (
    STACK,
    ChangeSet,
    ChangeSetRequest,
    DeployedStack,
    ResourceChange,
    StackEvent,
)
from deployer.errors import (
    BusyError,
    CloudError,
    CredentialsError,
    GuardError,
    ManualRepairError,
    RolledBackError,
    UnreachableError,
)
from deployer.events import Event, Finished, Outcome, Progress, Proposed, Uploaded, Verified
from deployer.follow import Watch, event_before_operation
from deployer.model import Line, OutputOf
from deployer.model.desired import DesiredStack, NestedTemplate
from deployer.model.template_tree import TemplateTree
from deployer.plan import Recreate
from deployer.removal import Deletion
from deployer.run import LatestStacks, Run
from tests.fakes import OWNER, REGION, FakeClock, FakeCloud, Killed, desired_stack

NETWORK = desired_stack("network", outputs={"Vpc": "vpc-1"})
CLUSTER = desired_stack("cluster", needs=["network"])
REGISTRY = desired_stack("registry")
THREE = (NETWORK, REGISTRY, CLUSTER)


def yes(_: ChangeSet | Recreate) -> bool:
    """Approve."""
    return True


def no(_: ChangeSet | Recreate) -> bool:
    """Refuse."""
    return False


def deploy(
    cloud: FakeCloud,
    stacks: Sequence[DesiredStack],
    *,
    jobs: int = 4,
    run_id: str = "run",
    **run: object,
) -> list[Event]:
    """Plan and carry out, as the task does, and return all that was told."""
    found = [
        stack
        for region in dict.fromkeys(each.region for each in stacks)
        for stack in cloud.stacks(region)
    ]
    return list(
        execute.deploy(
            plan.plan(stacks, found),
            Run(
                **{  # type: ignore[arg-type]  # the test says what differs
                    "id": run_id,
                    "watch": Watch(cloud, cloud.clock),
                    "approve": yes,
                    "stacks": LatestStacks(found),
                    "owner": OWNER,
                }
                | run
            ),
            jobs=jobs,
        )
    )


def every(cloud: FakeCloud, after: Mapping[str, tuple[str, ...]] | None = None) -> list[Deletion]:
    """Every stack of the account, to be deleted when those in *after* are."""
    return [
        Deletion(stack, after=(after or {}).get(stack.name, ())) for stack in cloud.found.values()
    ]


def outcomes(events: Sequence[Event]) -> dict[str, Outcome]:
    """How it ended for each stack."""
    return {event.stack: event.outcome for event in events if isinstance(event, Finished)}


def finished(events: Sequence[Event], stack: str) -> Finished:
    """How it ended for one stack, in full."""
    return next(each for each in events if isinstance(each, Finished) and each.stack == stack)


def test_everything_is_created_in_order() -> None:
    """An empty account gets all stacks, each after those it stands on."""
    cloud = FakeCloud(FakeClock())

    events = deploy(cloud, THREE)

    assert dict.fromkeys(outcomes(events).values()) == {Outcome.CREATED: None}
    ended = list(outcomes(events))
    assert ended.index("crd-x-network") < ended.index("crd-x-cluster")


def test_a_second_run_only_looks() -> None:
    """With nothing to do there is one DescribeStacks per region, and no write."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, THREE)
    cloud.calls.clear()

    events = deploy(cloud, THREE)

    assert dict.fromkeys(outcomes(events).values()) == {Outcome.KEPT: None}
    assert cloud.calls == [("stacks", REGION)]


def test_one_job_at_a_time_is_the_literal_order() -> None:
    """With one job, stacks are done in the order of layers(), whoever could go first."""
    cloud = FakeCloud(FakeClock(), seconds={"crd-x-network": 100})

    events = deploy(cloud, THREE, jobs=1)

    assert list(outcomes(events)) == ["crd-x-network", "crd-x-registry", "crd-x-cluster"]


def test_independent_stacks_run_side_by_side() -> None:
    """Two stacks that do not know each other take as long as the longer one."""
    cloud = FakeCloud(FakeClock(), seconds={"crd-x-network": 60, "crd-x-registry": 60})

    deploy(cloud, (NETWORK, REGISTRY))

    assert cloud.clock.now() < 60 + 2 * 3 + 3


def test_a_failure_names_the_first_cause_and_skips_what_stands_on_it() -> None:
    """A sibling is carried through, a dependant is not touched, the cascade is not the message."""
    cloud = FakeCloud(FakeClock(), fails={"crd-x-network": "Vpc"})

    events = deploy(cloud, THREE)

    assert outcomes(events) == {
        "crd-x-network": Outcome.FAILED,
        "crd-x-registry": Outcome.CREATED,
        "crd-x-cluster": Outcome.SKIPPED,
    }
    error = finished(events, "crd-x-network").error
    assert isinstance(error, RolledBackError)
    assert error.message.startswith("crd-x-network: Vpc (AWS::Fake::Thing): no room")
    assert ("create_change_set", "crd-x-cluster") not in cloud.calls


def test_a_failed_creation_is_recreated_by_the_next_run() -> None:
    """ROLLBACK_COMPLETE holds nothing: it is deleted and created again."""
    cloud = FakeCloud(FakeClock(), fails={"crd-x-network": "Vpc"})
    deploy(cloud, THREE)
    cloud.fails.clear()

    events = deploy(cloud, THREE)

    assert outcomes(events)["crd-x-network"] is Outcome.RECREATED
    assert outcomes(events)["crd-x-cluster"] is Outcome.CREATED


def test_a_failed_update_is_told_and_can_be_repeated() -> None:
    """UPDATE_ROLLBACK_COMPLETE keeps the old digest, so the next run updates again."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, THREE)
    cloud.fails["crd-x-network"] = "Vpc"
    newer = desired_stack("network", version=2)

    failed = deploy(cloud, (newer,))
    cloud.fails.clear()
    repeated = deploy(cloud, (newer,))

    assert outcomes(failed) == {"crd-x-network": Outcome.FAILED}
    assert outcomes(repeated) == {"crd-x-network": Outcome.UPDATED}


def test_a_refusal_leaves_the_account_as_it_was() -> None:
    """No change set and no empty stack stays behind, and dependants are skipped."""
    cloud = FakeCloud(FakeClock())

    events = deploy(cloud, (NETWORK, CLUSTER), approve=no)

    assert outcomes(events) == {
        "crd-x-network": Outcome.REFUSED,
        "crd-x-cluster": Outcome.SKIPPED,
    }
    assert (cloud.found, cloud.change_sets, cloud.executed) == ({}, {}, [])


def test_no_execute_leaves_change_sets_and_executes_none() -> None:
    """What is left names its change set; what would stand on nothing yet is skipped."""
    cloud = FakeCloud(FakeClock())

    events = deploy(cloud, THREE, no_execute=True)

    assert outcomes(events) == {
        "crd-x-network": Outcome.PENDING_REVIEW,
        "crd-x-registry": Outcome.PENDING_REVIEW,
        "crd-x-cluster": Outcome.SKIPPED,
    }
    assert finished(events, "crd-x-network").detail in cloud.change_sets
    assert cloud.executed == []


def test_a_change_set_is_shown_before_it_is_executed() -> None:
    """Whoever approves has seen it."""
    cloud = FakeCloud(FakeClock())
    shown_at_approval: list[str] = []
    events: list[Event] = []

    def approve(change_set: ChangeSet | Recreate) -> bool:
        shown_at_approval.extend(e.change_set.arn for e in events if isinstance(e, Proposed))
        return isinstance(change_set, ChangeSet) and change_set.arn in shown_at_approval

    run = Run("run", Watch(cloud, cloud.clock), approve, owner=OWNER)
    for event in execute.deploy(plan.plan([NETWORK], []), run, jobs=1):
        events += [event]  # One by one: `approve` looks at what was told so far.

    assert outcomes(events) == {"crd-x-network": Outcome.CREATED}


def test_an_operation_that_runs_is_followed_and_then_completed() -> None:
    """After an interrupt the next run waits for what goes on and does what is left."""
    cloud = FakeCloud(FakeClock())
    interrupted = _until(deploy_lazily(cloud, (NETWORK, CLUSTER)), Progress)
    assert interrupted

    events = deploy(cloud, (NETWORK, CLUSTER))

    assert outcomes(events) == {"crd-x-network": Outcome.KEPT, "crd-x-cluster": Outcome.CREATED}
    assert len(cloud.executed) == 2


def test_a_changed_output_reaches_another_region() -> None:
    """A consumer that would be kept is updated when the value of its parameter changes."""
    edge = desired_stack("edge", region="us-east-1", outputs={"Certificate": "arn-1"})
    source = {"EdgeCertificate": OutputOf("crd-x-edge", "us-east-1", "Certificate")}
    cdn = desired_stack("cdn", needs=["edge"], parameters=source)
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (edge, cdn))
    newer = desired_stack("edge", region="us-east-1", outputs={"Certificate": "arn-2"}, version=2)

    events = deploy(cloud, (newer, cdn))

    assert outcomes(events) == {"crd-x-edge": Outcome.UPDATED, "crd-x-cdn": Outcome.UPDATED}
    assert cloud.found[REGION, "crd-x-cdn"].parameters == {"EdgeCertificate": "arn-2"}


def test_protection_alone_needs_no_change_set() -> None:
    """It is a call of its own in CloudFormation."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    cloud.calls.clear()

    events = deploy(cloud, (replace(NETWORK, protect=True),))

    assert outcomes(events) == {"crd-x-network": Outcome.UPDATED}
    assert cloud.written == [
        ("set_termination_protection", cloud.found[REGION, "crd-x-network"].id)
    ]


def test_a_long_template_goes_through_the_artifact_bucket() -> None:
    """CloudFormation takes 51,200 bytes in a call; more is put where the stack can read it."""
    store = desired_stack("foundation", outputs={"Bucket": "artifacts"})
    long = replace(
        CLUSTER,
        text=CLUSTER.text + " " * 60_000,
        dependencies=(store.name,),
        artifact_bucket=OutputOf(store.name, REGION, "Bucket"),
    )
    keys = []
    for role in ("", "arn:role/release"):
        cloud = FakeCloud(FakeClock())

        deploy(cloud, (store, long), role=role)

        assert list(cloud.uploads.values()) == [long.text.encode()]
        keys += cloud.uploads

    # What an administrator uploads is outside of the folder that a release can write.
    key = f"templates/{long.name}/{long.digest}.yaml"
    assert [f"artifacts/{key}", f"artifacts/releases/{key}"] == keys


CODE = Artifact("thumbnail", Target("3.13", "arm64"), "digest")
STORE = desired_stack("foundation", outputs={"Bucket": "artifacts"})
WITH_CODE = replace(
    CLUSTER,
    dependencies=(STORE.name,),
    artifact_bucket=OutputOf(STORE.name, REGION, "Bucket"),
    artifacts=(CODE,),
)


def test_code_is_in_the_bucket_before_the_change_set_that_names_it() -> None:
    """Lambda reads it from there when the change set is executed."""
    cloud = FakeCloud(FakeClock())

    events = deploy(cloud, (STORE, WITH_CODE), read_artifact=lambda artifact: artifact.key.encode())

    assert cloud.uploads == {f"artifacts/{CODE.key}": CODE.key.encode()}
    done = [name for name, _ in cloud.written]
    assert done.index("upload") < len(done) - 1 - done[::-1].index("create_change_set")
    assert [each.stack for each in events if isinstance(each, Uploaded)] == [WITH_CODE.name]


ZIP, TEMPLATE = b"our code", "Outputs: {}"
NESTED = NestedTemplate(
    "part", "part.yaml", REGION, TEMPLATE, "templates/Part/digest.yaml", ("Part",)
)
WITH_OBJECTS = replace(WITH_CODE, nested=(NESTED,), text=WITH_CODE.text + " " * 60_000)
OBJECTS = {
    f"artifacts/{CODE.key}": ZIP,
    f"artifacts/{NESTED.key}": TEMPLATE.encode(),
    f"artifacts/templates/{CLUSTER.name}/{CLUSTER.digest}.yaml": WITH_OBJECTS.text.encode(),
}


def account_with(objects: dict[str, bytes], *, checksum: bool = True) -> FakeCloud:
    """An account whose artifact bucket has *objects* from an unknown source."""
    cloud = FakeCloud(FakeClock())
    for place, content in objects.items():
        cloud.put_object(place, content, checksum=checksum)
    return cloud


def deploy_objects(cloud: FakeCloud, *stacks: DesiredStack, **run: object) -> list[Event]:
    """Deploy a stack whose template names a zip and another template, and is long itself."""
    return deploy(cloud, stacks or (STORE, WITH_OBJECTS), read_artifact=lambda _: ZIP, **run)


def told(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Each object of the bucket: what was done with it, or why it was replaced."""
    return [
        (
            event.url.partition(".com/")[2].partition("/")[0],
            event.replaced or "uploaded" if isinstance(event, Uploaded) else "verified",
        )
        for event in events
        if isinstance(event, Uploaded | Verified)
    ]


def test_objects_that_are_ours_are_not_sent_again() -> None:
    """Their checksums in S3 are the same."""
    cloud = account_with(OBJECTS)

    events = deploy_objects(cloud)

    assert outcomes(events)[CLUSTER.name] is Outcome.CREATED
    assert ["verified"] * 3 == [word for _, word in told(events)]
    assert not [call for call in cloud.calls if call[0] == "upload"]


def test_an_object_under_our_key_is_no_evidence() -> None:
    """An object with other content is replaced before the change set, and reported."""
    cloud = account_with(dict.fromkeys(OBJECTS, b"theirs"))

    events = deploy_objects(cloud)

    assert OBJECTS == cloud.uploads
    assert ["it had other content"] * 3 == [word for _, word in told(events)]
    done = [name for name, _ in cloud.written]
    assert done.index("create_change_set", done.index("upload")) > max(
        place for place, name in enumerate(done) if name == "upload"
    )


def test_an_object_without_a_checksum_is_sent_again() -> None:
    """S3 has none of what was put there by other means, or in parts: nothing is known of it."""
    cloud = account_with(OBJECTS, checksum=False)

    events = deploy_objects(cloud)

    assert ["it had no SHA-256 checksum"] * 3 == [word for _, word in told(events)]
    assert set() == cloud.without_checksum


def test_what_the_deployed_template_names_is_verified_too() -> None:
    """A change of a parameter alone makes CloudFormation read the nested template again."""
    cloud = account_with(OBJECTS)
    deploy_objects(cloud)
    cloud.put_object(f"artifacts/{NESTED.key}", b"theirs")

    events = deploy_objects(cloud, STORE, replace(WITH_OBJECTS, tags={"stack": "other"}))

    assert outcomes(events)[CLUSTER.name] is Outcome.UPDATED
    assert OBJECTS == cloud.uploads
    assert ("templates", "it had other content") in told(events)


def test_a_recreated_stack_has_its_objects_verified() -> None:
    """Its template may be as it was: the zip is read anew."""
    cloud = account_with(OBJECTS)
    cloud.fails[CLUSTER.name] = "Thing"
    deploy_objects(cloud)
    cloud.fails.clear()
    cloud.put_object(f"artifacts/{CODE.key}", b"theirs")

    events = deploy_objects(cloud)

    assert outcomes(events)[CLUSTER.name] is Outcome.RECREATED
    assert OBJECTS == cloud.uploads


def test_the_version_of_each_object_is_told() -> None:
    """The events name the version of each object."""
    cloud = account_with({})

    first = deploy_objects(cloud)
    second = deploy_objects(cloud, STORE, replace(WITH_OBJECTS, tags={"stack": "other"}))

    versions = [cloud.versions[place] for place in OBJECTS]
    assert versions == [event.version for event in first if isinstance(event, Uploaded)]
    assert versions == [event.version for event in second if isinstance(event, Verified)]


def test_a_long_template_is_named_with_its_version() -> None:
    """CloudFormation reads the version that was verified, whatever is put there meanwhile."""
    asked: list[ChangeSetRequest] = []

    class Listening(FakeCloud):
        def create_change_set(self, proposal: ChangeSetRequest) -> str:
            asked.append(proposal)
            return super().create_change_set(proposal)

    cloud = Listening(FakeClock())

    deploy_objects(cloud)

    version = cloud.versions[[*OBJECTS][2]]
    assert asked[1].url.endswith(f"/{CLUSTER.digest}.yaml?versionId={version}")


@pytest.mark.parametrize("place", OBJECTS)
def test_an_object_that_is_replaced_before_the_execution_stops_it(place: str) -> None:
    """Approval may take an hour: objects that were verified before it are verified again."""
    cloud = account_with(OBJECTS)

    def approve(change_set: ChangeSet | Recreate) -> bool:
        if isinstance(change_set, ChangeSet) and change_set.stack == CLUSTER.name:
            cloud.put_object(place, b"theirs")
        return True

    events = deploy_objects(cloud, approve=approve)

    error = finished(events, CLUSTER.name).error
    assert isinstance(error, GuardError)
    assert f"{place.removeprefix('artifacts/')}: replaced after it was verified" in error.message
    assert [STORE.name] == [name for _, name in cloud.found]
    assert {} == cloud.change_sets


def test_a_release_replaces_nothing() -> None:
    """A release may add objects only; what differs is for an administrator to look at."""
    cloud = account_with(dict.fromkeys(OBJECTS, b"theirs"))

    events = deploy_objects(cloud, role="arn:role/release")

    assert "the object exists" in str(finished(events, CLUSTER.name).error)
    assert dict.fromkeys(OBJECTS, b"theirs") == cloud.uploads


def test_a_run_with_nothing_to_do_asks_nothing_of_the_bucket() -> None:
    """Objects that are not read again are not verified."""
    cloud = account_with({})
    deploy_objects(cloud)
    cloud.calls.clear()

    deploy_objects(cloud)

    assert ["stacks"] == [name for name, _ in cloud.calls]


def test_an_object_costs_one_look_before_the_change_set_and_one_before_its_execution() -> None:
    """And one upload, if need be."""
    cloud = account_with({})

    deploy_objects(cloud)

    assert {"stored_object": 6, "upload": 3} == {
        name: count
        for name, count in Counter(name for name, _ in cloud.calls).items()
        if name in {"stored_object", "upload"}
    }


def test_a_release_has_the_role_it_was_given() -> None:
    """CloudFormation carries out each of its change sets with that role's rights."""
    asked: list[ChangeSetRequest] = []

    class Listening(FakeCloud):
        def create_change_set(self, proposal: ChangeSetRequest) -> str:
            asked.append(proposal)
            return super().create_change_set(proposal)

    deploy(Listening(FakeClock()), THREE, role="arn:role/release")

    assert ["arn:role/release"] * 3 == [proposal.role for proposal in asked]


def test_code_without_a_bucket_is_refused_with_the_way_out() -> None:
    """--only leaves out the stack that keeps it."""
    cloud = FakeCloud(FakeClock())

    events = deploy(cloud, (WITH_CODE,))

    error = finished(events, WITH_CODE.name).error
    assert STORE.name in str(error)
    assert error.hint == "deploy that first, or omit --only"
    assert cloud.written == []


def test_what_only_a_person_can_mend_is_refused() -> None:
    """UPDATE_ROLLBACK_FAILED: nothing is written, the way out is named."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    stuck = replace(cloud.found[REGION, "crd-x-network"], status="UPDATE_ROLLBACK_FAILED")
    cloud.found[REGION, "crd-x-network"] = stuck
    cloud.calls.clear()

    events = deploy(cloud, (NETWORK,))

    error = finished(events, "crd-x-network").error
    assert isinstance(error, ManualRepairError)
    assert "continue-update-rollback" in error.hint
    assert cloud.written == []


def test_watching_ends_when_time_is_over() -> None:
    """The operation goes on; we say so and stop looking."""
    cloud = FakeCloud(FakeClock(), seconds={"crd-x-network": 10_000})

    events = deploy(cloud, (NETWORK,), watch=Watch(cloud, cloud.clock, timeout=60))

    error = finished(events, "crd-x-network").error
    assert isinstance(error, BusyError)
    assert cloud.operations


def test_destroy_goes_from_the_top_down() -> None:
    """A stack is deleted only when nothing stands on it any more."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, THREE)
    run = Run("run", Watch(cloud, cloud.clock), yes, owner=OWNER)
    deletions = every(cloud, {"crd-x-network": ("crd-x-cluster",)})

    events = list(delete.destroy(deletions, run, jobs=4))

    ended = list(outcomes(events))
    assert ended.index("crd-x-cluster") < ended.index("crd-x-network")
    assert cloud.found == {}


def test_a_stack_that_was_retagged_since_is_not_deleted() -> None:
    """Its tags are read once more right before; its termination protection stays as well."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (replace(NETWORK, protect=True),))
    deletions = every(cloud)
    theirs = {**NETWORK.tags, "env": "x-two"}
    cloud.put(replace(cloud.found[REGION, NETWORK.name], tags=theirs))
    run = Run("run", Watch(cloud, cloud.clock), yes, owner=OWNER)
    cloud.calls.clear()

    events = list(delete.destroy(deletions, run, jobs=1))

    error = finished(events, NETWORK.name).error
    assert isinstance(error, GuardError)
    assert "its tag env is 'x-two', not 'x'" in error.message
    assert [] == cloud.written
    assert cloud.found[REGION, NETWORK.name].is_protected


def test_a_stack_that_took_the_name_since_is_not_deleted() -> None:
    """The stack is deleted by its id; if it no longer exists, that is not a failure."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    deletions = every(cloud)
    old = cloud.found[REGION, NETWORK.name]
    cloud.gone(old)
    cloud.put(replace(old, id="arn:stack/another"))
    run = Run("run", Watch(cloud, cloud.clock), yes, owner=OWNER)

    events = list(delete.destroy(deletions, run, jobs=1))

    assert Outcome.DELETED is finished(events, NETWORK.name).outcome
    assert "arn:stack/another" == cloud.found[REGION, NETWORK.name].id


@pytest.mark.parametrize("number", range(1, 6))
def test_an_interrupt_leaves_no_stack_without_its_protection(number: int) -> None:
    """At whichever call it comes: either the stack is protected, or its deletion runs."""
    cloud = Interrupted(FakeClock())
    deploy(cloud, (replace(NETWORK, protect=True),))
    deletions = every(cloud)
    cloud.calls.clear()
    cloud.interrupt_at = number
    run = Run("run", Watch(cloud, cloud.clock), yes, owner=OWNER)

    with pytest.raises(KeyboardInterrupt):
        list(delete.destroy(deletions, run, jobs=1))

    found = cloud.found[REGION, NETWORK.name]
    assert found.is_protected or found.status == "DELETE_IN_PROGRESS"


@dataclass
class Interrupted(FakeCloud):
    """An account whose operator presses Ctrl-C during a call, counted from 1."""

    interrupt_at: int = 0

    def _call(self, name: str, about: str) -> None:
        super()._call(name, about)
        if len(self.calls) == self.interrupt_at:
            raise KeyboardInterrupt


def test_an_empty_stack_that_was_filled_since_is_not_deleted() -> None:
    """What was shown and approved had nothing in it."""
    cloud = FakeCloud(FakeClock())
    arn = cloud.create_change_set(
        ChangeSetRequest("one", NETWORK.name, REGION, "CREATE", NETWORK.text, tags=NETWORK.tags)
    )
    deletions = every(cloud)
    cloud.clock.sleep(5)
    cloud.execute_change_set(REGION, arn, "theirs")
    cloud.settle()
    run = Run("run", Watch(cloud, cloud.clock), yes, owner=OWNER)

    events = list(delete.destroy(deletions, run, jobs=1))

    error = finished(events, NETWORK.name).error
    assert isinstance(error, GuardError)
    assert "was REVIEW_IN_PROGRESS when it was shown, and is CREATE_COMPLETE now" in error.message
    assert "CREATE_COMPLETE" == cloud.found[REGION, NETWORK.name].status


def test_a_failed_stack_that_was_repaired_since_is_not_made_anew() -> None:
    """A colleague updates a stack whose creation failed, while the question is open."""
    cloud = FakeCloud(FakeClock())
    failed = DeployedStack(
        NETWORK.name, "arn:stack/failed", REGION, "CREATE_FAILED", tags=dict(NETWORK.tags)
    )
    cloud.put(failed)

    def repair(_: ChangeSet | Recreate) -> bool:
        cloud.put(replace(failed, status="UPDATE_COMPLETE"))
        return True

    events = deploy(cloud, (NETWORK,), approve=repair)

    assert isinstance(finished(events, NETWORK.name).error, GuardError)
    assert "arn:stack/failed" == cloud.found[REGION, NETWORK.name].id


def test_a_stack_that_took_the_name_since_is_not_updated() -> None:
    """A change set is created for the id of the stack that was read."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    found = list(cloud.found.values())
    cloud.put(replace(found[0], id="arn:stack/another"))
    steps = plan.plan((desired_stack("network", version=2),), found)
    watch = Watch(cloud, cloud.clock)
    run = Run("run", watch, yes, LatestStacks(found), owner=OWNER)
    cloud.executed.clear()

    events = list(execute.deploy(steps, run, jobs=1))

    assert isinstance(finished(events, NETWORK.name).error, CloudError)
    assert [] == cloud.executed


def test_a_name_that_was_taken_since_is_refused() -> None:
    """No change set is added to the empty stack of a foreign review."""
    cloud = FakeCloud(FakeClock())
    steps = plan.plan((NETWORK,), [])
    theirs = OWNER.tags(NETWORK.name) | {"env": "x-two"}
    cloud.create_change_set(
        ChangeSetRequest("theirs", NETWORK.name, REGION, "CREATE", NETWORK.text, tags=theirs)
    )
    run = Run("run", Watch(cloud, cloud.clock), yes, owner=OWNER)

    events = list(execute.deploy(steps, run, jobs=1))

    assert isinstance(finished(events, NETWORK.name).error, GuardError)
    assert ["theirs"] == [proposal.name for proposal, _, _ in cloud.change_sets.values()]


def test_a_refusal_spares_what_somebody_else_wants_to_create() -> None:
    """Their change set is on the empty stack that ours made: it is not ours to delete any more."""
    cloud = FakeCloud(FakeClock())
    theirs = OWNER.tags(NETWORK.name) | {"env": "x-two"}

    def colleague_proposes(_: ChangeSet | Recreate) -> bool:
        cloud.create_change_set(
            ChangeSetRequest("theirs", NETWORK.name, REGION, "CREATE", NETWORK.text, tags=theirs)
        )
        return False

    deploy(cloud, (NETWORK,), approve=colleague_proposes)

    assert "REVIEW_IN_PROGRESS" == cloud.found[REGION, NETWORK.name].status


def test_stacks_of_one_name_in_two_regions_are_both_deleted() -> None:
    """A layer that moved leaves one behind."""
    cloud = FakeCloud(FakeClock())
    here, there = NETWORK, desired_stack("network", region="us-east-1")
    deploy(cloud, (here,))
    deploy(cloud, (there,))
    run = Run("run", Watch(cloud, cloud.clock), yes, owner=OWNER)

    list(delete.destroy(every(cloud), run, jobs=4))

    assert {} == cloud.found


def test_an_update_of_an_export_in_use_says_who_uses_it() -> None:
    """Nothing fails in it: the stack alone says why it goes back."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    cloud.used["crd-x-network"] = "Update canceled. Cannot update export X as it is in use by Y."

    events = deploy(cloud, (desired_stack("network", version=2),))

    error = finished(events, "crd-x-network").error
    assert isinstance(error, RolledBackError)
    assert error.message.splitlines()[0] == f"crd-x-network: {cloud.used['crd-x-network']}"


def test_a_delete_that_is_canceled_is_told() -> None:
    """CloudFormation accepts it, then leaves the stack as it was: nobody waits for ever."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    cloud.used["crd-x-network"] = "Delete canceled. Cannot delete export X as it is in use by Y."
    run = Run("run", Watch(cloud, cloud.clock), yes, owner=OWNER)

    events = list(delete.destroy(every(cloud), run, jobs=1))

    error = finished(events, "crd-x-network").error
    assert error is not None
    assert error.message == f"crd-x-network: {cloud.used['crd-x-network']}"
    assert "destroy its dependents first" in error.hint


def test_a_refusal_spares_a_stack_that_went_live_meanwhile() -> None:
    """A colleague executes a change set of their own while the question is open."""
    cloud = FakeCloud(FakeClock())

    def colleague_is_faster(_: ChangeSet | Recreate) -> bool:
        arn = cloud.create_change_set(
            ChangeSetRequest("theirs", NETWORK.name, REGION, "CREATE", NETWORK.text)
        )
        cloud.clock.sleep(5)
        cloud.execute_change_set(REGION, arn, "theirs")
        cloud.settle()
        return False

    deploy(cloud, (NETWORK,), approve=colleague_is_faster)

    assert cloud.found[REGION, NETWORK.name].status == "CREATE_COMPLETE"


def test_a_refusal_spares_a_stack_in_review() -> None:
    """A change set that was left for a reviewer does not go with ours."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,), no_execute=True, run_id="left")
    left = dict(cloud.change_sets)

    deploy(cloud, (NETWORK,), approve=no)

    assert left == cloud.change_sets
    assert (REGION, NETWORK.name) in cloud.found


@pytest.mark.parametrize("more", [{"no_execute": True}, {"approve": no}])
def test_a_failed_stack_is_deleted_only_when_that_is_approved(more: dict[str, object]) -> None:
    """Somebody may want to look at what is left of it."""
    cloud = FakeCloud(FakeClock(), fails={"crd-x-network": "Vpc"})
    deploy(cloud, (NETWORK,))
    cloud.calls.clear()

    deploy(cloud, (NETWORK,), **more)

    assert cloud.written == []


def test_the_cause_is_known_when_a_rollback_is_followed() -> None:
    """Coming back in the middle of a rollback, the failure that led to it is told."""
    cloud = FakeCloud(FakeClock())
    cloud.create_change_set(ChangeSetRequest("one", NETWORK.name, REGION, "CREATE", NETWORK.text))
    stack = replace(cloud.found[REGION, NETWORK.name], status="ROLLBACK_IN_PROGRESS")
    cloud.put(stack)
    cloud.tell(stack, stack.name, STACK, "CREATE_IN_PROGRESS")
    cloud.tell(stack, "Vpc", "AWS::Fake::Thing", "CREATE_FAILED", "no room")
    cloud.tell(stack, stack.name, STACK, "ROLLBACK_IN_PROGRESS")

    after = event_before_operation(Watch(cloud, cloud.clock), stack)

    assert "Vpc" in [event.logical_id for event in cloud.events(REGION, stack.id, after)]


@dataclass
class Late(FakeCloud):
    """An account whose first look at a stack under way shows what was before."""

    late: list[DeployedStack] = field(default_factory=list)

    def stack(self, region: str, name: str) -> DeployedStack | None:
        """As it was, once."""
        now = super().stack(region, name)
        if now and self.executed and not self.late:
            self.late.append(now)
            return self.before(now)
        return now

    def before(self, now: DeployedStack) -> DeployedStack | None:
        """What the first look shows: nothing."""


class Fast(Late):
    """An account whose operation ends between a look at the status and one at the events."""

    def before(self, now: DeployedStack) -> DeployedStack | None:
        """The stack as it was before an operation that is over the moment after."""
        self.settle()
        return replace(now, status="UPDATE_COMPLETE", outputs={"Vpc": "old"})


def test_a_stack_that_is_not_seen_yet_is_looked_for_again() -> None:
    """DescribeStacks is eventually consistent; a deleted stack is still found by its id."""
    cloud = Late(FakeClock())

    assert outcomes(deploy(cloud, (NETWORK,))) == {NETWORK.name: Outcome.CREATED}


def test_outputs_are_those_after_the_operation() -> None:
    """They go on to other regions: an older answer would give an older value."""
    cloud = Fast(FakeClock())
    old = desired_stack("network", outputs={"Vpc": "old"})
    cloud.late.append(DeployedStack("none", "", REGION, ""))
    deploy(cloud, (old,))
    cloud.late.clear()

    events = deploy(cloud, (desired_stack("network", version=2, outputs={"Vpc": "new"}),))

    found = finished(events, NETWORK.name).deployed
    assert found is not None
    assert found.outputs["Vpc"] == "new"


def test_a_change_set_that_never_gets_ready_is_given_up() -> None:
    """Waiting has an end everywhere."""

    class Pending(FakeCloud):
        def change_set(self, region: str, arn: str) -> ChangeSet:
            return replace(super().change_set(region, arn), status="CREATE_PENDING")

    cloud = Pending(FakeClock())

    events = deploy(cloud, (NETWORK,), watch=Watch(cloud, cloud.clock, timeout=60))

    assert isinstance(finished(events, NETWORK.name).error, BusyError)


def test_a_deletion_has_a_token_of_its_own() -> None:
    """CloudFormation refuses a token that was used for the same stack name before."""
    tokens: list[str] = []

    class Tokens(FakeCloud):
        def delete_stack(self, region: str, stack_id: str, token: str) -> None:
            tokens.append(token)
            super().delete_stack(region, stack_id, token)

    cloud = Tokens(FakeClock(), fails={"crd-x-network": "Vpc"})
    deploy(cloud, (NETWORK,))

    deploy(cloud, (NETWORK,), approve=lambda what: isinstance(what, Recreate))

    assert len(tokens) == len(set(tokens)) == 2


def test_expired_credentials_are_told_at_once() -> None:
    """Waiting does not mend them; what was started goes on in AWS."""

    class Expired(FakeCloud):
        def stack(self, region: str, name: str) -> DeployedStack | None:
            if self.executed:
                raise CredentialsError("the credentials have expired")
            return super().stack(region, name)

    cloud = Expired(FakeClock())

    events = deploy(cloud, (NETWORK,))

    assert isinstance(finished(events, NETWORK.name).error, CredentialsError)
    assert cloud.clock.now() < 60


def test_a_lost_answer_is_waited_out() -> None:
    """AWS out of reach for a while says nothing about the operation."""

    class Away(FakeCloud):
        def events(self, region: str, stack_id: str, after: str = "") -> tuple[StackEvent, ...]:
            if self.executed and self.clock.now() < 100:
                raise UnreachableError("no answer")
            return super().events(region, stack_id, after)

    cloud = Away(FakeClock())

    assert outcomes(deploy(cloud, (NETWORK,))) == {NETWORK.name: Outcome.CREATED}


def test_what_verify_found_is_put_right() -> None:
    """A stack changed behind its digest stays to be updated, whatever gives its parameters."""
    edge = desired_stack("edge", region="us-east-1", outputs={"C": "1"})
    source = {"P": OutputOf("crd-x-edge", "us-east-1", "C")}
    cdn = desired_stack("cdn", needs=["edge"], parameters=source)
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (edge, cdn))
    found = list(cloud.found.values())
    steps = plan.plan((edge, cdn), found, templates={cdn.name: TemplateTree("tampered with")})
    run = Run("run", Watch(cloud, cloud.clock), yes, LatestStacks(found), owner=OWNER)
    cloud.calls.clear()

    list(execute.deploy(steps, run, jobs=1))

    assert ("create_change_set", cdn.name) in cloud.calls


def test_protection_comes_back_where_the_stack_stays() -> None:
    """A deletion that failed leaves the stack as guarded as it was."""

    class Stuck(FakeCloud):
        def gone(self, stack: DeployedStack) -> None:
            self.put(replace(stack, status="DELETE_FAILED"))
            self.tell(stack, stack.name, STACK, "DELETE_FAILED", "the bucket is not empty")

    cloud = Stuck(FakeClock())
    deploy(cloud, (replace(NETWORK, protect=True),))
    run = Run("run", Watch(cloud, cloud.clock), yes, owner=OWNER)

    list(delete.destroy(every(cloud), run, jobs=1))

    assert cloud.found[REGION, NETWORK.name].is_protected


@pytest.mark.parametrize("interval", [1, 2, 3])
def test_killed_at_any_call_the_next_run_ends_the_same(interval: int) -> None:
    """Kill -9 before every call in turn: the next run ends as one clean run does."""
    clean = FakeCloud(FakeClock())
    deploy(clean, THREE)
    everything = len(clean.calls)

    for kill_at in range(interval, everything + 1, 3):
        cloud = FakeCloud(FakeClock(), kill_at=kill_at)
        with pytest.raises(Killed):
            deploy(cloud, THREE, run_id="first")
        cloud.kill_at = 0
        deploy(cloud, THREE, run_id="second")

        assert _state(cloud) == _state(clean), f"killed before call {kill_at}"
        assert len(cloud.executed) == len(clean.executed), f"killed before call {kill_at}"


@given(
    st.lists(
        st.tuples(st.sets(st.integers(0, 9), max_size=4), st.integers(1, 90)),
        min_size=1,
        max_size=10,
    ),
    st.integers(1, 5),
)
def test_any_graph_is_deployed_in_good_time(shape: list[tuple[set[int], int]], jobs: int) -> None:
    """Every order holds, and no schedule is far from max(critical path, work / jobs)."""
    stacks = [
        desired_stack(
            f"n{number}", needs=[f"n{below}" for below in sorted(needs) if below < number]
        )
        for number, (needs, _) in enumerate(shape)
    ]
    seconds = {stack.name: float(time) for stack, (_, time) in zip(stacks, shape, strict=True)}
    cloud = FakeCloud(FakeClock(), seconds=seconds)

    events = deploy(cloud, stacks, jobs=jobs)

    ended = list(outcomes(events))
    for stack in stacks:
        assert all(ended.index(need) < ended.index(stack.name) for need in stack.dependencies)
    whole = {name: time + 3 for name, time in seconds.items()}
    lookouts = 3.0 * 2 * len(stacks)
    assert cloud.clock.now() <= _critical(stacks, whole) + sum(whole.values()) / jobs + lookouts


def deploy_lazily(cloud: FakeCloud, stacks: Sequence[DesiredStack]):  # type: ignore[no-untyped-def]
    """The events of a deploy, as they happen."""
    run = Run("first", Watch(cloud, cloud.clock), yes, owner=OWNER)
    return execute.deploy(plan.plan(stacks, []), run, jobs=4)


def _until(events, kind: type) -> bool:  # type: ignore[no-untyped-def]
    return any(isinstance(event, kind) for event in events)


def _critical(stacks: Sequence[DesiredStack], seconds: dict[str, float]) -> float:
    longest: dict[str, float] = {}
    for stack in stacks:
        below = max((longest[need] for need in stack.dependencies), default=0.0)
        longest[stack.name] = below + seconds[stack.name]
    return max(longest.values())


def _state(cloud: FakeCloud) -> dict[str, tuple[object, ...]]:
    return {name: _essence(found) for (_, name), found in sorted(cloud.found.items())}


def _essence(found: DeployedStack) -> tuple[object, ...]:
    return found.status, dict(found.outputs), dict(found.tags), found.is_protected


OUTER = replace(
    desired_stack("outer"),
    nested=(
        NestedTemplate(
            "crd-x-outer-Below",
            "outer.Below.yaml",
            REGION,
            "{}",
            "templates/Below/a",
            ("Below",),
            {"Broken": Line("stacks/inner.py", 7)},
        ),
    ),
    dependencies=("crd-x-foundation",),
    artifact_bucket=OutputOf("crd-x-foundation", REGION, "Artifacts"),
)
FOUNDATION = desired_stack("foundation", outputs={"Artifacts": "the-artifacts"})


def test_nested_stacks_get_change_sets_too() -> None:
    """Only where there are any; the approver sees what happens in them."""
    table = ResourceChange("Modify", "Table", "AWS::X::Y", replacement="True")
    below = ResourceChange("Modify", "Below", STACK, change_set="arn:below")
    inner = ChangeSet("arn:below", "c", "s", "i", REGION, "CREATE_COMPLETE", "", changes=(table,))
    cloud = FakeCloud(FakeClock(), changes={OUTER.name: (below,)}, nested_sets={"arn:below": inner})
    seen: list[ChangeSet | Recreate] = []
    proposals: list[ChangeSetRequest] = []
    create = cloud.create_change_set
    cloud.create_change_set = lambda one: proposals.append(one) or create(one)  # type: ignore[method-assign]

    deploy(cloud, (FOUNDATION, OUTER), approve=lambda one: not seen.append(one))

    assert [(one.stack, one.include_nested) for one in proposals] == [
        (FOUNDATION.name, False),
        (OUTER.name, True),
    ]
    assert [change.nested for change in seen[-1].changes] == [(table,)]


def test_the_reason_of_a_nested_change_set_is_the_message() -> None:
    """And what was made of the stack is taken away again."""

    class Failing(FakeCloud):
        def change_set(self, region: str, arn: str) -> ChangeSet:
            found = super().change_set(region, arn)
            if found.stack != OUTER.name or found.is_pending:
                return found
            reason = "Nested change set arn:below was not successfully created: Currently in FAILED"
            return replace(found, status="FAILED", reason=reason)

    inner = ChangeSet("arn:below", "c", "s", "i", REGION, "FAILED", "", "no such property")
    below = ResourceChange("Add", "Below", STACK, change_set="arn:below")
    cloud = Failing(FakeClock(), changes={OUTER.name: (below,)}, nested_sets={"arn:below": inner})

    failed = finished(deploy(cloud, (FOUNDATION, OUTER)), OUTER.name)

    assert failed.error
    assert failed.error.message == "crd-x-outer: no change set: Below: no such property"
    assert [stack.name for stack in cloud.found.values()] == [FOUNDATION.name]


def test_a_failure_in_a_nested_stack_names_what_failed_there() -> None:
    """With the path, the reason, and the line of the nested stack's own file."""

    class Nesting(FakeCloud):
        def tell(
            self, stack: DeployedStack, name: str, type_: str, status: str, reason: str = ""
        ) -> None:
            super().tell(stack, name, type_, status, reason)
            if name == "Below":
                outer = self.history[stack.id].pop()
                said = "Embedded stack arn:below was not successfully created: Broken"
                below = replace(outer, type=STACK, physical_id="arn:below", reason=said)
                broken = replace(outer, id="b", stack_id="arn:below", logical_id="Broken")
                self.history["arn:below"] = [broken]
                self.history[stack.id].append(below)

    cloud = Nesting(FakeClock(), fails={OUTER.name: "Below"})

    failed = finished(deploy(cloud, (FOUNDATION, OUTER)), OUTER.name)

    assert failed.error
    assert failed.error.message.splitlines()[0] == (
        "crd-x-outer: Below/Broken (AWS::Fake::Thing): no room (defined at stacks/inner.py:7)"
    )
