"""The picture of one person: given by an operator, and taken away again."""

from __future__ import annotations

import importlib
import mimetypes
import time
from dataclasses import dataclass
from typing import Any

from invoke.collection import Collection
from invoke.context import Context

from commands.framework import terminal
from commands.framework.task import task
from operations import project, target

PATIENCE_SECONDS = 30.0  # A cold start, and the largest picture there may be.
_HELP = {"sub": "the person's id in Cognito"}


@dataclass(frozen=True)
class Picture:
    """The picture of one person: where it comes from and goes to, and who owns the buckets."""

    client: Any
    owner: str
    uploads: str
    original: str
    avatars: str
    picture: str
    url: str

    def put(self, body: bytes, content_type: str) -> None:
        """Upload what becomes the picture."""
        self.client.put_object(
            Bucket=self.uploads,
            Key=self.original,
            Body=body,
            ContentType=content_type,
            ExpectedBucketOwner=self.owner,
        )

    def version(self) -> str | None:
        """The version of the picture that is shown; None where there is none."""
        listed = self.client.list_object_versions(
            Bucket=self.avatars, Prefix=self.picture, ExpectedBucketOwner=self.owner
        )
        latest = [each["VersionId"] for each in listed.get("Versions", []) if each["IsLatest"]]
        return latest[0] if latest else None

    def clear(self) -> None:
        """Take away the picture, and what it was made from."""
        for bucket, key in ((self.uploads, self.original), (self.avatars, self.picture)):
            self.client.delete_object(Bucket=bucket, Key=key, ExpectedBucketOwner=self.owner)


@task(help=_HELP | {"file": "a picture: JPEG, PNG or WebP"})
def upload(_: Context, sub: str = "", file: str = "", env: str = "") -> None:
    """Give a person a picture, and wait until everyone can see it."""
    from deployer.errors import CloudError, ConfigError

    photo = project.path(file)
    if not photo.is_file():
        raise ConfigError(f"--file={file}: there is no such file", hint="a JPEG, PNG or WebP")
    picture = _picture(sub, env)
    content_type = mimetypes.guess_type(photo.name)[0] or "application/octet-stream"
    before = picture.version()
    picture.put(photo.read_bytes(), content_type)
    give_up = time.monotonic() + PATIENCE_SECONDS
    while picture.version() == before:
        if time.monotonic() > give_up:
            why = "the log of the thumbnail function says why"
            raise CloudError(f"no picture came of {photo.name}", hint=why)
        time.sleep(0.2)
    terminal.show(picture.url)


@task(help=_HELP)
def clear(_: Context, sub: str = "", env: str = "") -> None:
    """Take a person's picture away: they have the default one again."""
    picture = _picture(sub, env)
    picture.clear()
    terminal.show(f"cleared {picture.url}")


def _picture(sub: str, env: str) -> Picture:
    """Raises ConfigError where nobody is named, CloudError where a layer is not deployed."""
    from deployer.errors import ConfigError

    if not sub:
        raise ConfigError("--sub: nobody is named", hint="the person's id in Cognito")
    here = target.connect(env)
    # One rule for all who need it: the functions have it too, in their zips.
    names = importlib.import_module("lambdas.shared.avatars")
    avatar = names.avatar_id(sub)
    key = names.avatar_key(avatar)
    return Picture(
        client=here.client("s3"),
        owner=here.account.identity().account,
        uploads=here.output("avatars", "Uploads"),
        original=names.upload_key(avatar),
        avatars=here.output("assets", "Avatars"),
        picture=key,
        url=f"https://assets.{here.env.domain}/{key}",
    )


namespace = Collection(upload, clear)
