"""The parameter with the released image."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from operations import project, released_image
from operations.released_image import ReleasedImage
from operations.target import Target
from tests.operations.fake_account import Account, Client, use_account

DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"
CHANGED = datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))


def target(monkeypatch: pytest.MonkeyPatch, client: Client) -> Target:
    """Return an environment whose Parameter Store has *client*."""
    account = use_account(monkeypatch, Account({}, {"ssm": client}))
    return Target(project.environment(), account)


def test_a_released_image(monkeypatch) -> None:
    """The time of the release is in UTC."""
    client = Client(get_parameter={"Parameter": {"Value": DIGEST, "LastModifiedDate": CHANGED}})

    found = released_image.find(target(monkeypatch, client), "backend")

    assert found == ReleasedImage(DIGEST, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def test_no_released_image(monkeypatch) -> None:
    """Until the first release, the placeholder of the parameter means no image."""
    client = Client(get_parameter={"Parameter": {"Value": "none"}})

    assert released_image.find(target(monkeypatch, client), "backend") is None


def test_record(monkeypatch) -> None:
    """The digest replaces the previous one in the parameter of the image."""
    client = Client(put_parameter={})

    released_image.record(target(monkeypatch, client), "backend", DIGEST)

    assert client.calls == [
        (
            "put_parameter",
            {"Name": "/crd/x/backend/image", "Value": DIGEST, "Overwrite": True},
        )
    ]


def test_history(monkeypatch) -> None:
    """The newest release is first, and the placeholder before the first release is omitted."""
    versions = [
        {"Value": "none", "LastModifiedDate": CHANGED, "Version": 1},
        {"Value": DIGEST, "LastModifiedDate": CHANGED, "Version": 2},
        {"Value": OTHER, "LastModifiedDate": CHANGED, "Version": 3},
    ]
    client = Client(get_parameter_history=[{"Parameters": versions}])

    found = released_image.history(target(monkeypatch, client), "backend")

    assert [release.digest for release in found] == [OTHER, DIGEST]
