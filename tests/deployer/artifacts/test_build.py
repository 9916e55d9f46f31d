"""Builds of several functions, and their limits and records."""

from __future__ import annotations

import json

import pytest

from deployer.artifacts import checks
from deployer.artifacts.build import build, path_of
from deployer.errors import BuildError, StaleError
from tests.deployer.artifacts.checkout import (
    HANDLER,
    Checkout,
    filled,
)

pytestmark = pytest.mark.thorough


def test_changed_sources(checkout: Checkout) -> None:
    """Sources that changed since the digest was computed are not packed under that digest."""
    checkout.function("a")
    artifact = checkout.artifact("a")

    checkout.function("a", f"{HANDLER}# more\n")

    with pytest.raises(BuildError, match="lambdas/a: changed during the build"):
        build(checkout.code, [artifact], checkout.dist)


@pytest.mark.parametrize("jobs", [0, -1])
def test_no_jobs(checkout: Checkout, jobs: int) -> None:
    """Fewer than one job is refused."""
    with pytest.raises(BuildError, match=f"--jobs={jobs}: nothing would be built"):
        checkout.function("a").build("a", jobs=jobs)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("ZIPPED", r"lambdas/a: [\d,]+ bytes zipped, and the limit is 100"),
        ("UNZIPPED", r"lambdas/a: [\d,]+ bytes unzipped, and the limit is 100"),
    ],
)
def test_too_large(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, limit: str, words: str
) -> None:
    """A zip above Lambda's limits is refused."""
    filled(checkout)
    monkeypatch.setattr(checks, limit, 100)

    with pytest.raises(BuildError, match=words):
        checkout.build("a")


def test_limits() -> None:
    """The limits are those of the Lambda developer guide, Quotas."""
    assert (checks.ZIPPED, checks.UNZIPPED) == (52_428_800, 262_144_000)


def test_all_problems(checkout: Checkout) -> None:
    """All problems of all functions are reported together; the other functions are built."""
    checkout.function("a", "import troposphere\n").function("b").function(
        "c", lock=checkout.sdist("onlysource")
    )

    with pytest.raises(BuildError) as refused:
        checkout.build("a", "b", "c")

    message = str(refused.value)
    assert "lambdas/a/handler.py:1: imports troposphere" in message
    assert "lambdas/a/handler.py: has no function handler" in message
    assert "onlysource" in message
    assert not isinstance(refused.value, StaleError)
    assert path_of(checkout.artifact("b"), checkout.dist).exists()


def test_duplicate_artifacts(checkout: Checkout) -> None:
    """An artifact that two stacks use is built once."""
    checkout.function("a")

    assert len(checkout.build("a", "a")) == 1


def test_record(checkout: Checkout) -> None:
    """The record of a zip has its checksum and sizes."""
    (built,) = checkout.function("a").build("a")

    record = json.loads(built.path.with_suffix(".json").read_text())

    assert {
        "sha256": built.sha256,
        "size": built.size,
        "unzipped": built.unzipped,
        "unchecked": built.unchecked,
    } == record
