"""A publication uploads in a safe order, and invalidates whatever a cache may hold outdated."""

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
ODD = replace(ONE, content_type="image/png")  # The same content, so the same ETag.
EMPTY = PublishedSite({}, {}, Record(), frozenset())

names = st.sampled_from([INDEX, PAGE, ROBOTS, OLD, NEW, "a.txt", "assets/b-00000000.css"])
versions = st.sampled_from([ONE, OTHER, ODD])
sites = st.dictionaries(names, versions).map(lambda all_: {INDEX: ONE} | all_)


def etags_of(files):
    """Return an ETag for each content."""
    return {key: f"etag of {file.sha256}" for key, file in files.items()}


def after(done, desired, found):
    """Return the site after the plan *done*, with its new record."""
    files = {key: file for key, file in found.files.items() if key not in done.delete} | desired
    record = plans.new_record(done, desired, found, etags_of(files))
    return PublishedSite(files, etags_of(files), record, frozenset(record.files))


def published(desired):
    """Return the site after one complete publication."""
    return after(plan(desired, EMPTY, now=NOW), desired, EMPTY)


def test_first_publication():
    """All files are new, so nothing is invalidated."""
    done = plan({INDEX: ONE, OLD: ONE}, EMPTY, now=NOW)

    assert done.create == (OLD, INDEX)
    assert () == done.update == done.delete == done.paths


def test_every_kind_of_change():
    """Only files that a cache may hold are invalidated."""
    before = published({INDEX: ONE, OLD: ONE, PAGE: ONE, ROBOTS: ONE})

    done = plan({INDEX: OTHER, NEW: ONE, ROBOTS: ONE}, before, now=NOW)

    assert done.create == (NEW,)
    assert done.update == (INDEX,)
    assert done.delete == (PAGE,)
    assert done.unchanged == (ROBOTS,)
    assert done.unused == {OLD: NOW}
    assert done.paths == ("/", "/about%20us.html", "/index.html")


@pytest.mark.parametrize(
    "change", [{"sha256": "2"}, {"content_type": "image/png"}, {"cache_control": "no-store"}]
)
def test_headers_are_compared_too(change):
    """A file with the same content and other headers is updated."""
    before = published({INDEX: ONE, ROBOTS: replace(ONE, **change)})

    done = plan({INDEX: ONE, ROBOTS: ONE}, before, now=NOW)

    assert done.update == (ROBOTS,)
    assert done.paths == ("/robots.txt",)


def test_order():
    """Files come before the pages that refer to them, and the index comes last."""
    desired = dict.fromkeys([INDEX, PAGE, ROBOTS, NEW, OLD, "a.txt"], ONE)

    done = plan(desired, EMPTY, now=NOW)

    assert list(done.stages()) == [(OLD, NEW), ("a.txt", ROBOTS), (PAGE,), (INDEX,)]


def test_unused_files_are_kept_for_a_week():
    """The week starts when a file becomes unused; its deletion needs no invalidation."""
    before = published({INDEX: ONE, OLD: ONE})
    desired = {INDEX: OTHER}

    first = after(plan(desired, before, now=NOW), desired, before)
    early = plan(desired, first, now=NOW + UNUSED_SECONDS - 1)
    late = plan(desired, first, now=NOW + UNUSED_SECONDS)

    assert early.unused == {OLD: NOW}
    assert not early.changes
    assert late.delete == (OLD,)
    assert late.paths == ()


def test_a_file_that_is_used_again():
    """A rollback does not upload files that still exist, and resets the week."""
    before = published({INDEX: ONE, OLD: ONE})
    away = after(plan({INDEX: OTHER}, before, now=NOW), {INDEX: OTHER}, before)

    back = plan({INDEX: ONE, OLD: ONE}, away, now=NOW + 1)

    assert ((), (INDEX,), {}) == (back.create, back.update, back.unused)
    assert after(back, {INDEX: ONE, OLD: ONE}, away).record.unused == {}


