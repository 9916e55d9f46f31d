from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from operations.site import plan as plans
from operations.site.files import File, is_for_ever
from operations.site.plan import (
    EVERYTHING,
    KEPT_SECONDS,
    MOST_PATHS,
    Found,
    Published,
    Record,
    path_of,
    plan,
)

NOW = 1_800_000_000
INDEX, PAGE, ROBOTS = "index.html", "about us.html", "robots.txt"
OLD, NEW = "assets/index-AAAAAAA1.js", "assets/index-BBBBBBB2.js"
ONE, OTHER = File("1", "text/plain", "no-cache"), File("2", "text/plain", "no-cache")
ODD = replace(ONE, content_type="image/png")  # S3 has the same name for its content.
NOTHING = Found({}, {}, Record(), frozenset())

names = some.sampled_from([INDEX, PAGE, ROBOTS, OLD, NEW, "a.txt", "assets/b-00000000.css"])
versions = some.sampled_from([ONE, OTHER, ODD])
sites = some.dictionaries(names, versions).map(lambda all_: {INDEX: ONE} | all_)


def etags_of(files):
    """A name for each content, as S3 gives them."""
    return {key: f"etag of {file.sha256}" for key, file in files.items()}


def after(done, wanted, found):
    """What the bucket holds when *done* is done, and what is remembered."""
    files = {key: file for key, file in found.files.items() if key not in done.delete} | wanted
    record = plans.recorded(done, wanted, found, etags_of(files))
    return Found(files, etags_of(files), record, frozenset(record.files))


def published(wanted):
    """A bucket after one whole publication."""
    return after(plan(wanted, NOTHING, now=NOW), wanted, NOTHING)


def test_first():
    """All is new, and no cache has any of it."""
    done = plan({INDEX: ONE, OLD: ONE}, NOTHING, now=NOW)

    assert (OLD, INDEX) == done.create
    assert () == done.update == done.delete == done.paths


def test_each_kind():
    """One of each, and only what a cache may have is forgotten."""
    before = published({INDEX: ONE, OLD: ONE, PAGE: ONE, ROBOTS: ONE})

    done = plan({INDEX: OTHER, NEW: ONE, ROBOTS: ONE}, before, now=NOW)

    assert (NEW,) == done.create
    assert (INDEX,) == done.update
    assert (PAGE,) == done.delete
    assert (ROBOTS,) == done.same
    assert {OLD: NOW} == done.wait
    assert ("/", "/about%20us.html", "/index.html") == done.paths


@pytest.mark.parametrize(
    "change", [{"sha256": "2"}, {"content_type": "image/png"}, {"cache_control": "no-store"}]
)
def test_all_that_browsers_are_told_counts(change):
    """The same content under another type is another file."""
    before = published({INDEX: ONE, ROBOTS: replace(ONE, **change)})

    done = plan({INDEX: ONE, ROBOTS: ONE}, before, now=NOW)

    assert (ROBOTS,) == done.update
    assert ("/robots.txt",) == done.paths


def test_order():
    """What pages name comes before the pages, and the index comes last."""
    wanted = dict.fromkeys([INDEX, PAGE, ROBOTS, NEW, OLD, "a.txt"], ONE)

    done = plan(wanted, NOTHING, now=NOW)

    assert [(OLD, NEW), ("a.txt", ROBOTS), (PAGE,), (INDEX,)] == list(done.stages())


def test_unused_files_wait():
    """For a week since they were last used, not since they were made; then they go silently."""
    before = published({INDEX: ONE, OLD: ONE})
    wanted = {INDEX: OTHER}

    first = after(plan(wanted, before, now=NOW), wanted, before)
    early = plan(wanted, first, now=NOW + KEPT_SECONDS - 1)
    late = plan(wanted, first, now=NOW + KEPT_SECONDS)

    assert {OLD: NOW} == early.wait
    assert not early.changes
    assert (OLD,) == late.delete
    assert () == late.paths


