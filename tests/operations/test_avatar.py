"""The avatar of a user is uploaded, waited for and deleted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from deployer.errors import CloudError, ConfigError
from operations import avatar, project
from tests.operations.fake_account import Account, Client, target

OUTPUTS = {
    "avatars": {"UploadBucket": "uploads"},
    "assets": {"AvatarBucket": "avatars"},
    "users": {"Pool": "pool"},
}
PNG = b"\x89PNG\r\n\x1a\n..."
SUB = "0c1f9aa0-0000-4000-8000-000000000001"


def versions(*ids: str) -> dict[str, object]:
    """Return an answer of ListObjectVersions, the latest version first."""
    return {
        "Versions": [{"VersionId": id_, "IsLatest": index == 0} for index, id_ in enumerate(ids)]
    }


class IdentifiedAccount(Account):
    """An account with the id 1."""

    def identity(self) -> SimpleNamespace:
        return SimpleNamespace(account="1")


def account_with(s3: Client, *users: str) -> IdentifiedAccount:
    """Return an account with a client of S3, and a user pool with one user, or *users*."""
    found = {"Users": [{"Username": name} for name in users or (SUB,)]}
    return IdentifiedAccount(OUTPUTS, {"s3": s3, "cognito-idp": Client(list_users=found)})


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An image file, and a clock that only `sleep` advances."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=sleep)
    monkeypatch.setattr(avatar, "time", clock)
    file = tmp_path / "photo.png"
    file.write_bytes(PNG)
    return file


def test_upload_waits_for_a_new_version(image: Path) -> None:
    """The previous avatar does not count as the uploaded one."""
    client = Client(
        list_object_versions=[versions("old"), versions("old"), versions("new", "old")],
        put_object={},
    )

    url = avatar.upload(target(account_with(client)), SUB, image)

    [put] = [arguments for operation, arguments in client.calls if operation == "put_object"]
    assert (put["Bucket"], put["Body"], put["ContentType"]) == ("uploads", PNG, "image/png")
    assert put["ExpectedBucketOwner"] == "1"
    assert url.startswith("https://assets.x.example/")
    assert client.answers["list_object_versions"] == []


def test_the_upload_timeout(image: Path) -> None:
    """The hint is the command that prints the log of the function."""
    client = Client(list_object_versions=versions(), put_object={})

    with pytest.raises(CloudError, match=r"photo\.png: no avatar was created") as raised:
        avatar.upload(target(account_with(client)), SUB, image)

    assert raised.value.hint == "see ./inv logs --function=thumbnail --env=x"


def test_delete() -> None:
    """The uploaded image and the avatar are deleted, also if the user no longer exists."""
    client = Client(list_object_versions=versions("old"), delete_object={})

    url = avatar.delete(target(IdentifiedAccount(OUTPUTS, {"s3": client})), "sub")

    deleted = [arguments["Bucket"] for name, arguments in client.calls if name == "delete_object"]
    assert deleted == ["uploads", "avatars"]
    assert str(url).startswith("https://assets.x.example/")


def test_nothing_to_delete() -> None:
    """Without an avatar, None is returned; an upload that is not published is deleted anyway."""
    client = Client(list_object_versions=versions(), delete_object={})

    assert avatar.delete(target(IdentifiedAccount(OUTPUTS, {"s3": client})), "sub") is None


@pytest.mark.parametrize("sub", ["nobody", SUB, '" or sub ^= "'])
def test_an_unknown_user(image: Path, sub: str) -> None:
    """Nothing is uploaded for a user who does not exist."""
    cognito = Client(list_users={"Users": []})
    account = IdentifiedAccount(OUTPUTS, {"s3": Client(), "cognito-idp": cognito})

    with pytest.raises(ConfigError, match="no user has this id") as raised:
        avatar.upload(target(account), sub, image)

    assert raised.value.hint == "see ./inv users.list --env=x"
    assert [arguments["Filter"] for _, arguments in cognito.calls] == [f'sub = "{SUB}"'] * (
        sub == SUB
    )


@pytest.mark.parametrize(
    ("content", "accepted"),
    [
        (PNG, True),
        (b"\xff\xd8\xff\xe0", True),
        (b"RIFF\0\0\0\0WEBPVP8 ", True),
        (b"GIF89a", False),
        (b"# README", False),
        (b"", False),
    ],
)
def test_the_content_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, *, accepted: bool
) -> None:
    """A file whose first bytes are not those of a picture is refused, whatever its name."""
    monkeypatch.setattr(project, "WORKING_DIRECTORY", tmp_path)
    (tmp_path / "a.png").write_bytes(content)

    if accepted:
        assert avatar.image_file("a.png") == tmp_path / "a.png"
    else:
        with pytest.raises(ConfigError, match=r"--file=a\.png: not a JPEG, PNG or WebP file"):
            avatar.image_file("a.png")


def test_a_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the flag."""
    monkeypatch.setattr(project, "WORKING_DIRECTORY", tmp_path)

    with pytest.raises(ConfigError, match=r"--file=a\.png: no such file"):
        avatar.image_file("a.png")


def test_the_user_is_required() -> None:
    """Without --sub an error is raised."""
    with pytest.raises(ConfigError, match="--sub is required"):
        avatar.refuse_missing_sub("")
