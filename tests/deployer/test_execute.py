"""The execution of steps in an account in memory, with a clock that the test controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer import execute, plan
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
from deployer.events import ChangeSetCreated, Event, OperationStarted, Outcome, Progress, Started
from deployer.follow import Watch, event_before_operation
from deployer.model import AcceptedDataLoss, Line, OutputOf
from deployer.model.desired import DesiredStack, NestedTemplate
from deployer.model.template_tree import TemplateTree
from deployer.plan import Recreate
from deployer.run import LatestStacks, Run
from tests.deployer.deploying import (
    CLUSTER,
    NETWORK,
    REGISTRY,
    THREE,
    approve,
    deploy,
    finished,
    outcomes,
    refuse,
)
from tests.fakes import OWNER, REGION, FakeClock, FakeCloud, Killed, Operation, desired_stack


def test_stacks_are_created_after_their_dependencies() -> None:
    """In an empty account, stacks are created after their dependencies."""
    cloud = FakeCloud(FakeClock())

    events = deploy(cloud, THREE)

    assert dict.fromkeys(outcomes(events).values()) == {Outcome.CREATED: None}
    order = list(outcomes(events))
    assert order.index("crd-x-network") < order.index("crd-x-cluster")


def test_a_run_with_nothing_to_do_makes_one_call() -> None:
    """The run makes one DescribeStacks call per region, and no write."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, THREE)
    cloud.calls.clear()

    events = deploy(cloud, THREE)

    assert dict.fromkeys(outcomes(events).values()) == {Outcome.KEPT: None}
    assert cloud.calls == [("stacks", REGION)]


def test_one_job_keeps_the_order_of_the_stacks() -> None:
    """With one job, stacks are deployed in the order of layers(), whichever is ready first."""
    cloud = FakeCloud(FakeClock(), seconds={"crd-x-network": 100})

    events = deploy(cloud, THREE, jobs=1)

    assert list(outcomes(events)) == ["crd-x-network", "crd-x-registry", "crd-x-cluster"]


def test_independent_stacks_are_deployed_concurrently() -> None:
    """Two independent stacks take as long as the slower one."""
    cloud = FakeCloud(FakeClock(), seconds={"crd-x-network": 60, "crd-x-registry": 60})

    deploy(cloud, (NETWORK, REGISTRY))

    assert cloud.clock.now() < 60 + 2 * 3 + 3


def test_a_failure_has_its_first_cause_and_skips_dependents() -> None:
    """Other stacks are deployed, and later failures are not in the message."""
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
    """A stack in ROLLBACK_COMPLETE is empty: it is deleted and created again."""
    cloud = FakeCloud(FakeClock(), fails={"crd-x-network": "Vpc"})
    deploy(cloud, THREE)
    cloud.fails.clear()

    events = deploy(cloud, THREE)

    assert outcomes(events)["crd-x-network"] is Outcome.RECREATED
    assert outcomes(events)["crd-x-cluster"] is Outcome.CREATED


