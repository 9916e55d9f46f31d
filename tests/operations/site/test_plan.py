"""A publication uploads in a safe order, and invalidates every file that a cache may hold outdated."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.site import plan as plans
from operations.site.files import File, is_immutable
from operations.site.plan import (
    ALL_PATHS,
    MAX_PATHS,
    UNUSED_SECONDS,
    PublishedSite,
    Record,
    StoredFile,
    path_of,
    plan,
)

NOW = 1_800_000_000
INDEX, PAGE, ROBOTS = "index.html", "about us.html", "robots.txt"
OLD, NEW = "assets/index-AAAAAAA1.js", "assets/index-BBBBBBB2.js"
ONE, OTHER = File("1", "text/plain", "no-cache"), File("2", "text/plain", "no-cache")
ODD = replace(ONE, content_type="image/png")  # The content of ONE, so also the ETag of ONE.
EMPTY = PublishedSite({}, {}, Record(), frozenset())

names = st.sampled_from([INDEX, PAGE, ROBOTS, OLD, NEW, "a.txt", "assets/b-CCCCCCC3.css"])
versions = st.sampled_from([ONE, OTHER, ODD])
sites = st.dictionaries(names, versions).map(lambda all_: {INDEX: ONE} | all_)


def etags_of(files):
    """Return an ETag for each content."""
    return {key: f"etag of {file.sha256}" for key, file in files.items()}


def after(planned, desired, found):
    """Return the site after the plan *planned* was carried out, with its new record."""
    files = {key: file for key, file in found.files.items() if key not in planned.delete} | desired
    record = plans.new_record(planned, desired, found, etags_of(files))
    return PublishedSite(files, etags_of(files), record, frozenset(record.files))


def published(desired):
    """Return the site after one complete publication."""
    return after(plan(desired, EMPTY, now=NOW), desired, EMPTY)


def test_first_publication():
    """All files are new, so nothing is invalidated."""
    planned = plan({INDEX: ONE, OLD: ONE}, EMPTY, now=NOW)

    assert planned.create == (OLD, INDEX)
    assert () == planned.update == planned.delete == planned.paths


def test_every_kind_of_change():
    """Only files that a cache may hold are invalidated."""
    before = published({INDEX: ONE, OLD: ONE, PAGE: ONE, ROBOTS: ONE})

    planned = plan({INDEX: OTHER, NEW: ONE, ROBOTS: ONE}, before, now=NOW)

    assert planned.create == (NEW,)
    assert planned.update == (INDEX,)
    assert planned.delete == (PAGE,)
    assert planned.unchanged == (ROBOTS,)
    assert planned.unused == {OLD: NOW}
    assert planned.paths == ("/", "/about%20us.html", "/index.html")


@pytest.mark.parametrize(
    "change", [{"sha256": "2"}, {"content_type": "image/png"}, {"cache_control": "no-store"}]
)
def test_headers_are_compared_too(change):
    """A file with the same content and other headers is updated."""
    before = published({INDEX: ONE, ROBOTS: replace(ONE, **change)})

    planned = plan({INDEX: ONE, ROBOTS: ONE}, before, now=NOW)

    assert planned.update == (ROBOTS,)
    assert planned.paths == ("/robots.txt",)


def test_order():
    """Files come before the pages that refer to them, and the index comes last."""
    desired = dict.fromkeys([INDEX, PAGE, ROBOTS, NEW, OLD, "a.txt"], ONE)

    planned = plan(desired, EMPTY, now=NOW)

    assert list(planned.stages()) == [(OLD, NEW), ("a.txt", ROBOTS), (PAGE,), (INDEX,)]


def test_unused_files_are_kept_for_a_week():
    """The week starts when a file becomes unused; its deletion needs no invalidation."""
    before = published({INDEX: ONE, OLD: ONE})
    desired = {INDEX: OTHER}

    first = after(plan(desired, before, now=NOW), desired, before)
    early = plan(desired, first, now=NOW + UNUSED_SECONDS - 1)
    late = plan(desired, first, now=NOW + UNUSED_SECONDS)

    assert early.unused == {OLD: NOW}
    assert not early.has_changes
    assert late.delete == (OLD,)
    assert late.paths == ()


def test_a_file_that_is_used_again():
    """A rollback does not upload files that still exist, and resets the week."""
    before = published({INDEX: ONE, OLD: ONE})
    away = after(plan({INDEX: OTHER}, before, now=NOW), {INDEX: OTHER}, before)

    back = plan({INDEX: ONE, OLD: ONE}, away, now=NOW + 1)

    assert (back.create, back.update, back.unused) == ((), (INDEX,), {})
    assert after(back, {INDEX: ONE, OLD: ONE}, away).record.unused == {}


def test_interrupted_before_the_invalidation():
    """The next run invalidates what differs between the bucket and the record."""
    before = published({INDEX: ONE, ROBOTS: ONE, PAGE: ONE, OLD: ONE})
    desired = {INDEX: ONE, ROBOTS: OTHER, OLD: ONE, NEW: ONE}
    half = replace(before, files=desired, verified=frozenset({INDEX, OLD}))

    planned = plan(desired, half, now=NOW)

    assert () == planned.create == planned.update == planned.delete
    assert planned.paths == ("/about%20us.html", "/robots.txt")
    assert planned.has_changes


def test_without_a_record():
    """Without a record, every file that can be outdated is invalidated."""
    whole = published({INDEX: ONE, ROBOTS: ONE, OLD: ONE, PAGE: ONE})
    stored = replace(whole, record=Record(), verified=frozenset())

    planned = plan({INDEX: ONE, ROBOTS: ONE, OLD: ONE}, stored, now=NOW)

    assert planned.paths == ("/", "/about%20us.html", "/index.html", "/robots.txt")


def test_an_immutable_file_changes():
    """A changed file with a digest in its name is uploaded, invalidated and reported."""
    planned = plan({INDEX: ONE, OLD: OTHER}, published({INDEX: ONE, OLD: ONE}), now=NOW)

    assert (OLD,) == planned.update == planned.changed_immutable
    assert planned.paths == (f"/{OLD}",)


@pytest.mark.parametrize(
    ("files", "paths"), [(MAX_PATHS, MAX_PATHS), (MAX_PATHS + 1, 1)], ids=["each", "everything"]
)
def test_many_paths_become_a_wildcard(files, paths):
    """More than a hundred paths become one wildcard, because each path is charged."""
    many = {f"{number}.txt": ONE for number in range(files)}

    planned = plan({INDEX: ONE}, published({INDEX: ONE} | many), now=NOW)

    assert len(planned.delete) == files
    assert len(planned.paths) == paths
    assert ("/*" in planned.paths) == (paths == 1)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("ä.txt", "/%C3%A4.txt"),
        ("a b/c.txt", "/a%20b/c.txt"),
        ("100%.txt", "/100%25.txt"),
        ("a[1]{2}|3^4`5\\6.txt", "/a%5B1%5D%7B2%7D%7C3%5E4%605%5C6.txt"),
        ('a<b>"c"#d.txt', "/a%3Cb%3E%22c%22%23d.txt"),
        ("a+b,c;d=e&f@g:h!(i)$j-k_l.txt", "/a+b,c;d=e&f@g:h!(i)$j-k_l.txt"),
        ("l'a.txt", "/*"),
        ("a~b.txt", "/*"),
        ("a*.txt", "/*"),
        ("a?b.txt", "/*"),
        ("a\nb.txt", "/*"),
        ("a\x85b.txt", "/*"),
        ("ä" * 800, "/*"),
    ],
)
def test_paths_are_encoded_for_cloudfront(key, path):
    """Only the unsafe characters of RFC 1738 are encoded; other names need the wildcard."""
    planned = plan({INDEX: ONE}, published({INDEX: ONE, key: ONE}), now=NOW)

    assert planned.paths == (path,)


@given(sites, sites)
def test_the_bucket_ends_as_desired(first, second):
    """The bucket ends with the desired files and the unused ones, whatever it held before."""
    before = published(first)

    planned = plan(second, before, now=NOW)
    end = after(planned, second, before)

    assert second.items() <= end.files.items()
    assert set(end.files) - set(second) == set(planned.unused)
    assert all(map(is_immutable, planned.unused))
    assert not plan(second, end, now=NOW).has_changes
    assert end.record == plans.new_record(plan(second, end, now=NOW), second, end, {})


@dataclass(frozen=True)
class CachedSite:
    """A published site, and the versions of each file that a cache may hold.

    A cache may request any file at any moment.
    """

    found: PublishedSite
    cached: dict[str, frozenset[File]]

    def step(self, key, file):
        """Store *file* under *key*, or delete the stored one."""
        files = {name: other for name, other in self.found.files.items() if name != key}
        files |= {key: file} if file else {}
        found = replace(
            self.found, files=files, etags=etags_of(files), verified=self.found.verified - {key}
        )
        had = self.cached.get(key, frozenset())
        return CachedSite(found, self.cached | {key: had | {file} if file else had})

    def interrupted(self, desired, steps):
        """Return the site after the first *steps* of a publication of *desired*."""
        planned = plan(desired, self.found, now=NOW)
        sent = [(key, desired[key]) for stage in planned.stages() for key in stage]
        cached_site = self
        for step in [*sent, *((key, None) for key in planned.delete)][:steps]:
            cached_site = cached_site.step(*step)
        return cached_site

    def publish(self, desired):
        """Return the site after a complete publication of *desired*."""
        planned = plan(desired, self.found, now=NOW)
        cached_site = self.interrupted(desired, None)
        cached = {
            key: had & {cached_site.found.files.get(key)}
            if {ALL_PATHS, path_of(key)} & {*planned.paths}
            else had
            for key, had in cached_site.cached.items()
        }
        return CachedSite(after(planned, desired, self.found), cached)

    @property
    def stale(self):
        """Return the files of which a cache may hold another version."""
        return {key for key, had in self.cached.items() if had - {self.found.files.get(key)}}


def cached_everywhere(desired):
    """Return the site after one complete publication, with all files cached."""
    return CachedSite(EMPTY, {}).publish(desired)


def unreferenced(desired):
    """Return the immutable files that only older releases use: their cached copies are not stale."""
    return {key for key in (OLD, NEW, "assets/b-CCCCCCC3.css") if key not in desired}


@given(sites, sites, sites, st.integers(0, 20))
def test_interrupted_anywhere(first, second, third, steps):
    """After an interruption, the next run ends like one that was not interrupted.

    Whichever release the next run publishes, it invalidates every outdated file.
    """
    before = cached_everywhere(first)
    half = before.interrupted(second, steps)

    planned, again = (plan(second, cached_site.found, now=NOW) for cached_site in (before, half))

    assert before.publish(second).found == half.publish(second).found
    assert set(planned.outdated) <= set(again.outdated)
    for desired in (second, first, third):
        assert half.publish(desired).stale <= unreferenced(desired)


@given(sites, st.lists(st.tuples(sites, st.integers(0, 20)), max_size=4), sites)
def test_interrupted_again_and_again(first, others, last):
    """A file that changed and changed back is still invalidated.

    Two cases leave no trace: a file that the last complete publication did not have and that was
    deleted again, and a file with a digest in its name.
    """
    cached_site = cached_everywhere(first)
    for desired, steps in others:
        cached_site = cached_site.interrupted(desired, steps)

    stale = cached_site.publish(last).stale - unreferenced(last)

    assert not stale & first.keys()
    assert not {key for key in stale & cached_site.found.files.keys() if not is_immutable(key)}


@given(sites, st.dictionaries(names, versions | st.none()), sites)
def test_changes_by_other_programs(first, others, last):
    """Files that another program changed are replaced and invalidated by the next release."""
    cached_site = cached_everywhere(first)
    for step in others.items():
        cached_site = cached_site.step(*step)

    for desired in (first, last):
        end = cached_site.publish(desired)

        assert desired.items() <= end.found.files.items()
        assert end.stale <= unreferenced(desired)
        assert not plan(desired, end.found, now=NOW).has_changes


@pytest.mark.parametrize("key", [ROBOTS, OLD])
@pytest.mark.parametrize("stored", [OTHER, ODD], ids=["content", "headers"])
def test_a_repaired_file_is_invalidated(key, stored):
    """If the bucket differed from the record, a cache may hold the other version."""
    desired = {INDEX: ONE, key: ONE}

    planned = plan(desired, cached_everywhere(desired).step(key, stored).found, now=NOW)

    assert planned.update == (key,)
    assert planned.paths == (f"/{key}",)


@pytest.mark.parametrize("key", [ROBOTS, OLD])
def test_a_file_that_another_program_repaired(key):
    """A file that was changed and repaired since the record is invalidated."""
    desired = {INDEX: ONE, key: ONE}

    planned = plan(
        desired, cached_everywhere(desired).step(key, OTHER).step(key, ONE).found, now=NOW
    )

    assert () == planned.create == planned.update == planned.delete
    assert planned.paths == (f"/{key}",)


@given(sites, sites)
def test_no_page_refers_to_a_missing_file(first, second):
    """The index is uploaded after all other files, and before the deletions."""
    planned = plan(second, published(first), now=NOW)

    sent = [key for stage in planned.stages() for key in stage]

    assert sorted(sent) == sorted([*planned.create, *planned.update])
    assert INDEX not in sent[:-1]
    assert INDEX not in planned.delete


def test_the_record_contains_unused_files():
    """The record contains unused files, so that a run need not read their headers one by one."""
    before = published({INDEX: ONE, OLD: ONE})

    end = after(plan({INDEX: OTHER}, before, now=NOW), {INDEX: OTHER}, before)

    assert (
        Record(
            {OLD: StoredFile(ONE, "etag of 1"), INDEX: StoredFile(OTHER, "etag of 2")}, {OLD: NOW}
        )
        == end.record
    )
