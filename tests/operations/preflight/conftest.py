"""A clock and a resolver for the checks of a fake account."""

from __future__ import annotations

import pytest

from operations.preflight import clock_skew, delegation
from tests.operations.preflight.accounts import NEW_YEAR
from tests.operations.preflight.ready_account import SERVERS


@pytest.fixture(autouse=True)
def outside_world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock at noon of New Year's Day 2026, and delegate every zone to its servers.

    The emulator has the time of this machine, and no zone in public DNS.
    """
    if "aws" in request.fixturenames:
        return
    monkeypatch.setattr(clock_skew, "now", lambda: NEW_YEAR)
    monkeypatch.setattr(delegation, "name_servers", lambda _: {*SERVERS})
