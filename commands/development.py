"""The main tasks of a contributor: test, check, docs, bench and lock."""

from __future__ import annotations

from invoke.context import Context

from commands.framework.task import task
from commands.framework.tools import exit_code_of_tools
from operations import development


@task(
    help={
        "fast": "only fast tests: no end-to-end tests, no emulator",
        "all": "also the slow tests",
        "jobs": "how many processes",
    }
)
def test(
    _: Context,
    fast: bool = False,
    all: bool = False,  # noqa: A002  # the name of the flag
    jobs: int = 4,
) -> None:
    """Run the tests."""
    with exit_code_of_tools():
        development.test(jobs=jobs, fast=fast, all_=all)


@task(help={"all": "also the third-party scanners: see docs/scanners.md"})
def check(_: Context, all: bool = False) -> None:  # noqa: A002  # the name of the flag
    """Run the checks of a pull request: style, types, build/, templates."""
    with exit_code_of_tools():
        development.check(all_=all)


@task()
def docs(_: Context) -> None:
    """Write the generated pages of docs/ and the OpenAPI document of the backend."""
    with exit_code_of_tools():
        development.docs()


@task(
    iterable=["name"],
    help={
        "name": "a benchmark of tests/bench such as lint; repeatable (default: all)",
        "rounds": "how many measured runs",
    },
)
def bench(_: Context, name: list[str] | None = None, rounds: int = 7) -> None:
    """Compare the speed of the tasks with other tools."""
    with exit_code_of_tools():
        development.bench(name or [], rounds=rounds)


@task(help={"upgrade": "take the newest versions that setup.cfg allows"})
def lock(_: Context, upgrade: bool = False) -> None:
    """Resolve all dependencies and write the lock files."""
    with exit_code_of_tools():
        development.lock(upgrade=upgrade)
