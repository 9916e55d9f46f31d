"""Decides, without touching anything, what a publication sends, deletes and has forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from urllib.parse import quote

from operations.site.files import INDEX, File, Files, is_for_ever, is_page

# A page that somebody left open asks for files of its release, not of the newest one.
KEPT_SECONDS = 7 * 24 * 60 * 60
# CloudFront forgets 1,000 paths a month for nothing, and 3,000 at a time; all of it is one path.
MOST_PATHS = 100
EVERYTHING = "/*"
# CloudFront documents that a path must have the unsafe characters of RFC 1738 encoded, and no others.
_NOT_ENCODED = "/;:@=&$+!'(),"
# A tilde is supported in no form; * would be a wildcard, and ? begin a query. AWS says nothing of
# control characters.
_INEXPRESSIBLE = re.compile(r"[~*?\x00-\x1f\x7f-\x9f]")
_LONGEST_PATH = 4000


@dataclass(frozen=True)
class Published:
    """A file that was stored and that no cache has an older one of. *etag* is what S3 calls it."""

    file: File
    etag: str


@dataclass(frozen=True)
class Record:
    """What the last whole publication left. *unused* says since when no release has a file.

    Times are seconds since 1970.
    """

    files: dict[str, Published] = field(default_factory=dict)
    unused: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What the bucket holds now, the name that S3 has for each content, and the record.

    *vouched* are the files that nobody has stored, replaced or deleted since the record was made.
    """

    files: Files
    etags: Mapping[str, str]
    record: Record
    vouched: frozenset[str]


@dataclass(frozen=True)
class Plan:
    """What is to be done, and the files that *wait* for deletion, each since when."""

    create: tuple[str, ...]
    update: tuple[str, ...]
    delete: tuple[str, ...]
    same: tuple[str, ...]
    wait: Mapping[str, int]
    forget: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """Somebody would see a difference."""
        return bool(self.create or self.update or self.delete or self.forget)

    @property
    def broken_promises(self) -> tuple[str, ...]:
        """Files that change under a name that says they never do: browsers keep the old ones."""
        return tuple(filter(is_for_ever, self.update))

    @property
    def paths(self) -> tuple[str, ...]:
        """What CloudFront is told to forget: one path for each file, or one for all.

        The index also answers for the root. For all other pages as well; but CloudFront keeps it
        for a second only, whatever page it was asked for. All is forgotten for a file whose path
        cannot be said, too.
        """
        paths = [path_of(key) for key in self.forget]
        if INDEX in self.forget:
            paths.insert(0, "/")
        if EVERYTHING in paths or len(paths) > MOST_PATHS:
            return (EVERYTHING,)
        return tuple(paths)

    def stages(self) -> Iterator[tuple[str, ...]]:
        """What is sent, in an order in which no page ever names a file that is not there yet."""
        sent = sorted([*self.create, *self.update], key=lambda key: (_stage(key), key))
        for _, keys in groupby(sent, _stage):
            yield tuple(keys)


def path_of(key: str) -> str:
    """Return the path that invalidates *key*: EVERYTHING if CloudFront has none for it alone."""
    path = f"/{quote(key, safe=_NOT_ENCODED, errors='surrogateescape')}"
    return EVERYTHING if _INEXPRESSIBLE.search(key) or len(path) > _LONGEST_PATH else path


def plan(wanted: Files, found: Found, *, now: int) -> Plan:
    """What makes the bucket hold just what is *wanted*, and the world see it."""
    common = sorted(wanted.keys() & found.files)
    same = [key for key in common if wanted[key] == found.files[key]]
    wait = dict(_waiting(wanted, found, now))
    return Plan(
        create=tuple(sorted(wanted.keys() - found.files.keys())),
        update=tuple(sorted(set(common) - set(same))),
        delete=tuple(sorted(found.files.keys() - wanted.keys() - wait.keys())),
        same=tuple(same),
        wait=wait,
        forget=tuple(sorted(_outdated(wanted, found))),
    )


def recorded(done: Plan, wanted: Files, found: Found, etags: Mapping[str, str]) -> Record:
    """What is to be remembered after *done*; *etags* are those of the files that were sent."""
    known = {**found.etags, **etags}
    files = {**{key: found.files[key] for key in done.wait}, **wanted}
    return Record(
        {key: Published(file, known[key]) for key, file in sorted(files.items())},
        dict(done.wait),
    )


def _stage(key: str) -> int:
    """Files under names of their own disturb nobody; the index makes a release of the rest."""
    if key == INDEX:
        return 3
    if is_page(key):
        return 2
    return 0 if is_for_ever(key) else 1


def _waiting(wanted: Files, found: Found, now: int) -> Iterator[tuple[str, int]]:
    """The unused files that pages which are still open may ask for."""
    for key in sorted(found.files.keys() - wanted.keys()):
        since = found.record.unused.get(key, now)
        if is_for_ever(key) and now - since < KEPT_SECONDS:
            yield key, since


def _outdated(wanted: Files, found: Found) -> Iterator[str]:
    """Where a cache may have something else than what is *wanted*.

    Caches have what the record says, or what came after it: a publication that was interrupted,
    or somebody else, has changed the bucket and told CloudFront nothing. So only a file that is
    wanted as it is recorded, and was not touched since, is up to date for sure. Another one may
    be as wanted again, and a cache have what was there in between.

    A file named by its content comes and goes, and no cache has another one, unless its name says
    so wrongly. One that was to stay and was touched was another one in between: else nobody would
    have had to.
    """
    published = {key: each.file for key, each in found.record.files.items()}
    for key in published.keys() | found.files.keys():  # What is in neither is in no cache.
        before, there, after = published.get(key), found.files.get(key), wanted.get(key)
        up_to_date = before == after and key in found.vouched
        came_or_went = is_for_ever(key) and _is_one(before, there, after) and not (before and after)
        if not (up_to_date or came_or_went):
            yield key


def _is_one(*versions: File | None) -> bool:
    """What is known of a file is always the same."""
    return len({each for each in versions if each}) == 1
