"""Checks run one after the other; a check whose call AWS denies does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployer.errors import UnreachableError
from operations.preflight import Check, Planned, run
from operations.preflight.checks import Finding
from tests.operations.fake_account import ENV, deployed_stack
from tests.operations.preflight.accounts import Account, refusal, resource, target


def results(*checks: Check) -> list[tuple[str, str, str]]:
    """Return check, verdict and fact of each result."""
    found = run(target(Account({})), checks)
    return [(result.check, result.verdict, result.fact) for result in found]


def refused(_: Planned) -> Iterator[Finding]:
    """Yield one finding, then raise the error of a refused call."""
    yield Finding("manual", "first", "")
    raise refusal("AccessDenied")


def test_a_check_without_findings_is_ok() -> None:
    """The fact of the result is that of the check."""
    assert results(Check("x", "all is well", lambda _: iter(()))) == [("x", "ok", "all is well")]


def test_a_refused_check_is_unknown() -> None:
    """Earlier results of a refused check stay, and the next check runs."""
    checks = Check("x", "", refused), Check("y", "fine", lambda _: iter(()))

    assert results(*checks) == [
        ("x", "manual", "first"),
        ("x", "unknown", "place: Call: AccessDenied: no"),
        ("y", "ok", "fine"),
    ]


def test_no_response_ends_the_preflight() -> None:
    """Without a connection, no check has a result."""

    def unreachable(_: Planned) -> Iterator[Finding]:
        raise UnreachableError("no response")

    with pytest.raises(UnreachableError):
        results(Check("x", "", unreachable))


def test_resources_of_deployed_stacks_are_not_planned() -> None:
    """Only stacks without outputs are checked: a deployed stack has what it needs."""
    seen: list[int] = []
    check = Check("x", "", lambda planned: iter(seen.append(len(planned.resources)) or ()))
    resources = {"Vpc": resource("AWS::EC2::VPC")}

    list(run(target(Account({}), resources), [check]))
    deployed = Account({}, [deployed_stack(ENV.stack_name("network"), {"Vpc": "vpc-1"})])
    list(run(target(deployed, resources), [check]))

    assert seen == [1, 0]
