"""The objects that CloudFormation reads from the artifact bucket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from deployer.artifacts import Artifact, Target
from deployer.aws.cloud import (
    ChangeSet,
    ChangeSetRequest,
)
from deployer.errors import (
    GuardError,
)
from deployer.events import Event, Outcome, Uploaded, Verified
from deployer.model import OutputOf
from deployer.model.desired import DesiredStack, NestedTemplate
from deployer.plan import Recreate
from tests.deployer.deploying import (
    CLUSTER,
    deploy,
    finished,
    outcomes,
)
from tests.fakes import REGION, FakeClock, FakeCloud, desired_stack


def test_a_long_template_is_uploaded() -> None:
    """CloudFormation accepts 51,200 bytes in a call; a longer template is read from the bucket."""
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

    # Uploads of an administrator are outside of the folder that a release can write.
    key = f"templates/{long.name}/{long.digest}.yaml"
    assert keys == [f"artifacts/{key}", f"artifacts/releases/{key}"]


CODE = Artifact("thumbnail", Target("3.13", "arm64"), "digest")
STORE = desired_stack("foundation", outputs={"Bucket": "artifacts"})


WITH_CODE = replace(
    CLUSTER,
    dependencies=(STORE.name,),
    artifact_bucket=OutputOf(STORE.name, REGION, "Bucket"),
    artifacts=(CODE,),
)


def test_code_is_uploaded_before_its_change_set_is_created() -> None:
    """Code is uploaded before the change set is created: Lambda reads it when that is executed."""
    cloud = FakeCloud(FakeClock())

    events = deploy(cloud, (STORE, WITH_CODE), read_artifact=lambda artifact: artifact.key.encode())

    assert cloud.uploads == {f"artifacts/{CODE.key}": CODE.key.encode()}
    done = [name for name, _ in cloud.writes]
    assert done.index("upload") < len(done) - 1 - done[::-1].index("create_change_set")
    assert [event.stack for event in events if isinstance(event, Uploaded)] == [WITH_CODE.name]


ZIP, TEMPLATE = b"a zip", "Outputs: {}"
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
    """Return an account whose artifact bucket has *objects* from an unknown source."""
    cloud = FakeCloud(FakeClock())
    for place, content in objects.items():
        cloud.put_object(place, content, checksum=checksum)
    return cloud


def deploy_objects(cloud: FakeCloud, *stacks: DesiredStack, **run: object) -> list[Event]:
    """Deploy a stack with a zip, a nested template and a long template of its own."""
    return deploy(cloud, stacks or (STORE, WITH_OBJECTS), read_artifact=lambda _: ZIP, **run)


def stored_objects(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Return the folder of each object, and whether it was verified, uploaded, or why replaced."""
    return [
        (
            event.url.partition(".com/")[2].partition("/")[0],
            event.replaced or "uploaded" if isinstance(event, Uploaded) else "verified",
        )
        for event in events
        if isinstance(event, Uploaded | Verified)
    ]


def test_objects_with_the_right_checksum_are_not_uploaded_again() -> None:
    """Objects with the expected checksum are verified, but not uploaded."""
    cloud = account_with(OBJECTS)

    events = deploy_objects(cloud)

    assert outcomes(events)[CLUSTER.name] is Outcome.CREATED
    assert [word for _, word in stored_objects(events)] == ["verified"] * 3
    assert not [call for call in cloud.calls if call[0] == "upload"]


def test_an_object_with_other_content_is_replaced() -> None:
    """The object is replaced before the change set is created, and an event reports it."""
    cloud = account_with(dict.fromkeys(OBJECTS, b"other"))

    events = deploy_objects(cloud)

    assert cloud.uploads == OBJECTS
    assert [word for _, word in stored_objects(events)] == ["it had other content"] * 3
    done = [name for name, _ in cloud.writes]
    assert done.index("create_change_set", done.index("upload")) > max(
        place for place, name in enumerate(done) if name == "upload"
    )


def test_an_object_without_a_checksum_is_replaced() -> None:
    """An object of another tool, or one uploaded in parts, has no checksum and is replaced."""
    cloud = account_with(OBJECTS, checksum=False)

    events = deploy_objects(cloud)

    assert [word for _, word in stored_objects(events)] == ["it had no SHA-256 checksum"] * 3
    assert set() == cloud.without_checksum


