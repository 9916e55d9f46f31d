"""Fixtures of the tests of patches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import emulator

if TYPE_CHECKING:
    from tests.emulator_server import Aws


@pytest.fixture
def domain(aws: Aws) -> str:
    """Return a domain of the test, which has a hosted zone."""
    account = aws.endpoint.account
    zone = emulator.Prerequisites(hosted_zones=((f"Z{account}", f"c{account}.example"),))
    emulator.create_prerequisites(aws.endpoint, zone)
    return f"c{account}.example"
