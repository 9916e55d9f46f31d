"""Read the built site: the files of a folder, with their content types and cache headers.

The headers depend only on the name of a file, so every machine publishes it with the same headers.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from deployer.errors import ConfigError

INDEX = "index.html"
CONFIGURATION = "config.json"
WELL_KNOWN = ".well-known"  # The only hidden folder that is published: RFC 8615.
_MAX_KEY_BYTES = 1024  # The limit of S3.

# For files with a digest in their name: different content has a different name.
IMMUTABLE = "public, max-age=31536000, immutable"
# For pages, which name the files of their release, and for the configuration.
NO_CACHE = "no-cache"
# For all others. Five minutes, because an invalidation does not reach browsers.
FIVE_MINUTES = "public, max-age=300"

# Content types by extension; the tables of operating systems differ. With the response header
# `X-Content-Type-Options: nosniff`, browsers ignore scripts and style sheets of another type.
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

# By path in .well-known/: files without an extension whose name is standardized. Browsers and clients
# ignore some of them with another type.
TYPES_BY_NAME = {
    "api-catalog": "application/linkset+json",
    "apple-app-site-association": "application/json",
    "host-meta": "application/xrd+xml",
    "matrix/client": "application/json",
    "matrix/server": "application/json",
    "nodeinfo": "application/json",
    "oauth-authorization-server": "application/json",
    "oauth-protected-resource": "application/json",
    "openid-configuration": "application/json",
    "openid-credential-issuer": "application/json",
    "passkey-endpoints": "application/json",
    "traffic-advice": "application/trafficadvice+json",
    "web-identity": "application/json",
    "webauthn": "application/json",
    "webfinger": "application/jrd+json",
}
PLAIN = "text/plain; charset=utf-8"  # The type of all other files without an extension.

# The names that Vite writes, such as assets/index-BX3k_9aQ.js. _NO_DIGEST matches eight characters
# that are words, a date or a size, as in logo-wordmark.svg, Inter-SemiBold.woff2, logo-20240608.png
# and start-1024x768.png. It also matches one digest in two hundred, which is then cached for five
# minutes only. The source map index-BX3k_9aQ.js.map has the digest of its script, and may differ
# for the same script, so it has no digest of its own.
_NO_DIGEST = r"(?:(?:[A-Z]?[a-z]{3,})*[0-9]*|[0-9x_-]+|[a-z_-]+)\."
_DIGEST = re.compile(rf"(?:^|/)assets/(?:.*/)?[^/]+-(?!{_NO_DIGEST})[A-Za-z0-9_-]{{8}}\.[a-z0-9]+$")


@dataclass(frozen=True)
class File:
    """The checksum of a file, and the headers that it is served with."""

    sha256: str
    content_type: str
    cache_control: str


Files: TypeAlias = dict[str, File]


@dataclass(frozen=True)
class Folder:
    """The files of a folder, by key, and its *hidden* files, which are not published.

    *contents* are the files whose content is not that in the folder.
    """

    path: Path
    files: Files
    hidden: tuple[str, ...]
    contents: Mapping[str, bytes] = field(default_factory=dict)

    def read(self, key: str) -> bytes:
        """Read the content of a file, which may have changed: S3 compares it with the checksum.

        Raise ConfigError if it cannot be read, for example because a build deleted it.
        """
        return self.contents[key] if key in self.contents else _content(_file(self.path, key))


def read(path: Path) -> Folder:
    """Read the files below *path*.

    Raise ConfigError if there is no index.html, since publishing would delete the site. Raise one
    ConfigError with all files that must not or cannot be published.
    """
    if not (path / INDEX).is_file():
        raise ConfigError(f"{path}: there is no {INDEX}", hint="build the site, or pass --folder")
    with _read_errors_translated(path):
        keys = sorted(_key(file.relative_to(path)) for file in _walk(path))
    hidden = tuple(filter(_is_hidden, keys))
    visible = [key for key in keys if key not in hidden]
    problems = [
        f"{path}: {_printable(key)}: {problem}"
        for key in visible
        if (problem := _problem(path, key))
    ]
    if problems:
        raise ConfigError("\n".join(problems), hint="fix or remove them; nothing was published")
    return Folder(path, {key: describe(key, _file(path, key)) for key in visible}, hidden)


def with_content(folder: Folder, key: str, content: bytes) -> Folder:
    """Return *folder* with another *content* of one file."""
    return replace(
        folder,
        files={**folder.files, key: _described(key, content)},
        contents={**folder.contents, key: content},
    )


def describe(key: str, file: Path) -> File:
    """Return the checksum of *file*, and the headers with which it is published as *key*."""
    return _described(key, _content(file))


def _described(key: str, content: bytes) -> File:
    return File(checksum(content), content_type(key) or "", cache_control(key))


def checksum(content: bytes) -> str:
    """Return the SHA-256 of *content* in base64, which is S3's format."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def content_type(key: str) -> str | None:
    """Return the content type of *key*; None if its extension is unknown."""
    if "." not in PurePosixPath(key).name:
        return TYPES_BY_NAME.get(key.removeprefix(f"{WELL_KNOWN}/"), PLAIN)
    return TYPES.get(PurePosixPath(key).suffix.removeprefix(".").lower())


