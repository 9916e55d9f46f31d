from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from operations.site import plan as plans
from operations.site.files import File, is_for_ever
from operations.site.plan import KEPT_SECONDS, MOST_PATHS, Found, Published, Record, plan

NOW = 1_800_000_000
INDEX, PAGE, ROBOTS = "index.html", "about us.html", "robots.txt"
OLD, NEW = "assets/index-AAAAAAA1.js", "assets/index-BBBBBBB2.js"
ONE, OTHER = File("1", "text/plain", "no-cache"), File("2", "text/plain", "no-cache")
NOTHING = Found({}, {}, Record())

names = some.sampled_from([INDEX, PAGE, ROBOTS, OLD, NEW, "a.txt", "assets/b-00000000.css"])
sites = some.dictionaries(names, some.sampled_from([ONE, OTHER])).map(
    lambda all_: {INDEX: ONE} | all_
)


def after(done, wanted, found):
    """What the bucket holds when *done* is done, and what is remembered."""
    files = {key: file for key, file in found.files.items() if key not in done.delete} | wanted
    etags = {key: f"etag of {file.sha256}" for key, file in files.items()}
    return Found(files, etags, plans.recorded(done, wanted, found, etags))


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
    half = replace(before, files=wanted)

    done = plan(wanted, half, now=NOW)

    assert () == done.create == done.update == done.delete
    assert ("/about%20us.html", "/robots.txt") == done.paths
    assert done.changes


def test_without_a_record():
    """Nobody knows what caches have: of all that can be out of date, all is forgotten."""
    there = replace(published({INDEX: ONE, ROBOTS: ONE, OLD: ONE, PAGE: ONE}), record=Record())

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
        ("a*.txt", "/a%2A.txt"),
        ("ä.txt", "/%C3%A4.txt"),
        ("a b/c~d.txt", "/a%20b/c~d.txt"),
        ("100%.txt", "/100%25.txt"),
    ],
)
def test_paths_are_those_of_urls(key, path):
    """A star in a name is no wildcard."""
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


@given(sites, sites, some.data())
def test_interrupted_anywhere(first, second, data):
    """Stopped after any of its steps, the next run ends like one that was never stopped.

    Between the two, everything that a cache may have another version of was forgotten.
    """
    before = published(first)
    done = plan(second, before, now=NOW)
    sent = [key for stage in done.stages() for key in stage]
    steps = [("put", key) for key in sent] + [("delete", key) for key in done.delete]
    half = dict(before.files)
    for step, key in steps[: data.draw(some.integers(0, len(steps)))]:
        half[key] = second[key] if step == "put" else half[key]
        if step == "delete":
            del half[key]
    interrupted = Found(
        half, {key: f"etag of {each.sha256}" for key, each in half.items()}, before.record
    )

    again = plan(second, interrupted, now=NOW)

    assert after(done, second, before) == after(again, second, interrupted)
    assert set(done.forget) <= set(again.forget)


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
