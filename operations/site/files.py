"""The site as it was built: every file of a folder, and how browsers shall take it.

What a file is and how long it is kept follow from its name alone, so that two machines never
publish the same file differently.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

INDEX = "index.html"
SHOWN_ANYWAY = ".well-known"  # Hidden on a disk, but a name that the web has given a meaning.

# For a year, which is as good as for ever: another content has another name.
FOR_EVER = "public, max-age=31536000, immutable"
# Asked about each time: a page names the files of its release.
EACH_TIME = "no-cache"
# What has one name for ever is five minutes old at most; an invalidation reaches no browser.
A_WHILE = "public, max-age=300"

# By extension, since the tables of operating systems differ. With X-Content-Type-Options:
# nosniff, a browser runs no script and applies no style of another type.
TYPES = {
    "avif": "image/avif",
    "css": "text/css; charset=utf-8",
    "gif": "image/gif",
    "html": "text/html; charset=utf-8",
    "ico": "image/vnd.microsoft.icon",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "map": "application/json",
    "md": "text/markdown; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "otf": "font/otf",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "ttf": "font/ttf",
    "txt": "text/plain; charset=utf-8",
    "wasm": "application/wasm",
    "webm": "video/webm",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xml": "application/xml",
}

# By name, where the web has given a meaning to one without extension.
TYPES_BY_NAME = {
    "apple-app-site-association": "application/json",
    "host-meta": "application/xrd+xml",
    "nodeinfo": "application/json",
    "oauth-authorization-server": "application/json",
    "openid-configuration": "application/json",
    "traffic-advice": "application/trafficadvice+json",
    "webfinger": "application/jrd+json",
}
PLAIN = "text/plain; charset=utf-8"  # Of any other without extension, such as LICENSE or CNAME.

# assets/index-BX3k_9aQ.js, as Vite names what it has built. A digest without a digit or capital
# is one in seven hundred; it is only taken for a word, such as logo-wordmark.svg. A source map,
# index-BX3k_9aQ.js.map, has the digest of its script, and the same script may have another map.
_DIGEST = re.compile(r"(?:^|/)assets/(?:.*/)?[^/]+-(?=[^/.]*[A-Z0-9])[A-Za-z0-9_-]{8}\.[a-z0-9]+$")


@dataclass(frozen=True)
class File:
    """What is stored under a key: a content, and what browsers are told of it."""

    sha256: str
    content_type: str
    cache_control: str


Files: TypeAlias = dict[str, File]


@dataclass(frozen=True)
class Folder:
    """What a folder holds for the world, and what of it stays at home."""

    path: Path
    files: Files
    left_out: tuple[str, ...]

    def read(self, key: str) -> bytes:
        """The content of a file now: S3 compares it with the checksum of then.

        Raises ConfigError if it is gone or cannot be read: a build may run meanwhile.
        """
        return _content(_file(self.path, key))


def read(path: Path) -> Folder:
    """Every file below *path*, with its checksum.

    Hidden files stay at home. Raises ConfigError for what must not be published or could not be
    served, all of it at once, for what cannot be read, and for a folder without an index.html: it
    would delete the site.
    """
    from deployer.errors import ConfigError

    if not (path / INDEX).is_file():
        raise ConfigError(f"{path}: there is no {INDEX}", hint="build the site first, or --folder")
    with _told(path):
        keys = sorted(_key(file.relative_to(path)) for file in _walk(path))
    hidden = tuple(filter(_is_hidden, keys))
    shown = [key for key in keys if key not in hidden]
    wrong = [f"{path}: {_shown(key)}: {reason}" for key in shown if (reason := _wrong(path, key))]
    if wrong:
        raise ConfigError("\n".join(wrong), hint="nothing was published: mend or remove them")
    return Folder(path, {key: described(key, _file(path, key)) for key in shown}, hidden)


def described(key: str, file: Path) -> File:
    """What is stored of *file* under *key*."""
    return File(checksum(_content(file)), type_of(key) or "", cache_of(key))


def checksum(content: bytes) -> str:
    """The SHA-256 of *content*, as S3 writes it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def type_of(key: str) -> str | None:
    """Return the content type of a key, if it has no extension or its extension is known."""
    name = PurePosixPath(key).name
    if name in TYPES_BY_NAME or "." not in name:
        return TYPES_BY_NAME.get(name, PLAIN)
    return TYPES.get(PurePosixPath(key).suffix.removeprefix(".").lower())


def cache_of(key: str) -> str:
    """How long browsers and CloudFront keep what is there."""
    if is_for_ever(key):
        return FOR_EVER
    return EACH_TIME if is_page(key) else A_WHILE


def is_for_ever(key: str) -> bool:
    """Its name has a digest of its content."""
    return _DIGEST.search(key) is not None


def is_page(key: str) -> bool:
    """It names other files."""
    return key.endswith(".html")


def _content(file: Path) -> bytes:
    with _told(file):
        return file.read_bytes()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What the disk says of *path*, or of something in it, as an error with a way out.

    What was sent before that does no harm: the index comes last.
    """
    from deployer.errors import ConfigError

    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{error.filename or path}: {error.strerror}",
            hint="build the site again, then run this again",
        ) from error


def _walk(folder: Path) -> Iterator[Path]:
    """Everything in *folder* that is no folder, in a stable order; a link is not followed."""
    for each in sorted(folder.iterdir()):
        if each.is_dir() and not each.is_symlink():
            yield from _walk(each)
        else:
            yield each


def _key(file: Path) -> str:
    """Return the name of *file* as UTF-8, which S3 has, whatever the locale takes it for."""
    return os.fsencode(file.as_posix()).decode("utf-8", "surrogateescape")


def _file(folder: Path, key: str) -> Path:
    """Return the file in *folder* that has this key."""
    return folder / os.fsdecode(key.encode("utf-8", "surrogateescape"))


def _is_hidden(key: str) -> bool:
    return any(part.startswith(".") and part != SHOWN_ANYWAY for part in key.split("/"))


def _wrong(path: Path, key: str) -> str:
    """Why this cannot be published; empty if it can."""
    file = _file(path, key)
    if file.is_symlink():
        return "a symbolic link, which may lead anywhere"
    if not file.is_file():
        return "no file"
    if not _is_text(key):
        return "its name is not UTF-8"
    if any(unicodedata.category(each) == "Cc" for each in key):
        return "its name has a control character"
    if key.rpartition("/")[2].startswith("@"):
        return "a name beginning with @ is that of a page of the application"
    if type_of(key) is None:
        return "no content type is known for it: see TYPES in operations/site/files.py"
    return ""


def _shown(key: str) -> str:
    """Return *key* in a line of its own, control characters and what is no text as escapes."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode()
        for each in key
    )


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True
