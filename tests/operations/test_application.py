"""The wait for the application, and what is printed when it runs.

tests/end_to_end/full_deployment/application/test_application.py runs the whole.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from deployer.errors import BusyError
from operations import application
from tests.loopback import Loopback, Response
from tests.operations.fake_account import ENV


def target_of(server: Loopback) -> SimpleNamespace:
    """Return a target whose emulator is *server*."""
    return SimpleNamespace(account=SimpleNamespace(url=server.url), env=ENV)


@pytest.fixture
def quick(monkeypatch):
    """Poll without a pause."""
    monkeypatch.setattr(application, "_POLL_SECONDS", 0.0)


@pytest.mark.usefixtures("quick")
def test_wait_until_ready() -> None:
    """The application is ready when it answers 200 through the load balancer."""
    with Loopback() as server:
        server.on("GET", Response(status=503), Response(status=0), Response(status=200))

        application.wait_until_ready(target_of(server))

        requests = server.requests
    assert [request.path for request in requests] == ["/api/ready"] * 3
    assert {request.headers["host"].partition(":")[0] for request in requests} == {"api.x.example"}


@pytest.mark.usefixtures("quick")
def test_not_ready(monkeypatch) -> None:
    """After the timeout the error has the last answer, and where to look."""
    monkeypatch.setattr(application, "TIMEOUT_SECONDS", 0.0)
    with Loopback() as server:
        server.on("GET", Response(status=503))

        with pytest.raises(BusyError) as busy:
            application.wait_until_ready(target_of(server))

    assert busy.value.message == "/api/ready: 503 after 0 seconds"
    assert "./inv logs --service" in busy.value.hint


def test_timeout() -> None:
    """The wait is longer than the start of a task takes."""
    assert application.TIMEOUT_SECONDS == 120
