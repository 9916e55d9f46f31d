"""Servers that are stopped, whose workers are killed, and whose spans are exported."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from cruddur.server import Server as Settings
from tests.backend.clusters import Cluster
from tests.backend.process.servers import Server, eventually, started
from tests.loopback import Loopback, Response

POST = {"message": "Hello", "ttl": "1-day"}
IN_FLIGHT = 6  # Less than the threads of one worker, which may receive them all.


def test_sigterm_during_requests_loses_none(new_server: Server, postgres: Cluster, bearer):
    """Requests that a stopping task has received are completed, and it ends by itself."""
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        with postgres.connect() as owner, owner.transaction():
            owner.execute("LOCK TABLE activities")
            requests = [
                threads.submit(new_server.send, "POST", "/api/activities", POST, bearer)
                for _ in range(IN_FLIGHT)
            ]
            eventually(lambda: postgres.waiting() == IN_FLIGHT, new_server)
            new_server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
        responses = [request.result() for request in requests]

    assert [response.status for response in responses] == [200] * IN_FLIGHT
    assert stored(postgres, [response.json["uuid"] for response in responses]) == IN_FLIGHT
    assert new_server.process.wait(Settings.graceful_timeout_seconds) == 0


def test_a_killed_worker_loses_no_acknowledged_write(new_server: Server, postgres: Cluster, bearer):
    """The other worker continues, a new worker is started, and every acknowledged post is stored."""
    acknowledged: list[str] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            try:
                response = new_server.send("POST", "/api/activities", POST, bearer)
            except OSError:
                continue  # Not acknowledged: the client does not know whether it was stored.
            if response.status == 200:
                acknowledged.append(response.json["uuid"])

    first = new_server.workers()
    with ThreadPoolExecutor(4) as threads:
        for _ in range(4):
            threads.submit(write)
        try:
            eventually(lambda: len(acknowledged) >= 10, new_server)
            os.kill(min(first), signal.SIGKILL)
            eventually(lambda: len(new_server.workers()) > len(first), new_server)
            count = len(acknowledged)
            eventually(lambda: len(acknowledged) >= count + 10, new_server)
        finally:
            stop.set()

    assert stored(postgres, acknowledged) == len(acknowledged)


def stored(postgres: Cluster, uuids: list[str]) -> int:
    """Return how many of the posts *uuids* exist."""
    query = "SELECT count(*) FROM activities WHERE uuid = ANY(%s::uuid[])"
    with postgres.connect() as connection:
        return connection.execute(query, [uuids]).fetchone()[0]


class Collector(Loopback):
    """A collector of traces on the loop-back interface."""

    def __init__(self) -> None:
        super().__init__()
        self.on("POST", Response())

    @property
    def text(self) -> str:
        """The paths and bodies of all requests."""
        return "".join(f"{request.path} {request.body!r}" for request in self.requests)

    def spans(self) -> dict[str, dict[str, str]]:
        """Return the attributes of the received spans by name, and check their path."""
        found = {}
        for request in self.requests:
            assert request.path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(request.body).resource_spans:
                for span in (span for scope in resource.scope_spans for span in scope.spans):
                    attributes = {pair.key: pair.value.string_value for pair in span.attributes}
                    found[span.name] = {"trace_id": span.trace_id.hex(), **attributes}
        return found


@pytest.fixture
def collector():
    with Collector() as running:
        yield running


# A sampled trace: its decision depends on the lower half of its id.
TRACE = f"{'a' * 16}{'0' * 15}1"


def test_spans_are_exported_at_the_end(variables, tmp_path, collector: Collector, bearer):
    """A stopping worker exports its last spans, without personal data and health checks."""
    tracing = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    headers = {**bearer, "traceparent": f"00-{TRACE}-{'b' * 16}-00", "User-Agent": "Jane's phone"}
    with started(tmp_path, **variables, **tracing) as server:
        server.get("/api/activities/search?term=hidden", headers)
        server.get("/api/activities/@andrew", headers)
        server.get("/broken", headers)
        code = server.terminate()
        lines = [line for line in server.lines() if line["message"] == "request"]

    spans = collector.spans()
    assert code == 0
    assert {line["trace_id"] for line in lines} == {TRACE}
    assert {span["trace_id"] for name, span in spans.items() if name.startswith("GET")} == {TRACE}
    assert spans["GET /api/activities/@<handle:handle>"]["http.route"]
    assert any("FROM visible_activities" in span.get("db.statement", "") for span in spans.values())
    secrets = ("hidden", "@andrew", "Jane", "a secret of the server", "health-check")
    assert [secret for secret in secrets if secret in collector.text] == []


def test_a_missing_collector_delays_no_shutdown(variables, tmp_path, bearer):
    """The collector is not essential: the application serves and ends in time without it."""
    with started(tmp_path, **variables, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") as server:
        headers = {"traceparent": f"00-{TRACE}-{'b' * 16}-01"}
        status = server.get("/api/activities/home", headers).status

        assert (status, server.terminate()) == (200, 0)