def test_a_failed_update_can_be_repeated() -> None:
    """A stack in UPDATE_ROLLBACK_COMPLETE has the old digest, so the next run updates it again."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, THREE)
    cloud.fails["crd-x-network"] = "Vpc"
    newer = desired_stack("network", version=2)

    failed = deploy(cloud, (newer,))
    cloud.fails.clear()
    repeated = deploy(cloud, (newer,))

    assert outcomes(failed) == {"crd-x-network": Outcome.FAILED}
    assert outcomes(repeated) == {"crd-x-network": Outcome.UPDATED}


def test_a_refused_change_set_is_deleted() -> None:
    """No change set and no empty stack remains, and dependents are skipped."""
    cloud = FakeCloud(FakeClock())

    events = deploy(cloud, (NETWORK, CLUSTER), approve=refuse)

    assert outcomes(events) == {
        "crd-x-network": Outcome.REFUSED,
        "crd-x-cluster": Outcome.SKIPPED,
    }
    assert (cloud.deployed, cloud.change_sets, cloud.executed) == ({}, {}, [])


def test_no_execute_leaves_change_sets_for_review() -> None:
    """The event has the change set. Dependents of stacks that do not exist yet are skipped."""
    cloud = FakeCloud(FakeClock())

    events = deploy(cloud, THREE, no_execute=True)

    assert outcomes(events) == {
        "crd-x-network": Outcome.PENDING_REVIEW,
        "crd-x-registry": Outcome.PENDING_REVIEW,
        "crd-x-cluster": Outcome.SKIPPED,
    }
    assert finished(events, "crd-x-network").detail in cloud.change_sets
    assert cloud.executed == []


def test_a_change_set_is_shown_before_the_approval() -> None:
    """The event precedes the request for approval."""
    cloud = FakeCloud(FakeClock())
    shown_at_approval: list[str] = []
    events: list[Event] = []

    def approve(change_set: ChangeSet | Recreate) -> bool:
        shown_at_approval.extend(
            e.change_set.arn for e in events if isinstance(e, ChangeSetCreated)
        )
        return isinstance(change_set, ChangeSet) and change_set.arn in shown_at_approval

    run = Run("run", Watch(cloud, cloud.clock), approve, owner=OWNER)
    for event in execute.deploy(plan.plan([NETWORK], []), run, jobs=1):
        events += [event]  # One at a time: `approve` reads the events so far.

    assert outcomes(events) == {"crd-x-network": Outcome.CREATED}


def test_a_running_operation_is_followed_and_the_rest_deployed() -> None:
    """After an interrupt, the next run follows the running operation and deploys the other stacks."""
    cloud = FakeCloud(FakeClock())
    interrupted = _until(deploy_lazily(cloud, (NETWORK, CLUSTER)), Progress)
    assert interrupted

    events = deploy(cloud, (NETWORK, CLUSTER))

    assert outcomes(events) == {"crd-x-network": Outcome.KEPT, "crd-x-cluster": Outcome.CREATED}
    assert len(cloud.executed) == 2


def test_a_running_operation_that_fails_is_not_repeated() -> None:
    """The next run reports the cause, and does not create another change set."""
    cloud = FakeCloud(FakeClock(), fails={"crd-x-network": "Vpc"})
    _until(deploy_lazily(cloud, (NETWORK,)), Progress)

    events = deploy(cloud, (NETWORK,))

    error = finished(events, NETWORK.name).error
    assert isinstance(error, RolledBackError)
    assert "Vpc" in error.message
    assert len(cloud.executed) == 1


class LostAnswer(FakeCloud):
    """An account whose first answer to ExecuteChangeSet is lost, after the call was accepted."""

    def __init__(self, repeated: CloudError) -> None:
        super().__init__(FakeClock())
        self.repeated = repeated
        self.tokens: list[str] = []

    def execute_change_set(self, region: str, arn: str, token: str) -> None:
        """Execute the change set, and lose the answer; refuse the repeated call."""
        self.tokens.append(token)
        if len(self.tokens) > 1:
            raise self.repeated
        super().execute_change_set(region, arn, token)
        raise UnreachableError("no answer")


def test_an_accepted_execution_whose_answer_was_lost_is_followed() -> None:
    """The call is repeated with the same token, and AWS answers that the change set is executed."""
    message = "ChangeSet [arn] cannot be executed in its current status of [EXECUTE_IN_PROGRESS]"
    cloud = LostAnswer(CloudError(message, aws_code="InvalidChangeSetStatus"))

    events = deploy(cloud, (NETWORK,))

    assert outcomes(events) == {"crd-x-network": Outcome.CREATED}
    assert len(cloud.tokens) == 2
    assert len(set(cloud.tokens)) == 1


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (
            "InvalidChangeSetStatus",
            "ChangeSet [arn] cannot be executed in its current status of [OBSOLETE]",
            "crd-x-network: the stack was changed after the change set was created",
        ),
        (
            "ValidationError",
            "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated.",
            "crd-x-network: another operation has started, and the stack is in UPDATE_IN_PROGRESS",
        ),
    ],
)
@pytest.mark.parametrize("call", ["create_change_set", "execute_change_set"])
def test_a_foreign_operation_that_was_faster(
    monkeypatch: pytest.MonkeyPatch, call: str, code: str, message: str, expected: str
) -> None:
    """The error is `busy`, has the deployer's own message, and names the next command."""
    cloud = FakeCloud(FakeClock())

    def refuse(*_: object, **__: object) -> str:
        raise CloudError(message, aws_code=code)

    monkeypatch.setattr(cloud, call, refuse)

    error = finished(deploy(cloud, (NETWORK,)), NETWORK.name).error

    assert isinstance(error, BusyError)
    assert error.message.startswith(expected)
    assert error.hint.startswith("rerun the command")