def cache_control(key: str) -> str:
    """Return the Cache-Control header of *key*."""
    if is_immutable(key):
        return IMMUTABLE
    return NO_CACHE if is_page(key) or key == CONFIGURATION else FIVE_MINUTES


def is_immutable(key: str) -> bool:
    """Return whether the name contains a digest of the content."""
    return _DIGEST.search(key) is not None


def is_page(key: str) -> bool:
    """Return whether the file is an HTML page, which refers to other files."""
    return key.lower().endswith(".html")


def _content(file: Path) -> bytes:
    with _read_errors_translated(file):
        return file.read_bytes()


@contextmanager
def _read_errors_translated(path: Path) -> Iterator[None]:
    """Raise ConfigError if *path*, or a file in it, cannot be read.

    Files that were already uploaded have no effect, because the index is uploaded last.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{error.filename or path}: {error.strerror}",
            hint="build the site again, then rerun this",
        ) from error


def _walk(folder: Path) -> Iterator[Path]:
    """Yield everything in *folder* except folders, in a stable order; follow no links."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        else:
            yield path


def _key(file: Path) -> str:
    """Return the name of *file* as UTF-8, as S3 stores it, in every locale."""
    return os.fsencode(file.as_posix()).decode("utf-8", "surrogateescape")


def _file(folder: Path, key: str) -> Path:
    """Return the file of *key* in *folder*."""
    return folder / os.fsdecode(key.encode("utf-8", "surrogateescape"))


def _is_hidden(key: str) -> bool:
    return any(part.startswith(".") and part != WELL_KNOWN for part in key.split("/"))


def _problem(path: Path, key: str) -> str:
    """Return why *key* cannot be published, or "" if it can."""
    file = _file(path, key)
    if file.is_symlink():
        return "is a symbolic link"
    if not file.is_file():
        return "is not a regular file"
    if not _is_utf8(key):
        return "its name is not UTF-8"
    if any(unicodedata.category(character) == "Cc" for character in key):
        return "its name has a control character"
    if not unicodedata.is_normalized("NFC", key):
        return "its name is not in Unicode normalization form C, unlike the links to it"
    if len(key.encode()) > _MAX_KEY_BYTES:
        return f"its path has more than {_MAX_KEY_BYTES} bytes"
    if _is_page_of_application(key):
        return (
            "a name without an extension, or beginning with @, is that of a page of the application"
        )
    if content_type(key) is None:
        return "its content type is unknown: see TYPES in operations/site/files.py"
    return ""


def _is_page_of_application(key: str) -> bool:
    """Return whether the function of the distribution serves the index for the path of *key*."""
    name = PurePosixPath(key).name
    return not key.startswith(f"{WELL_KNOWN}/") and ("." not in name or name.startswith("@"))


def _printable(key: str) -> str:
    """Return *key* with control characters and invalid bytes as escapes."""
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in key
    )


def _is_utf8(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True