def test_objects_of_the_deployed_template_are_verified_too() -> None:
    """Objects of the deployed template are verified, because any update reads them again."""
    cloud = account_with(OBJECTS)
    deploy_objects(cloud)
    cloud.put_object(f"artifacts/{NESTED.key}", b"other")

    events = deploy_objects(cloud, STORE, replace(WITH_OBJECTS, tags={"stack": "other"}))

    assert outcomes(events)[CLUSTER.name] is Outcome.UPDATED
    assert cloud.uploads == OBJECTS
    assert ("templates", "it had other content") in stored_objects(events)


def test_objects_of_a_recreated_stack_are_verified() -> None:
    """The objects of a recreated stack are verified, because Lambda reads the zip again."""
    cloud = account_with(OBJECTS)
    cloud.fails[CLUSTER.name] = "Thing"
    deploy_objects(cloud)
    cloud.fails.clear()
    cloud.put_object(f"artifacts/{CODE.key}", b"other")

    events = deploy_objects(cloud)

    assert outcomes(events)[CLUSTER.name] is Outcome.RECREATED
    assert cloud.uploads == OBJECTS


def test_events_have_the_version_of_each_object() -> None:
    """Events of uploaded and of verified objects have the version."""
    cloud = account_with({})

    first = deploy_objects(cloud)
    second = deploy_objects(cloud, STORE, replace(WITH_OBJECTS, tags={"stack": "other"}))

    versions = [cloud.versions[place] for place in OBJECTS]
    assert versions == [event.version for event in first if isinstance(event, Uploaded)]
    assert versions == [event.version for event in second if isinstance(event, Verified)]


def test_the_url_of_a_long_template_has_its_version() -> None:
    """CloudFormation reads the version that was verified, even if it is replaced meanwhile."""
    requests: list[ChangeSetRequest] = []

    class RecordingCloud(FakeCloud):
        def create_change_set(self, request: ChangeSetRequest) -> str:
            requests.append(request)
            return super().create_change_set(request)

    cloud = RecordingCloud(FakeClock())

    deploy_objects(cloud)

    version = cloud.versions[[*OBJECTS][2]]
    assert requests[1].url.endswith(f"/{CLUSTER.digest}.yaml?versionId={version}")


@pytest.mark.parametrize("place", OBJECTS)
def test_an_object_that_was_replaced_during_the_approval_is_refused(place: str) -> None:
    """An approval may take an hour, so objects are verified again after it."""
    cloud = account_with(OBJECTS)

    def approve(change_set: ChangeSet | Recreate) -> bool:
        if isinstance(change_set, ChangeSet) and change_set.stack == CLUSTER.name:
            cloud.put_object(place, b"other")
        return True

    events = deploy_objects(cloud, approve=approve)

    error = finished(events, CLUSTER.name).error
    assert isinstance(error, GuardError)
    assert f"{place.removeprefix('artifacts/')}: replaced after it was verified" in error.message
    assert [name for _, name in cloud.deployed] == [STORE.name]
    assert cloud.change_sets == {}


def test_a_release_cannot_replace_an_object() -> None:
    """A release may only add objects."""
    cloud = account_with(dict.fromkeys(OBJECTS, b"other"))

    events = deploy_objects(cloud, role="arn:role/release")

    assert "the object exists" in str(finished(events, CLUSTER.name).error)
    assert dict.fromkeys(OBJECTS, b"other") == cloud.uploads


def test_objects_of_unchanged_stacks_are_not_verified() -> None:
    """A run with nothing to do makes no call to S3."""
    cloud = account_with({})
    deploy_objects(cloud)
    cloud.calls.clear()

    deploy_objects(cloud)

    assert [name for name, _ in cloud.calls] == ["stacks"]


def test_each_object_is_read_twice() -> None:
    """An object is verified before the change set is created and before it is executed."""
    cloud = account_with({})

    deploy_objects(cloud)

    assert {
        name: count
        for name, count in Counter(name for name, _ in cloud.calls).items()
        if name in {"stored_object", "upload"}
    } == {"stored_object": 6, "upload": 3}


def test_code_without_a_bucket_is_refused_with_a_hint() -> None:
    """If the stack of the bucket is missing, as possible with --only, the hint names it."""
    cloud = FakeCloud(FakeClock())

    events = deploy(cloud, (WITH_CODE,))

    error = finished(events, WITH_CODE.name).error
    assert STORE.name in str(error)
    assert error.hint == "deploy that first, or omit --only"
    assert cloud.writes == []