def test_a_changed_output_updates_a_stack_in_another_region() -> None:
    """An unchanged stack is updated when the value of its parameter changes."""
    edge = desired_stack("edge", region="us-east-1", outputs={"Certificate": "arn-1"})
    source = {"EdgeCertificate": OutputOf("crd-x-edge", "us-east-1", "Certificate")}
    cdn = desired_stack("cdn", needs=["edge"], parameters=source)
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (edge, cdn))
    newer = desired_stack("edge", region="us-east-1", outputs={"Certificate": "arn-2"}, version=2)

    events = deploy(cloud, (newer, cdn))

    assert outcomes(events) == {"crd-x-edge": Outcome.UPDATED, "crd-x-cdn": Outcome.UPDATED}
    assert cloud.deployed[REGION, "crd-x-cdn"].parameters == {"EdgeCertificate": "arn-2"}


def test_termination_protection_needs_no_change_set() -> None:
    """Termination protection is changed by its own call, without a change set."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    cloud.calls.clear()

    events = deploy(cloud, (replace(NETWORK, protect=True),))

    assert outcomes(events) == {"crd-x-network": Outcome.UPDATED}
    assert cloud.writes == [
        ("set_termination_protection", cloud.deployed[REGION, "crd-x-network"].id)
    ]


def test_change_sets_of_a_release_have_its_service_role() -> None:
    """Change sets of a release have its service role, with whose permissions they are executed."""
    requests: list[ChangeSetRequest] = []

    class RecordingCloud(FakeCloud):
        def create_change_set(self, request: ChangeSetRequest) -> str:
            requests.append(request)
            return super().create_change_set(request)

    deploy(RecordingCloud(FakeClock()), THREE, role="arn:role/release")

    assert [request.role for request in requests] == ["arn:role/release"] * 3


def test_a_stack_that_needs_repair_is_refused() -> None:
    """Nothing is written for UPDATE_ROLLBACK_FAILED, and the hint has the command."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    stuck = replace(cloud.deployed[REGION, "crd-x-network"], status="UPDATE_ROLLBACK_FAILED")
    cloud.deployed[REGION, "crd-x-network"] = stuck
    cloud.calls.clear()

    events = deploy(cloud, (NETWORK,))

    error = finished(events, "crd-x-network").error
    assert isinstance(error, ManualRepairError)
    assert "continue-update-rollback" in error.hint
    assert cloud.writes == []


def test_following_ends_after_the_timeout() -> None:
    """Following ends after the timeout; the operation continues in AWS."""
    cloud = FakeCloud(FakeClock(), seconds={"crd-x-network": 10_000})

    events = deploy(cloud, (NETWORK,), watch=Watch(cloud, cloud.clock, timeout=60))

    error = finished(events, "crd-x-network").error
    assert isinstance(error, BusyError)
    assert cloud.operations


def test_a_stack_repaired_during_the_approval_is_not_recreated() -> None:
    """A failed stack that another operator repairs during the approval is not recreated."""
    cloud = FakeCloud(FakeClock())
    failed = DeployedStack(
        NETWORK.name, "arn:stack/failed", REGION, "ROLLBACK_COMPLETE", tags=dict(NETWORK.tags)
    )
    cloud.put(failed)

    def repair(_: ChangeSet | Recreate) -> bool:
        cloud.put(replace(failed, status="UPDATE_COMPLETE"))
        return True

    events = deploy(cloud, (NETWORK,), approve=repair)

    assert isinstance(finished(events, NETWORK.name).error, GuardError)
    assert cloud.deployed[REGION, NETWORK.name].id == "arn:stack/failed"


