"""The bundled AWS CLI, with the variables of `emulator.env`, calls the emulator for every service."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest

from emulator.endpoint import AWS_CLI_FOLDER, Endpoint, environment_variables

# For the first five services, the CLI has an address that takes precedence over AWS_ENDPOINT_URL. The
# operations of the next two services have a host prefix.
COMMANDS = {
    "sqs": "list-queues",
    "emr": "list-clusters",
    "health": "describe-events",
    "rds": "describe-db-instances --region us-east-1",
    "docdb": "describe-db-clusters --region us-east-1",
    "servicediscovery": "discover-instances --namespace-name a --service-name b",
    "stepfunctions": "start-sync-execution --state-machine-arn arn:aws:states:x:1:stateMachine:s",
    "cloudwatch": "describe-alarms",
    "ses": "list-identities",
    "s3": "ls s3://a-bucket",
}


class Recorder(ThreadingHTTPServer):
    """A server that refuses every request and counts them by the signed service."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.services: list[str] = []

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Refuses a request with an error that the CLI does not retry."""

    server: Recorder

    def handle_any(self) -> None:
        """Read the body, record the signed service and respond with 400."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.services.append(self.headers["Authorization"].split("/")[3])
        self.send_response(400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = handle_any  # noqa: N815  # The names that http.server calls.

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """A server on a free port."""
    with Recorder() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_every_service(recorder: Recorder) -> None:
    """No request is sent to an address of AWS, in any region."""
    endpoint = Endpoint(recorder.url, "000000000000", "000000000000", "secret")
    variables = environment_variables(endpoint, region="ca-central-1")
    environ = {"PATH": f"{AWS_CLI_FOLDER}:{os.environ['PATH']}", **variables}

    def run(service: str) -> str:
        command = ["aws", service, *COMMANDS[service].split(), "--cli-connect-timeout=1"]
        return subprocess.run(
            command, env=environ, capture_output=True, text=True, check=False
        ).stderr

    with ThreadPoolExecutor(4) as pool:
        errors = list(pool.map(run, COMMANDS))

    assert [error for error in errors if "endpoint URL" in error] == []
    assert len(recorder.services) == len(COMMANDS)


def test_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of boto3 for any service has the endpoint in AWS_ENDPOINT_URL."""
    endpoint = Endpoint("http://127.0.0.1:1", "000000000000", "000000000000", "secret")
    for name, value in environment_variables(endpoint, region="us-east-1").items():
        monkeypatch.setenv(name, value)
    services = ("sqs", "emr", "health", "rds", "cloudwatch", "sdb", "sts", "iam", "route53")

    urls = {boto3.Session().client(service).meta.endpoint_url for service in services}

    assert urls == {"http://127.0.0.1:1"}


def test_another_endpoint_on_the_command_line(recorder: Recorder) -> None:
    """The option `--endpoint-url` overrides the endpoint of the emulator."""
    endpoint = Endpoint("http://127.0.0.1:1", "000000000000", "000000000000", "secret")
    variables = environment_variables(endpoint, region="ca-central-1")
    command = [str(AWS_CLI_FOLDER / "aws"), "sqs", "list-queues", "--endpoint-url", recorder.url]
    before = len(recorder.services)

    subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, check=False, timeout=30
    )

    assert recorder.services[before:] == ["sqs"]