def test_interrupted_before_the_invalidation():
    """The next run invalidates what differs between the bucket and the record."""
    before = published({INDEX: ONE, ROBOTS: ONE, PAGE: ONE, OLD: ONE})
    desired = {INDEX: ONE, ROBOTS: OTHER, OLD: ONE, NEW: ONE}
    half = replace(before, files=desired, verified=frozenset({INDEX, OLD}))

    done = plan(desired, half, now=NOW)

    assert () == done.create == done.update == done.delete
    assert done.paths == ("/about%20us.html", "/robots.txt")
    assert done.changes


def test_without_a_record():
    """Without a record, every file that can be outdated is invalidated."""
    whole = published({INDEX: ONE, ROBOTS: ONE, OLD: ONE, PAGE: ONE})
    there = replace(whole, record=Record(), verified=frozenset())

    done = plan({INDEX: ONE, ROBOTS: ONE, OLD: ONE}, there, now=NOW)

    assert done.paths == ("/", "/about%20us.html", "/index.html", "/robots.txt")


def test_an_immutable_file_changes():
    """It is uploaded, invalidated and reported."""
    done = plan({INDEX: ONE, OLD: OTHER}, published({INDEX: ONE, OLD: ONE}), now=NOW)

    assert (OLD,) == done.update == done.changed_immutable
    assert done.paths == (f"/{OLD}",)


@pytest.mark.parametrize(
    ("files", "paths"), [(MAX_PATHS, MAX_PATHS), (MAX_PATHS + 1, 1)], ids=["each", "everything"]
)
def test_many_paths_become_a_wildcard(files, paths):
    """More paths would cost money; a wildcard counts as one."""
    many = {f"{number}.txt": ONE for number in range(files)}

    done = plan({INDEX: ONE}, published({INDEX: ONE} | many), now=NOW)

    assert len(done.delete) == files
    assert len(done.paths) == paths
    assert ("/*" in done.paths) == (paths == 1)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("ä.txt", "/%C3%A4.txt"),
        ("a b/c.txt", "/a%20b/c.txt"),
        ("100%.txt", "/100%25.txt"),
        ("a[1]{2}|3^4`5\\6.txt", "/a%5B1%5D%7B2%7D%7C3%5E4%605%5C6.txt"),
        ('a<b>"c"#d.txt', "/a%3Cb%3E%22c%22%23d.txt"),
        ("a+b,c;d=e&f@g:h!(i)'j'$k-l_m.txt", "/a+b,c;d=e&f@g:h!(i)'j'$k-l_m.txt"),
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
    done = plan({INDEX: ONE}, published({INDEX: ONE, key: ONE}), now=NOW)

    assert done.paths == (path,)


@given(sites, sites)
def test_the_bucket_ends_as_desired(first, second):
    """The bucket ends with the desired files and the unused ones, whatever it held before."""
    before = published(first)

    done = plan(second, before, now=NOW)
    end = after(done, second, before)

    assert second.items() <= end.files.items()
    assert set(end.files) - set(second) == set(done.unused)
    assert all(map(is_immutable, done.unused))
    assert not plan(second, end, now=NOW).changes
    assert end.record == plans.new_record(plan(second, end, now=NOW), second, end, {})


@dataclass(frozen=True)
class World:
    """A bucket, and the versions of each file that a cache may hold.

    A cache may request any file at any moment.
    """

    found: PublishedSite
    cached: dict[str, frozenset[File]]

    def step(self, key, file):
        """Store *file* under *key*, or delete the stored one."""
        files = {each: one for each, one in self.found.files.items() if each != key}
        files |= {key: file} if file else {}
        found = replace(
            self.found, files=files, etags=etags_of(files), verified=self.found.verified - {key}
        )
        had = self.cached.get(key, frozenset())
        return World(found, self.cached | {key: had | {file} if file else had})

    def interrupted(self, desired, steps):
        """Return the world after *steps* of a publication of *desired*."""
        done = plan(desired, self.found, now=NOW)
        sent = [(key, desired[key]) for stage in done.stages() for key in stage]
        world = self
        for step in [*sent, *((key, None) for key in done.delete)][:steps]:
            world = world.step(*step)
        return world

    def publish(self, desired):
        """Return the world after a complete publication of *desired*."""
        done = plan(desired, self.found, now=NOW)
        world = self.interrupted(desired, None)
        cached = {
            key: had & {world.found.files.get(key)}
            if {ALL_PATHS, path_of(key)} & {*done.paths}
            else had
            for key, had in world.cached.items()
        }
        return World(after(done, desired, self.found), cached)

    @property
    def stale(self):
        """Return the files of which a cache may hold another version."""
        return {key for key, had in self.cached.items() if had - {self.found.files.get(key)}}