def test_a_new_stack_of_the_same_name_is_not_updated() -> None:
    """A change set is created for the id of the stack that was read."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    found = list(cloud.deployed.values())
    cloud.put(replace(found[0], id="arn:stack/another"))
    steps = plan.plan((desired_stack("network", version=2),), found)
    watch = Watch(cloud, cloud.clock)
    run = Run("run", watch, approve, LatestStacks(found), owner=OWNER)
    cloud.executed.clear()

    events = list(execute.deploy(steps, run, jobs=1))

    assert isinstance(finished(events, NETWORK.name).error, CloudError)
    assert cloud.executed == []


def test_a_name_taken_by_a_foreign_stack_is_refused() -> None:
    """No change set is added to the empty stack of a foreign review."""
    cloud = FakeCloud(FakeClock())
    steps = plan.plan((NETWORK,), [])
    foreign_tags = OWNER.tags(NETWORK.name) | {"env": "x-two"}
    cloud.create_change_set(
        ChangeSetRequest("theirs", NETWORK.name, REGION, "CREATE", NETWORK.text, tags=foreign_tags)
    )
    run = Run("run", Watch(cloud, cloud.clock), approve, owner=OWNER)

    events = list(execute.deploy(steps, run, jobs=1))

    assert isinstance(finished(events, NETWORK.name).error, GuardError)
    assert [request.name for request, _, _ in cloud.change_sets.values()] == ["theirs"]


@pytest.mark.parametrize("foreign_tags", [OWNER.tags(NETWORK.name) | {"env": "x-two"}, {}])
def test_a_refusal_keeps_a_stack_with_the_change_set_of_another_operator(
    foreign_tags: dict[str, str],
) -> None:
    """The empty stack is deleted only if no other change set was added."""
    cloud = FakeCloud(FakeClock())

    def other_operator_creates_change_set(_: ChangeSet | Recreate) -> bool:
        cloud.create_change_set(
            ChangeSetRequest(
                "theirs", NETWORK.name, REGION, "CREATE", NETWORK.text, tags=foreign_tags
            )
        )
        return False

    deploy(cloud, (NETWORK,), approve=other_operator_creates_change_set)

    assert cloud.deployed[REGION, NETWORK.name].status == "REVIEW_IN_PROGRESS"


def test_an_update_of_an_export_in_use_has_the_reason_of_the_stack() -> None:
    """No resource fails; only the stack has the reason of the rollback."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    cloud.exports_in_use["crd-x-network"] = (
        "Update canceled. Cannot update export X as it is in use by Y."
    )

    events = deploy(cloud, (desired_stack("network", version=2),))

    error = finished(events, "crd-x-network").error
    assert isinstance(error, RolledBackError)
    assert (
        error.message.splitlines()[0] == f"crd-x-network: {cloud.exports_in_use['crd-x-network']}"
    )


def test_a_refusal_keeps_a_stack_created_during_the_approval() -> None:
    """A refusal does not delete a stack that another operator created during the approval."""
    cloud = FakeCloud(FakeClock())

    def other_operator_executes(_: ChangeSet | Recreate) -> bool:
        arn = cloud.create_change_set(
            ChangeSetRequest("theirs", NETWORK.name, REGION, "CREATE", NETWORK.text)
        )
        cloud.clock.sleep(5)
        cloud.execute_change_set(REGION, arn, "theirs")
        cloud.finish_operations()
        return False

    deploy(cloud, (NETWORK,), approve=other_operator_executes)

    assert cloud.deployed[REGION, NETWORK.name].status == "CREATE_COMPLETE"