def test_a_file_that_is_used_again():
    """Taking a release back needs nothing sent that is still there, and starts the clock anew."""
    before = published({INDEX: ONE, OLD: ONE})
    away = after(plan({INDEX: OTHER}, before, now=NOW), {INDEX: OTHER}, before)

    back = plan({INDEX: ONE, OLD: ONE}, away, now=NOW + 1)

    assert ((), (INDEX,), {}) == (back.create, back.update, back.wait)
    assert {} == after(back, {INDEX: ONE, OLD: ONE}, away).record.unused


def test_interrupted_before_the_invalidation():
    """What the bucket has and the record does not is told to CloudFront by the next run."""
    before = published({INDEX: ONE, ROBOTS: ONE, PAGE: ONE, OLD: ONE})
    wanted = {INDEX: ONE, ROBOTS: OTHER, OLD: ONE, NEW: ONE}
    half = replace(before, files=wanted, vouched=frozenset({INDEX, OLD}))

    done = plan(wanted, half, now=NOW)

    assert () == done.create == done.update == done.delete
    assert ("/about%20us.html", "/robots.txt") == done.paths
    assert done.changes


def test_without_a_record():
    """Nobody knows what caches have: of all that can be out of date, all is forgotten."""
    whole = published({INDEX: ONE, ROBOTS: ONE, OLD: ONE, PAGE: ONE})
    there = replace(whole, record=Record(), vouched=frozenset())

    done = plan({INDEX: ONE, ROBOTS: ONE, OLD: ONE}, there, now=NOW)

    assert ("/", "/about%20us.html", "/index.html", "/robots.txt") == done.paths


def test_a_broken_promise():
    """A file that changes under a name of its own is sent and forgotten, and said out loud."""
    done = plan({INDEX: ONE, OLD: OTHER}, published({INDEX: ONE, OLD: ONE}), now=NOW)

    assert (OLD,) == done.update == done.broken_promises
    assert (f"/{OLD}",) == done.paths


@pytest.mark.parametrize(
    ("files", "paths"), [(MOST_PATHS, MOST_PATHS), (MOST_PATHS + 1, 1)], ids=["each", "everything"]
)
def test_many_paths_are_one(files, paths):
    """More would cost; a wildcard counts once."""
    some_ = {f"{number}.txt": ONE for number in range(files)}

    done = plan({INDEX: ONE}, published({INDEX: ONE} | some_), now=NOW)

    assert files == len(done.delete)
    assert paths == len(done.paths)
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
def test_paths_are_those_of_cloudfront(key, path):
    """What RFC 1738 calls unsafe is encoded, and nothing else; what has no path is in all."""
    done = plan({INDEX: ONE}, published({INDEX: ONE, key: ONE}), now=NOW)

    assert (path,) == done.paths


@given(sites, sites)
def test_ends_as_wanted(first, second):
    """Whatever was there: in the end all that is wanted is, and besides it what waits."""
    before = published(first)

    done = plan(second, before, now=NOW)
    end = after(done, second, before)

    assert second.items() <= end.files.items()
    assert set(end.files) - set(second) == set(done.wait)
    assert all(map(is_for_ever, done.wait))
    assert not plan(second, end, now=NOW).changes
    assert end.record == plans.recorded(plan(second, end, now=NOW), second, end, {})


@dataclass(frozen=True)
class World:
    """A bucket, and what caches may have of it: they may ask for anything at any moment."""

    found: Found
    cached: dict[str, frozenset[File]]

    def step(self, key, file):
        """Somebody stores *file* under *key*, or deletes what is there."""
        files = {each: one for each, one in self.found.files.items() if each != key}
        files |= {key: file} if file else {}
        found = replace(
            self.found, files=files, etags=etags_of(files), vouched=self.found.vouched - {key}
        )
        had = self.cached.get(key, frozenset())
        return World(found, self.cached | {key: had | {file} if file else had})

    def interrupted(self, wanted, steps):
        """So many *steps* of a publication of *wanted*."""
        done = plan(wanted, self.found, now=NOW)
        sent = [(key, wanted[key]) for stage in done.stages() for key in stage]
        world = self
        for step in [*sent, *((key, None) for key in done.delete)][:steps]:
            world = world.step(*step)
        return world

    def publish(self, wanted):
        """All of it, with the invalidation; nothing comes in between."""
        done = plan(wanted, self.found, now=NOW)
        world = self.interrupted(wanted, None)
        cached = {
            key: had & {world.found.files.get(key)}
            if {EVERYTHING, path_of(key)} & {*done.paths}
            else had
            for key, had in world.cached.items()
        }
        return World(after(done, wanted, self.found), cached)

    @property
    def stale(self):
        """The files of which a cache may have another version."""
        return {key for key, had in self.cached.items() if had - {self.found.files.get(key)}}