def cached_everywhere(desired):
    """Return the world after one complete publication, with all files cached."""
    return World(EMPTY, {}).publish(desired)


def unreferenced(desired):
    """Return immutable files of older releases: cached copies are right for their pages."""
    return {key for key in (OLD, NEW, "assets/b-00000000.css") if key not in desired}


@given(sites, sites, sites, st.integers(0, 20))
def test_interrupted_anywhere(first, second, third, steps):
    """After an interruption, the next run ends like one that was not interrupted.

    Whichever release the next run publishes, it invalidates every outdated file.
    """
    before = cached_everywhere(first)
    half = before.interrupted(second, steps)

    done, again = (plan(second, world.found, now=NOW) for world in (before, half))

    assert before.publish(second).found == half.publish(second).found
    assert set(done.outdated) <= set(again.outdated)
    for desired in (second, first, third):
        assert half.publish(desired).stale <= unreferenced(desired)


@given(sites, st.lists(st.tuples(sites, st.integers(0, 20)), max_size=4), sites)
def test_interrupted_again_and_again(first, others, last):
    """A file that changed and changed back is still invalidated.

    Two cases leave no trace: a file that the last complete publication did not have and that was
    deleted again, and a file with a digest in its name.
    """
    world = cached_everywhere(first)
    for desired, steps in others:
        world = world.interrupted(desired, steps)

    stale = world.publish(last).stale - unreferenced(last)

    assert not stale & first.keys()
    assert not {key for key in stale & world.found.files.keys() if not is_immutable(key)}


@given(sites, st.dictionaries(names, versions | st.none()), sites)
def test_changes_by_other_programs(first, others, last):
    """They are replaced and invalidated, whichever release comes next."""
    world = cached_everywhere(first)
    for step in others.items():
        world = world.step(*step)

    for desired in (first, last):
        end = world.publish(desired)

        assert desired.items() <= end.found.files.items()
        assert end.stale <= unreferenced(desired)
        assert not plan(desired, end.found, now=NOW).changes


@pytest.mark.parametrize("key", [ROBOTS, OLD])
@pytest.mark.parametrize("there", [OTHER, ODD], ids=["content", "headers"])
def test_a_repaired_file_is_invalidated(key, there):
    """If the bucket differed from the record, a cache may hold the other version."""
    desired = {INDEX: ONE, key: ONE}

    done = plan(desired, cached_everywhere(desired).step(key, there).found, now=NOW)

    assert done.update == (key,)
    assert done.paths == (f"/{key}",)


@pytest.mark.parametrize("key", [ROBOTS, OLD])
def test_a_file_that_another_program_repaired(key):
    """It may have been repaired without an invalidation, so it is invalidated."""
    desired = {INDEX: ONE, key: ONE}

    done = plan(desired, cached_everywhere(desired).step(key, OTHER).step(key, ONE).found, now=NOW)

    assert () == done.create == done.update == done.delete
    assert done.paths == (f"/{key}",)


@given(sites, sites)
def test_no_page_refers_to_a_missing_file(first, second):
    """The index is uploaded after all other files, and before the deletions."""
    done = plan(second, published(first), now=NOW)

    sent = [key for stage in done.stages() for key in stage]

    assert sorted(sent) == sorted([*done.create, *done.update])
    assert INDEX not in sent[:-1]
    assert INDEX not in done.delete


def test_the_record_contains_unused_files():
    """Otherwise each run would read their headers one by one."""
    before = published({INDEX: ONE, OLD: ONE})

    end = after(plan({INDEX: OTHER}, before, now=NOW), {INDEX: OTHER}, before)

    assert (
        Record(
            {OLD: StoredFile(ONE, "etag of 1"), INDEX: StoredFile(OTHER, "etag of 2")}, {OLD: NOW}
        )
        == end.record
    )