def test_a_refusal_keeps_a_change_set_in_review() -> None:
    """A change set that was left for review is not deleted."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,), no_execute=True, run_id="left")
    left = dict(cloud.change_sets)

    deploy(cloud, (NETWORK,), approve=refuse)

    assert left == cloud.change_sets
    assert (REGION, NETWORK.name) in cloud.deployed


LOST = ResourceChange("Remove", "Table", "AWS::DynamoDB::Table")
ACCEPTED = AcceptedDataLoss(
    resource="network/Table", change="removed", reason="the table is empty", date="2026-12-01"
)


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [((), Outcome.FAILED), ((ACCEPTED,), Outcome.CREATED), (None, Outcome.CREATED)],
)
def test_a_loss_that_aws_announces_needs_an_acceptance(
    accepted: tuple[AcceptedDataLoss, ...] | None, expected: Outcome
) -> None:
    """A change set with a loss is deleted before the approval, unless the loss is accepted."""
    cloud = FakeCloud(FakeClock(), changes={NETWORK.name: (LOST,)})

    events = deploy(cloud, (NETWORK,), accepted=accepted)

    assert outcomes(events) == {NETWORK.name: expected}
    assert cloud.change_sets == {} or expected is Outcome.CREATED


@pytest.mark.parametrize("more", [{"no_execute": True}, {"approve": refuse}])
def test_a_failed_stack_is_deleted_only_after_approval(more: dict[str, object]) -> None:
    """A failed stack is deleted only after an approval: an operator may want to inspect it."""
    cloud = FakeCloud(FakeClock(), fails={"crd-x-network": "Vpc"})
    deploy(cloud, (NETWORK,))
    cloud.calls.clear()

    deploy(cloud, (NETWORK,), **more)

    assert cloud.writes == []


def test_the_cause_is_known_when_a_rollback_is_followed() -> None:
    """The failure before the rollback is among the events of the operation."""
    cloud = FakeCloud(FakeClock())
    cloud.create_change_set(ChangeSetRequest("one", NETWORK.name, REGION, "CREATE", NETWORK.text))
    stack = replace(cloud.deployed[REGION, NETWORK.name], status="ROLLBACK_IN_PROGRESS")
    cloud.put(stack)
    cloud.add_event(stack, stack.name, STACK, "CREATE_IN_PROGRESS")
    cloud.add_event(stack, "Vpc", "AWS::Fake::Thing", "CREATE_FAILED", "no room")
    cloud.add_event(stack, stack.name, STACK, "ROLLBACK_IN_PROGRESS")

    after = event_before_operation(Watch(cloud, cloud.clock), stack)

    assert "Vpc" in [event.logical_id for event in cloud.events(REGION, stack.id, after)]


@dataclass
class LateCloud(FakeCloud):
    """An account that shows the previous state of a changing stack once."""

    late: list[DeployedStack] = field(default_factory=list)

    def stack(self, region: str, name: str) -> DeployedStack | None:
        """Return the previous state once, then the current one."""
        now = super().stack(region, name)
        if now and self.executed and not self.late:
            self.late.append(now)
            return self.before(now)
        return now

    def before(self, now: DeployedStack) -> DeployedStack | None:
        """Return the previous state: the stack did not exist."""


class FastCloud(LateCloud):
    """An account whose operation ends between a read of the status and one of the events."""

    def before(self, now: DeployedStack) -> DeployedStack | None:
        """Return the stack before an operation that ends right after."""
        self.finish_operations()
        return replace(now, status="UPDATE_COMPLETE", outputs={"Vpc": "old"})


def test_a_stack_that_is_not_found_yet_is_read_again() -> None:
    """DescribeStacks is eventually consistent; a deleted stack is still found by its id."""
    cloud = LateCloud(FakeClock())

    assert outcomes(deploy(cloud, (NETWORK,))) == {NETWORK.name: Outcome.CREATED}


def test_outputs_are_those_after_the_operation() -> None:
    """Outputs are parameters in other regions, so old outputs would give old values."""
    cloud = FastCloud(FakeClock())
    old = desired_stack("network", outputs={"Vpc": "old"})
    cloud.late.append(DeployedStack("none", "", REGION, ""))
    deploy(cloud, (old,))
    cloud.late.clear()

    events = deploy(cloud, (desired_stack("network", version=2, outputs={"Vpc": "new"}),))

    found = finished(events, NETWORK.name).deployed
    assert found is not None
    assert found.outputs["Vpc"] == "new"


def test_a_change_set_that_is_never_ready_is_a_timeout() -> None:
    """A change set that stays pending ends at the timeout of operations."""

    class Pending(FakeCloud):
        def change_set(self, region: str, arn: str) -> ChangeSet:
            return replace(super().change_set(region, arn), status="CREATE_PENDING")

    cloud = Pending(FakeClock())

    events = deploy(cloud, (NETWORK,), watch=Watch(cloud, cloud.clock, timeout=60))

    assert isinstance(finished(events, NETWORK.name).error, BusyError)


def test_each_deletion_has_a_different_token() -> None:
    """Each deletion has a new token: CloudFormation refuses one that was used for the name."""
    tokens: list[str] = []

    class Tokens(FakeCloud):
        def delete_stack(self, region: str, stack_id: str, token: str) -> None:
            tokens.append(token)
            super().delete_stack(region, stack_id, token)

    cloud = Tokens(FakeClock(), fails={"crd-x-network": "Vpc"})
    deploy(cloud, (NETWORK,))

    deploy(cloud, (NETWORK,), approve=lambda what: isinstance(what, Recreate))

    assert len(tokens) == len(set(tokens)) == 2


def test_expired_credentials_end_the_run_immediately() -> None:
    """The run ends without a retry, which would not help."""

    class Expired(FakeCloud):
        def stack(self, region: str, name: str) -> DeployedStack | None:
            if self.executed:
                raise CredentialsError("the credentials have expired")
            return super().stack(region, name)

    cloud = Expired(FakeClock())

    events = deploy(cloud, (NETWORK,))

    assert isinstance(finished(events, NETWORK.name).error, CredentialsError)
    assert cloud.clock.now() < 60


def test_following_continues_after_aws_was_unreachable() -> None:
    """Following continues after AWS was unreachable, because the operation may still run."""

    class Away(FakeCloud):
        def events(
            self, region: str, stack_id: str, after: str | None = None
        ) -> tuple[StackEvent, ...]:
            if self.executed and self.clock.now() < 100:
                raise UnreachableError("no answer")
            return super().events(region, stack_id, after)

    cloud = Away(FakeClock())

    assert outcomes(deploy(cloud, (NETWORK,))) == {NETWORK.name: Outcome.CREATED}


def test_a_stack_that_was_changed_with_the_same_digest_is_updated() -> None:
    """An update that only --verify found is executed, although the digests are equal."""
    edge = desired_stack("edge", region="us-east-1", outputs={"C": "1"})
    source = {"P": OutputOf("crd-x-edge", "us-east-1", "C")}
    cdn = desired_stack("cdn", needs=["edge"], parameters=source)
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (edge, cdn))
    found = list(cloud.deployed.values())
    steps = plan.plan((edge, cdn), found, templates={cdn.name: TemplateTree("tampered with")})
    run = Run("run", Watch(cloud, cloud.clock), approve, LatestStacks(found), owner=OWNER)
    cloud.calls.clear()

    list(execute.deploy(steps, run, jobs=1))

    assert ("create_change_set", cdn.name) in cloud.calls


@pytest.mark.parametrize("interval", [1, 2, 3])
def test_a_run_after_a_killed_run_has_the_same_result(interval: int) -> None:
    """A run after one that was killed, before any of its calls, has the same result."""
    clean = FakeCloud(FakeClock())
    deploy(clean, THREE)
    calls = len(clean.calls)

    for kill_at in range(interval, calls + 1, 3):
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
def test_the_duration_of_any_graph_is_near_the_optimum(
    shape: list[tuple[set[int], int]], jobs: int
) -> None:
    """The order holds, and the duration is near max(critical path, work / jobs)."""
    stacks = [
        desired_stack(f"n{number}", needs=[f"n{need}" for need in sorted(needs) if need < number])
        for number, (needs, _) in enumerate(shape)
    ]
    seconds = {stack.name: float(time) for stack, (_, time) in zip(stacks, shape, strict=True)}
    cloud = FakeCloud(FakeClock(), seconds=seconds)

    events = deploy(cloud, stacks, jobs=jobs)

    order = list(outcomes(events))
    for stack in stacks:
        assert all(order.index(need) < order.index(stack.name) for need in stack.dependencies)
    durations = {name: time + 3 for name, time in seconds.items()}
    polling = 3.0 * 2 * len(stacks)
    assert (
        cloud.clock.now()
        <= _critical_path(stacks, durations) + sum(durations.values()) / jobs + polling
    )


def deploy_lazily(cloud: FakeCloud, stacks: Sequence[DesiredStack]):  # type: ignore[no-untyped-def]
    """Return the events of a deploy as they happen."""
    run = Run("first", Watch(cloud, cloud.clock), approve, owner=OWNER)
    return execute.deploy(plan.plan(stacks, []), run, jobs=4)


def _until(events, kind: type) -> bool:  # type: ignore[no-untyped-def]
    return any(isinstance(event, kind) for event in events)


def _critical_path(stacks: Sequence[DesiredStack], seconds: dict[str, float]) -> float:
    longest: dict[str, float] = {}
    for stack in stacks:
        needed = max((longest[need] for need in stack.dependencies), default=0.0)
        longest[stack.name] = needed + seconds[stack.name]
    return max(longest.values())


def _state(cloud: FakeCloud) -> dict[str, tuple[object, ...]]:
    return {name: _essence(found) for (_, name), found in sorted(cloud.deployed.items())}


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
    """Only stacks with nested stacks get them; the approver sees the nested changes."""
    table = ResourceChange("Modify", "Table", "AWS::X::Y", replacement="True")
    nested = ResourceChange("Modify", "Inner", STACK, change_set="arn:inner")
    inner = ChangeSet("arn:inner", "c", "s", "i", REGION, "CREATE_COMPLETE", "", changes=(table,))
    cloud = FakeCloud(
        FakeClock(), changes={OUTER.name: (nested,)}, nested_sets={"arn:inner": inner}
    )
    seen: list[ChangeSet | Recreate] = []
    requests: list[ChangeSetRequest] = []
    create = cloud.create_change_set
    cloud.create_change_set = lambda request: requests.append(request) or create(request)  # type: ignore[method-assign]

    deploy(cloud, (FOUNDATION, OUTER), approve=lambda change: not seen.append(change))

    assert [(request.stack, request.include_nested) for request in requests] == [
        (FOUNDATION.name, False),
        (OUTER.name, True),
    ]
    assert [change.nested for change in seen[-1].changes] == [(table,)]


def test_the_message_has_the_reason_of_a_nested_change_set() -> None:
    """The message has the nested reason, and the stack that was created for the change set is deleted."""

    class Failing(FakeCloud):
        def change_set(self, region: str, arn: str) -> ChangeSet:
            found = super().change_set(region, arn)
            if found.stack != OUTER.name or found.is_pending:
                return found
            reason = "Nested change set arn:inner was not successfully created: Currently in FAILED"
            return replace(found, status="FAILED", reason=reason)

    inner = ChangeSet("arn:inner", "c", "s", "i", REGION, "FAILED", "", "no such property")
    nested = ResourceChange("Add", "Inner", STACK, change_set="arn:inner")
    cloud = Failing(FakeClock(), changes={OUTER.name: (nested,)}, nested_sets={"arn:inner": inner})

    failed = finished(deploy(cloud, (FOUNDATION, OUTER)), OUTER.name)

    assert failed.error
    assert failed.error.message == "crd-x-outer: no change set: Inner: no such property"
    assert [stack.name for stack in cloud.deployed.values()] == [FOUNDATION.name]


RETAINED = {
    "Type": "AWS::S3::Bucket",
    "DeletionPolicy": "Retain",
    "Properties": {"BucketName": "precious"},
}
TAKEN = "Resource of type 'AWS::S3::Bucket' with identifier 'precious' already exists."


class WithRetainedBucket(FakeCloud):
    """An account with a retained bucket: AWS refuses it when a change set is created or executed."""

    def change_set(self, region: str, arn: str) -> ChangeSet:
        found = super().change_set(region, arn)
        return (
            found
            if found.is_pending or self.fails
            else replace(found, status="FAILED", reason=TAKEN)
        )

    def add_event(
        self, stack: DeployedStack, name: str, type_: str, status: str, reason: str = ""
    ) -> None:
        super().add_event(stack, name, type_, status, TAKEN if name == "Bucket" else reason)


@pytest.mark.parametrize("fails", [{}, {NETWORK.name: "Bucket"}])
def test_a_name_that_a_retained_resource_has(fails: dict[str, str]) -> None:
    """The hint is the command that imports the resource, whenever AWS refuses it."""
    stack = replace(NETWORK, body={**NETWORK.body, "Resources": {"Bucket": RETAINED}})

    failed = finished(deploy(WithRetainedBucket(FakeClock(), fails=fails), (stack,)), NETWORK.name)

    assert failed.error
    assert "aws cloudformation create-change-set --import-existing-resources" in failed.error.hint


def test_a_failure_in_a_nested_stack_has_its_resource() -> None:
    """The message has the path of the resource and the line that defines it."""

    class Nesting(FakeCloud):
        def add_event(
            self, stack: DeployedStack, name: str, type_: str, status: str, reason: str = ""
        ) -> None:
            super().add_event(stack, name, type_, status, reason)
            if name == "Below":
                outer = self.history[stack.id].pop()
                reason = "Embedded stack arn:inner was not successfully created: Broken"
                inner_event = replace(outer, type=STACK, physical_id="arn:inner", reason=reason)
                broken = replace(outer, id="b", stack_id="arn:inner", logical_id="Broken")
                self.history["arn:inner"] = [broken]
                self.history[stack.id].append(inner_event)

    cloud = Nesting(FakeClock(), fails={OUTER.name: "Below"})

    failed = finished(deploy(cloud, (FOUNDATION, OUTER)), OUTER.name)

    assert failed.error
    assert failed.error.message.splitlines()[0] == (
        "crd-x-outer: Below/Broken (AWS::Fake::Thing): no room (defined at stacks/inner.py:7)"
    )


def test_a_stack_deleted_at_the_question_is_explained() -> None:
    """The error says that the stack or its change set was deleted, not what AWS calls it."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))

    def execute_change_set(region: str, arn: str, token: str) -> None:
        raise CloudError(f"ChangeSet [{arn}] does not exist", aws_code="ChangeSetNotFound")

    cloud.execute_change_set = execute_change_set  # type: ignore[method-assign]
    events = deploy(cloud, (desired_stack("network", version=2),))

    error = finished(events, "crd-x-network").error
    assert error is not None
    assert error.message == (
        "crd-x-network: the stack or its change set was deleted before it was executed"
    )


