"""Decide which files a publication uploads, deletes and invalidates, without changing anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from urllib.parse import quote

from operations.site.files import INDEX, File, Files, is_immutable, is_page

# Open pages still request the files of their own release.
UNUSED_SECONDS = 7 * 24 * 60 * 60
# 1,000 invalidation paths a month are free, and 3,000 may be pending. A wildcard is one path.
MAX_PATHS = 100
ALL_PATHS = "/*"
# CloudFront requires the unsafe characters of RFC 1738 to be encoded, and no others.
_NOT_ENCODED = "/;:@=&$+!(),"
# CloudFront refuses paths with a tilde or an apostrophe, and an encoded tilde matches no file. An
# encoded apostrophe and control characters are not documented. * would be a wildcard, and ? would
# begin a query string.
_NOT_IN_PATHS = re.compile(r"[~'*?\x00-\x1f\x7f-\x9f]")
_MAX_PATH_LENGTH = 4000


@dataclass(frozen=True)
class StoredFile:
    """A file as it was published, and the ETag that S3 gave it."""

    file: File
    etag: str


@dataclass(frozen=True)
class Record:
    """The state after the last complete publication.

    *unused* holds the time since which no release has used a file, in seconds since 1970.
    """

    files: dict[str, StoredFile] = field(default_factory=dict)
    unused: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishedSite:
    """The files in the bucket, their ETags, and the record.

    *verified* are the files that were not stored, replaced or deleted since the record was written.
    """

    files: Files
    etags: Mapping[str, str]
    record: Record
    verified: frozenset[str]


@dataclass(frozen=True)
class Plan:
    """The files to create, update and delete, and the *outdated* ones, to invalidate in the cache.

    *unused* files are kept for open pages, each with the time since which it is unused.
    """

    create: tuple[str, ...]
    update: tuple[str, ...]
    delete: tuple[str, ...]
    unchanged: tuple[str, ...]
    unused: Mapping[str, int]
    outdated: tuple[str, ...]

    @property
    def has_changes(self) -> bool:
        """Whether a publication would change the site or a cache."""
        return bool(self.create or self.update or self.delete or self.outdated)

    @property
    def changed_immutable(self) -> tuple[str, ...]:
        """Return the files that change although they were cached as immutable."""
        return tuple(filter(is_immutable, self.update))

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths to invalidate: one per file, or one wildcard for all.

        The index is also served for `/`. It is served for unknown pages too, but CloudFront caches
        that response for one second only. A file whose path CloudFront cannot invalidate needs the
        wildcard.
        """
        paths = [path_of(key) for key in self.outdated]
        if INDEX in self.outdated:
            paths.insert(0, "/")
        if ALL_PATHS in paths or len(paths) > MAX_PATHS:
            return (ALL_PATHS,)
        return tuple(paths)

    def stages(self) -> Iterator[tuple[str, ...]]:
        """Yield the files to upload, in stages, so that no page refers to a missing file."""
        keys = sorted([*self.create, *self.update], key=lambda key: (_stage(key), key))
        for _, stage in groupby(keys, _stage):
            yield tuple(stage)


def path_of(key: str) -> str:
    """Return the path that invalidates *key*; ALL_PATHS if CloudFront has none for it alone."""
    path = f"/{quote(key, safe=_NOT_ENCODED, errors='surrogateescape')}"
    return ALL_PATHS if _NOT_IN_PATHS.search(key) or len(path) > _MAX_PATH_LENGTH else path


def plan(desired: Files, published: PublishedSite, *, now: int) -> Plan:
    """Return the plan that publishes the *desired* files, and deletes all others that are unused."""
    common = sorted(desired.keys() & published.files.keys())
    unchanged = [key for key in common if desired[key] == published.files[key]]
    unused = dict(_unused(desired, published, now))
    return Plan(
        create=tuple(sorted(desired.keys() - published.files.keys())),
        update=tuple(sorted(set(common) - set(unchanged))),
        delete=tuple(sorted(published.files.keys() - desired.keys() - unused.keys())),
        unchanged=tuple(unchanged),
        unused=unused,
        outdated=tuple(sorted(_outdated(desired, published))),
    )


def new_record(
    plan: Plan, desired: Files, published: PublishedSite, etags: Mapping[str, str]
) -> Record:
    """Return the record after *plan* is carried out; *etags* are those of the uploaded files."""
    all_etags = {**published.etags, **etags}
    files = {**{key: published.files[key] for key in plan.unused}, **desired}
    return Record(
        {key: StoredFile(file, all_etags[key]) for key, file in sorted(files.items())},
        dict(plan.unused),
    )


def _stage(key: str) -> int:
    """Return the stage of an upload: immutable files, other files, pages, the index."""
    if key == INDEX:
        return 3
    if is_page(key):
        return 2
    return 0 if is_immutable(key) else 1


def _unused(desired: Files, published: PublishedSite, now: int) -> Iterator[tuple[str, int]]:
    """Yield the immutable files that open pages may still request, and since when each is unused."""
    for key in sorted(published.files.keys() - desired.keys()):
        since = published.record.unused.get(key, now)
        if is_immutable(key) and now - since < UNUSED_SECONDS:
            yield key, since


def _outdated(desired: Files, published: PublishedSite) -> Iterator[str]:
    """Yield the files of which a cache may hold another version than the *desired* one.

    A cache may hold what the record lists, or anything that was stored later: an interrupted
    publication or another program may have changed the bucket without an invalidation. So a file
    is certainly up to date only if the record has the desired version and the file was not stored
    after the record. If it was stored again, it may have been different in between, even if the
    bucket now has the desired version.

    A file with a digest in its name has the same content whenever it exists. So if it is created or
    deleted, no cache is outdated, unless two known versions of it differ. If it is neither created
    nor deleted but was stored again, its content was probably different in between.
    """
    recorded_files = {key: stored.file for key, stored in published.record.files.items()}
    for key in recorded_files.keys() | published.files.keys():  # No other file is in a cache.
        recorded, current, new = (
            recorded_files.get(key),
            published.files.get(key),
            desired.get(key),
        )
        is_up_to_date = recorded == new and key in published.verified
        is_created_or_deleted = not (recorded and new)
        is_harmless = (
            is_immutable(key) and is_created_or_deleted and _is_one_file(recorded, current, new)
        )
        if not (is_up_to_date or is_harmless):
            yield key


def _is_one_file(*versions: File | None) -> bool:
    """Return whether all versions that exist are equal."""
    return len({version for version in versions if version}) == 1
