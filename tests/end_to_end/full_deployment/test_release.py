"""A release from a commit to the service, in the steps of the pipeline, and a rollback."""

from __future__ import annotations

import pytest

from tests.emulator.own_emulator import wait_until
from tests.end_to_end.checkout import Checkout
from tests.end_to_end.full_deployment.release import Release, prepare

FIRST, SECOND = "1" * 40, "2" * 40


@pytest.fixture
def release(restored: Checkout) -> Release:
    """Return the deployed stacks, without an image, and write the files that the stages use."""
    return prepare(restored)


def test_release_and_rollback(release):
    """The first image starts the service, the second replaces it, and a rollback restores the first.

    No stack update replaces a released image, and `plan` finds nothing to do.
    """
    before = release.service["desiredCount"]

    first = release.image(FIRST)
    planned = release.stage("Plan")
    release.stage("Infrastructure")
    migrated = release.stage("Migrate")
    release.deploy_image()
    release.stage("RecordImage", IMAGE_DIGEST=first)
    updated = release.stage("UpdateServiceStack")
    started = release.running, release.recorded, release.service["desiredCount"]
    verified = release.stage("VerifyService")
    first_version = release.version
    release.forget_webhook()
    forgotten = release.webhooks
    release.stage("VerifyService")
    subscribed_again = release.webhooks

    second = release.image(SECOND)
    release.stage("Infrastructure")
    between = release.running
    release.stage("Migrate")
    release.deploy_image()
    release.stage("RecordImage", IMAGE_DIGEST=second)
    release.stage("UpdateServiceStack")
    replaced = release.running, release.recorded, release.version

    release.checkout.run("service.release", f"--image={first}")
    rolled_back = release.running, release.recorded, release.version
    release.stage("Infrastructure")
    release.checkout.run("plan")  # The exit code would be 2 if an update were due.

    uri = release.repository_uri
    assert before == 0
    assert "update" not in planned
    assert "applied 0001_users" in migrated
    assert "/backend/image is available" in updated
    assert (f"{uri}@{first}", first) == started[:2]
    assert started[2] >= 1
    assert "backend-flask runs at least 1 healthy task" in verified
    assert "is subscribed to new avatars" in verified
    assert first_version == 1
    assert (forgotten, subscribed_again) == ([], ["https://api.cruddur.localhost/webhooks/avatar"])
    assert between == f"{uri}@{first}"
    assert (f"{uri}@{second}", second, 2) == replaced
    assert (f"{uri}@{first}", first, 1) == rolled_back
    assert release.running == f"{uri}@{first}"


def test_a_bad_first_image(release):
    """The release of an image whose tasks end at once fails, with the reason."""
    release.break_application()
    digest = release.image(FIRST)
    release.stage("Infrastructure")
    release.stage("Migrate")
    release.deploy_image()
    release.stage("RecordImage", IMAGE_DIGEST=digest)
    release.stage("UpdateServiceStack")
    wait_until(lambda: release.stopped_reasons, seconds=40)

    failed = release.checkout.run("service.verify", "--timeout=0", code=5)

    assert release.version == 0
    assert "backend-flask: fewer than 1 healthy task" in failed.err
    assert "Essential container in task exited" in failed.err