def test_a_stack_deleted_during_its_update_is_explained() -> None:
    """The hint creates the stack again."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    execute_change_set = cloud.execute_change_set

    def execute_and_delete(region: str, arn: str, token: str) -> None:
        execute_change_set(region, arn, token)
        cloud.operations.clear()
        cloud.finish_deletion(cloud.deployed[REGION, NETWORK.name])

    cloud.execute_change_set = execute_and_delete  # type: ignore[method-assign]
    events = deploy(cloud, (desired_stack("network", version=2),))

    error = finished(events, "crd-x-network").error
    assert error is not None
    assert error.message == "crd-x-network: the stack was deleted during the operation"
    assert "./inv deploy --stack=network" in error.hint


TABLE = """
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties: {{}}
Outputs:
  TemplateDigest: {{Value: {digest}}}
"""


@pytest.mark.parametrize("accepted", [(), None])
def test_an_update_decided_after_another_operation_shows_its_data_loss(
    accepted: tuple[()] | None,
) -> None:
    """The plan could not show it. The emulator accepts the loss; an account needs an acceptance."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    stack = cloud.deployed[REGION, NETWORK.name]
    cloud.templates[stack.id] = TABLE.format(digest="network-1")
    resumed = replace(stack, status="UPDATE_IN_PROGRESS")
    cloud.put(resumed)
    cloud.add_event(resumed, stack.name, STACK, "UPDATE_IN_PROGRESS")

    def finish() -> None:
        cloud.put(stack)
        cloud.add_event(stack, stack.name, STACK, "UPDATE_COMPLETE")

    cloud.operations[stack.id] = Operation(cloud.clock.now() + 8, finish)
    events = deploy(cloud, (desired_stack("network", version=2),), accepted=accepted)

    shown = [event.reason for event in events if isinstance(event, Started)]
    error = finished(events, "crd-x-network").error
    assert isinstance(error, GuardError) == (accepted is not None)
    assert "Table" in (error.message if error else shown[-1])


def test_a_running_operation_is_reported_first() -> None:
    """An interrupt right after the first event must report that the operation continues."""
    cloud = FakeCloud(FakeClock())
    deploy(cloud, (NETWORK,))
    stack = cloud.deployed[REGION, NETWORK.name]
    cloud.put(replace(stack, status="UPDATE_IN_PROGRESS"))
    cloud.add_event(stack, stack.name, STACK, "UPDATE_IN_PROGRESS")
    cloud.operations[stack.id] = Operation(cloud.clock.now() + 8, lambda: cloud.put(stack))
    cloud.add_event(stack, stack.name, STACK, "UPDATE_COMPLETE")

    events = deploy(cloud, (NETWORK,))

    assert events[0] == OperationStarted(stack.name, REGION, "update", stack.id)
