"""Upload or delete the avatar of a user, as an operator."""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.errors import CloudError, ConfigError
from operations import addresses, project, users

if TYPE_CHECKING:
    from operations.target import Target

TIMEOUT_SECONDS = 30.0  # Enough for a cold start and the largest image.
POLL_SECONDS = 0.2
_SIGNATURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


@dataclass(frozen=True)
class Avatar:
    """The avatar of a user: its objects in S3 and its URL.

    *owner* is the account that must own the buckets.
    """

    client: Any
    owner: str
    uploads_bucket: str
    upload_key: str
    avatars_bucket: str
    avatar_key: str
    url: str

    def put_upload(self, body: bytes, content_type: str) -> None:
        """Upload the original, from which the function `thumbnail` creates the avatar."""
        self.client.put_object(
            Bucket=self.uploads_bucket,
            Key=self.upload_key,
            Body=body,
            ContentType=content_type,
            ExpectedBucketOwner=self.owner,
        )

    def version(self) -> str | None:
        """Return the version id of the current avatar; None if there is none."""
        response = self.client.list_object_versions(
            Bucket=self.avatars_bucket, Prefix=self.avatar_key, ExpectedBucketOwner=self.owner
        )
        latest = [
            version["VersionId"] for version in response.get("Versions", []) if version["IsLatest"]
        ]
        return latest[0] if latest else None

    def delete(self) -> None:
        """Delete the original and the avatar."""
        for bucket, key in (
            (self.uploads_bucket, self.upload_key),
            (self.avatars_bucket, self.avatar_key),
        ):
            self.client.delete_object(Bucket=bucket, Key=key, ExpectedBucketOwner=self.owner)


def image_file(path: str) -> Path:
    """Return the file at *path*; raise ConfigError unless it is a JPEG, PNG or WebP file."""
    hint = "pass a JPEG, PNG or WebP image"
    if not path:
        raise ConfigError("--file is required", hint=hint)
    file = project.absolute_path(path)
    if not file.is_file():
        raise ConfigError(f"--file={path}: no such file", hint=hint)
    if _content_type(file) is None:
        raise ConfigError(f"--file={path}: not a JPEG, PNG or WebP file", hint=hint)
    return file


def _content_type(file: Path) -> str | None:
    """Return the content type that the first bytes of *file* indicate; None for any other file."""
    with file.open("rb") as opened:
        head = opened.read(12)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    found = (type_ for start, type_ in _SIGNATURES.items() if head.startswith(start))
    return next(found, None)


def refuse_missing_sub(sub: str) -> None:
    """Raise ConfigError if *sub* is empty."""
    if not sub:
        raise ConfigError("--sub is required", hint="see ./inv users.list")


def upload(target: Target, sub: str, file: Path) -> str:
    """Upload *file* as the avatar of the user *sub*, wait until it is published, return its URL.

    Raise ConfigError if the user pool has no such user.
    """
    if not users.exists(target, sub):
        raise ConfigError(
            f"--sub={sub}: no user has this id",
            hint=f"see ./inv users.list --env={target.env.name}",
        )
    avatar = find(target, sub)
    content_type = _content_type(file) or ""
    previous = avatar.version()
    avatar.put_upload(file.read_bytes(), content_type)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while avatar.version() == previous:
        if time.monotonic() > deadline:
            raise CloudError(
                f"{file.name}: no avatar was created from it",
                hint=f"see ./inv logs --function=thumbnail --env={target.env.name}",
            )
        time.sleep(POLL_SECONDS)
    return avatar.url


def delete(target: Target, sub: str) -> str | None:
    """Delete the avatar of the user *sub*, so that the default one is shown, and return its URL.

    Return None if the user had no avatar. The user may already be deleted in Cognito.
    """
    avatar = find(target, sub)
    existed = avatar.version() is not None
    avatar.delete()
    return avatar.url if existed else None


def find(target: Target, sub: str) -> Avatar:
    """Return the avatar of the user whose id in Cognito is *sub*."""
    # The Lambda functions compute object keys with this module. It is imported by name, because mypy
    # checks it as `shared.avatars`, and refuses a second name.
    shared_avatars = importlib.import_module("lambdas.shared.avatars")
    avatar_id = shared_avatars.avatar_id(sub)
    key = shared_avatars.avatar_key(avatar_id)
    return Avatar(
        client=target.client("s3"),
        owner=target.account.identity().account,
        uploads_bucket=target.output("avatars", "UploadBucket"),
        upload_key=shared_avatars.upload_key(avatar_id),
        avatars_bucket=target.output("assets", "AvatarBucket"),
        avatar_key=key,
        url=f"{addresses.url(target, 'assets.')}/{key}",
    )
