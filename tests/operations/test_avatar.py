"""The avatar of a user is uploaded, waited for and deleted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from deployer.errors import CloudError, ConfigError
from operations import avatar, project
from tests.operations.fake_account import Account, Client, target

OUTPUTS = {"avatars": {"UploadBucket": "uploads"}, "assets": {"AvatarBucket": "avatars"}}


def versions(*ids: str) -> dict[str, object]:
    """Return an answer of ListObjectVersions, the latest version first."""
    return {
        "Versions": [{"VersionId": id_, "IsLatest": index == 0} for index, id_ in enumerate(ids)]
    }


class IdentifiedAccount(Account):
    """An account with the id 1."""

    def identity(self) -> SimpleNamespace:
        return SimpleNamespace(account="1")


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An image file, and a clock that only `sleep` advances."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=sleep)
    monkeypatch.setattr(avatar, "time", clock)
    file = tmp_path / "photo.png"
    file.write_bytes(b"image")
    return file


def test_upload_waits_for_a_new_version(image: Path) -> None:
    """The previous avatar does not count as the uploaded one."""
    client = Client(
        list_object_versions=[versions("old"), versions("old"), versions("new", "old")],
        put_object={},
    )

    url = avatar.upload(target(IdentifiedAccount(OUTPUTS, {"s3": client})), "sub", image)

    [put] = [arguments for operation, arguments in client.calls if operation == "put_object"]
    assert (put["Bucket"], put["Body"], put["ContentType"]) == ("uploads", b"image", "image/png")
    assert put["ExpectedBucketOwner"] == "1"
    assert url.startswith("https://assets.x.example/")
    assert client.answers["list_object_versions"] == []


def test_the_upload_timeout(image: Path) -> None:
    """The hint is the command that prints the log of the function."""
    client = Client(list_object_versions=versions(), put_object={})
    account = IdentifiedAccount(OUTPUTS, {"s3": client})

    with pytest.raises(CloudError, match=r"photo\.png: no avatar was created") as raised:
        avatar.upload(target(account), "sub", image)

    assert raised.value.hint == "see ./inv logs --function=thumbnail --env=x"


def test_delete() -> None:
    """The uploaded image and the avatar are deleted."""
    client = Client(delete_object={})

    avatar.delete(target(IdentifiedAccount(OUTPUTS, {"s3": client})), "sub")

    assert [arguments["Bucket"] for _, arguments in client.calls] == ["uploads", "avatars"]


def test_a_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the flag."""
    monkeypatch.setattr(project, "WORKING_DIRECTORY", tmp_path)

    with pytest.raises(ConfigError, match=r"--file=a\.png: no such file"):
        avatar.image_file("a.png")


def test_the_user_is_required() -> None:
    """Without --sub an error is raised."""
    with pytest.raises(ConfigError, match="--sub is required"):
        avatar.refuse_missing_sub("")
