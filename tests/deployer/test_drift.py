"""Drift of stacks in an account in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import pytest

from deployer.aws.cloud import (
    STACK,
    DeployedStack,
    DriftDetection,
    PropertyDrift,
    ResourceDrift,
    StackResource,
)
from deployer.drift import DriftReview, StackDrift
from deployer.errors import GuardError
from deployer.follow import Watch
from deployer.model import IgnoredDrift
from tests.fakes import REGION, FakeClock, FakeCloud

BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
TIMEOUT = PropertyDrift("/LoadBalancerAttributes/0/Value", "60", "120")
TAG = PropertyDrift("/Tags/1", None, "{}")
CHANGED = ResourceDrift("Balancer", BALANCER, "arn:lb", properties=(TIMEOUT, TAG))
DELETED = ResourceDrift("Table", "AWS::DynamoDB::Table", "table", is_deleted=True)
TODAY = date(2026, 12, 1)


@dataclass
class DriftingCloud(FakeCloud):
    """An account whose detections take 2 seconds.

    *drifts* maps the ids of stacks to their drifts, *failures* to the reason of a failure.
    """

    drifts: dict[str, tuple[ResourceDrift, ...]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    detections: dict[str, float] = field(default_factory=dict)

    def detect_drift(self, region: str, stack_id: str) -> str:
        self._call("detect_drift", stack_id)
        self.detections[stack_id] = self.clock.now() + 2
        return stack_id

    def drift_detection(self, region: str, detection_id: str) -> DriftDetection:
        self._call("drift_detection", detection_id)
        if self.clock.now() < self.detections[detection_id]:
            return DriftDetection(is_running=True)
        reason = self.failures.get(detection_id, "")
        return DriftDetection(is_running=False, has_failed=bool(reason), reason=reason)

    def resource_drifts(self, region: str, stack_id: str) -> tuple[ResourceDrift, ...]:
        self._call("resource_drifts", stack_id)
        return self.drifts.get(stack_id, ())


def deployed(name: str) -> DeployedStack:
    """Return a deployed stack of the environment x."""
    return DeployedStack(f"crd-x-{name}", f"arn:{name}", REGION, "CREATE_COMPLETE")


def review(
    cloud: DriftingCloud, *names: str, ignored: tuple[IgnoredDrift, ...] = ()
) -> DriftReview:
    """Detect the drift of these stacks."""
    watch = Watch(cloud, cloud.clock)
    found = DriftReview(map(deployed, names), "crd-x-", ignored, watch)
    list(found.detect(jobs=4))
    return found


def ignore(
    path: str, until: str = "2027-01-01", resource: str = "cluster/Balancer"
) -> IgnoredDrift:
    """Return an entry of the config."""
    return IgnoredDrift(resource, path, "changed by the load test", until)


def test_the_drift_of_every_stack_is_found() -> None:
    """Changed and deleted resources are found; a stack without drift has none."""
    cloud = DriftingCloud(FakeClock(), drifts={"arn:cluster": (CHANGED, DELETED)})

    found = review(cloud, "network", "cluster")

    assert [
        (drift.short_name, [item.name for item in drift.resources]) for drift in found.found
    ] == [
        ("network", []),
        ("cluster", ["Balancer", "Table"]),
    ]
    assert [drift.is_open for drift in found.found] == [False, True]


def test_stacks_are_checked_concurrently() -> None:
    """The detections of several stacks run at the same time."""
    cloud = DriftingCloud(FakeClock())

    review(cloud, "a", "b", "c", "d")

    assert 2 < cloud.clock.now() < 4


def test_nested_stacks_are_checked() -> None:
    """CloudFormation does not include nested stacks, so each is checked by its id."""
    cloud = DriftingCloud(FakeClock(), drifts={"arn:inner": (DELETED,)})
    nested = StackResource("Inner", "arn:inner", STACK, "CREATE_COMPLETE")
    cloud.listed = {"arn:cluster": (nested,)}

    (drift,) = review(cloud, "cluster").found

    assert [item.name for item in drift.resources] == ["Inner/Table"]


def test_a_failed_detection_is_reported_with_what_was_found() -> None:
    """A failed detection is reported with the drift of the resources that were checked."""
    cloud = DriftingCloud(
        FakeClock(), drifts={"arn:a": (DELETED,)}, failures={"arn:a": "no permission"}
    )

    (drift,) = review(cloud, "a").found

    assert (drift.errors, len(drift.resources), drift.is_open) == (("no permission",), 1, True)


def test_an_error_of_one_stack_does_not_stop_the_others() -> None:
    """A stack that cannot be checked has the error, so that it does not count as checked."""

    class Refusing(DriftingCloud):
        def detect_drift(self, region: str, stack_id: str) -> str:
            if stack_id == "arn:a":
                raise GuardError("not you")
            return super().detect_drift(region, stack_id)

    found = review(Refusing(FakeClock()), "a", "b")

    assert [(drift.short_name, drift.errors) for drift in found.found] == [
        ("a", ("not you",)),
        ("b", ()),
    ]


def drift_of(*ignored: IgnoredDrift) -> tuple[DriftReview, StackDrift]:
    """Return the review of a cluster whose balancer has drifted, with these entries of the config."""
    cloud = DriftingCloud(FakeClock(), drifts={"arn:cluster": (CHANGED,)})
    found = review(cloud, "cluster", ignored=ignored)
    return found, found.found[0]


@pytest.mark.parametrize(
    ("paths", "is_open"),
    [
        (["/LoadBalancerAttributes", "/Tags"], False),
        (["/LoadBalancerAttributes/0/Value", "/Tags/1"], False),
        (["/LoadBalancerAttributes"], True),
        (["/LoadBalancer", "/Tags"], True),
    ],
)
def test_differences_can_be_ignored(paths: list[str], is_open: bool) -> None:
    """An entry applies to a property and everything below it, and to no other property."""
    _, drift = drift_of(*map(ignore, paths))

    assert drift.is_open == is_open


def test_a_deleted_resource_cannot_be_ignored() -> None:
    """Only differences of properties can be ignored."""
    cloud = DriftingCloud(FakeClock(), drifts={"arn:cluster": (DELETED,)})
    entry = ignore("/Tags", resource="cluster/Table")

    found = review(cloud, "cluster", ignored=(entry,))

    assert found.found[0].is_open


@pytest.mark.parametrize(
    ("entry", "fact"),
    [
        (ignore("/Tags", "2026-11-30"), "cluster/Balancer/Tags expired on 2026-11-30"),
        (ignore("/Scheme"), "cluster/Balancer/Scheme has no drift"),
        (ignore("/Tags", resource="cluster/Old"), "cluster/Old/Tags has no drift"),
    ],
)
def test_entries_that_expired_or_match_nothing_are_refused(entry: IgnoredDrift, fact: str) -> None:
    """An entry that has expired, or matches no difference, is refused."""
    found, _ = drift_of(entry)

    with pytest.raises(GuardError) as refused:
        found.refuse_stale(TODAY)

    assert refused.value.message == f"env.ignored_drifts: {fact}"


def test_valid_entries_and_those_of_other_stacks_are_accepted() -> None:
    """An entry is valid until the end of its date; entries of other stacks do not matter."""
    found, _ = drift_of(ignore("/Tags", "2026-12-01"), ignore("/Tags", resource="network/Vpc"))

    found.refuse_stale(TODAY)