def caching(wanted):
    """After one whole publication, whose files caches have."""
    return World(NOTHING, {}).publish(wanted)


def unasked(wanted):
    """Files that no page names any more; what a cache has of them is right, for pages of then."""
    return {key for key in (OLD, NEW, "assets/b-00000000.css") if key not in wanted}


@given(sites, sites, sites, some.integers(0, 20))
def test_interrupted_anywhere(first, second, third, steps):
    """Stopped after any of its steps, the next run ends like one that was never stopped.

    Whatever that one publishes, the same again, what was there before, or something else: what a
    cache may have another version of is forgotten.
    """
    before = caching(first)
    half = before.interrupted(second, steps)

    done, again = (plan(second, world.found, now=NOW) for world in (before, half))

    assert before.publish(second).found == half.publish(second).found
    assert set(done.forget) <= set(again.forget)
    for wanted in (second, first, third):
        assert half.publish(wanted).stale <= unasked(wanted)


@given(sites, some.lists(some.tuples(sites, some.integers(0, 20)), max_size=4), sites)
def test_interrupted_again_and_again(first, others, last):
    """What changed and changed back leaves a trace, where there is something to come back to.

    A file that the last whole publication did not have leaves none if it is deleted, and one with
    a digest in its name is taken at its word.
    """
    world = caching(first)
    for wanted, steps in others:
        world = world.interrupted(wanted, steps)

    stale = world.publish(last).stale - unasked(last)

    assert not stale & first.keys()
    assert not {key for key in stale & world.found.files.keys() if not is_for_ever(key)}


@given(sites, some.dictionaries(names, versions | some.none()), sites)
def test_what_others_wrote_while_there_was_a_record(first, others, last):
    """It is replaced, and no cache keeps it, whichever release comes next."""
    world = caching(first)
    for step in others.items():
        world = world.step(*step)

    for wanted in (first, last):
        end = world.publish(wanted)

        assert wanted.items() <= end.found.files.items()
        assert end.stale <= unasked(wanted)
        assert not plan(wanted, end.found, now=NOW).changes


@pytest.mark.parametrize("key", [ROBOTS, OLD])
@pytest.mark.parametrize("there", [OTHER, ODD], ids=["content", "headers"])
def test_repaired_is_forgotten(key, there):
    """The record says what is wanted, and the bucket something else: so may a cache."""
    wanted = {INDEX: ONE, key: ONE}

    done = plan(wanted, caching(wanted).step(key, there).found, now=NOW)

    assert (key,) == done.update
    assert (f"/{key}",) == done.paths


@pytest.mark.parametrize("key", [ROBOTS, OLD])
def test_repaired_already_is_forgotten(key):
    """By somebody who told CloudFront nothing, such as a publication that was interrupted."""
    wanted = {INDEX: ONE, key: ONE}

    done = plan(wanted, caching(wanted).step(key, OTHER).step(key, ONE).found, now=NOW)

    assert () == done.create == done.update == done.delete
    assert (f"/{key}",) == done.paths


@given(sites, sites)
def test_no_page_names_what_is_not_there(first, second):
    """While it is carried out, an index never comes before anything else, nor after a deletion."""
    done = plan(second, published(first), now=NOW)

    sent = [key for stage in done.stages() for key in stage]

    assert sorted(sent) == sorted([*done.create, *done.update])
    assert INDEX not in sent[:-1]
    assert INDEX not in done.delete


def test_the_record_knows_what_waits():
    """Else each of those would be asked about one by one in every run."""
    before = published({INDEX: ONE, OLD: ONE})

    end = after(plan({INDEX: OTHER}, before, now=NOW), {INDEX: OTHER}, before)

    assert (
        Record({OLD: Published(ONE, "etag of 1"), INDEX: Published(OTHER, "etag of 2")}, {OLD: NOW})
        == end.record
    )
