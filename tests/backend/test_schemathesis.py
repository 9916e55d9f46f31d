"""Requests that schemathesis generates from the OpenAPI document find no fault.

The run is seeded and bounded. A fault is a status of 500 or more, a response that the document does
not describe, or a request that contradicts the document and is accepted.
"""

from __future__ import annotations

import copy

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import FailureGroup

from cruddur import openapi
from cruddur.app import create_app
from tests.backend.endpoint_table import ENDPOINTS, Endpoint

SEED = 20261130
REQUESTS = 10  # For each operation, valid and invalid.
MANY_REQUESTS = 200

checks.load_all_checks()


def openapi_path(path: str) -> str:
    """Return a path of the table as it is in the document."""
    return path.replace("POST", "{activity_uuid}").replace("ANDREW", "{handle}")


def has_parameters(endpoint: Endpoint) -> bool:
    """Return whether a request may be invalid."""
    return bool(endpoint.body or endpoint.is_list or openapi_path(endpoint.path) != endpoint.path)


CHECKS = [
    checks.not_a_server_error,
    checks.CHECKS.get_one("status_code_conformance"),
    checks.CHECKS.get_one("content_type_conformance"),
    checks.CHECKS.get_one("response_schema_conformance"),
    checks.CHECKS.get_one("negative_data_rejection"),
]
OPERATIONS = [
    (mode, endpoint.method, openapi_path(endpoint.path))
    for mode in GenerationMode
    for endpoint in ENDPOINTS
    if mode is GenerationMode.POSITIVE or has_parameters(endpoint)
]


@pytest.fixture(scope="session")
def document(services):
    """The OpenAPI document of the application."""
    return openapi.document(create_app(services=services))


@pytest.fixture(scope="session")
def schema(application, document):
    """The document as schemathesis reads it; requests are sent to the application in this process."""
    return loaded(document, application)


def loaded(document, application):
    read = schemathesis.openapi.from_dict(document)
    read.app = application
    return read


def send_generated(schema, member, operation, *, requests: int):
    """Send generated requests to one operation, and check the responses."""
    post = member.post("/api/activities", {"message": "Hello", "ttl": "1-day"}).json["uuid"]
    existing = {"handle": member.handle, "activity_uuid": post}
    mode, method, path = operation
    described = schema[path][method]
    fixed = {name: value for name, value in existing.items() if f"{{{name}}}" in path}
    paths = {"path_parameters": fixed} if fixed and mode is GenerationMode.POSITIVE else {}

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=requests,
        database=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=described.as_strategy(mode, headers=member.headers, **paths))
    def send(case):
        case.call_and_validate(checks=CHECKS)

    send()


@pytest.mark.parametrize("operation", OPERATIONS, ids="-".join)
def test_generated_requests(schema, andrew, operation):
    """No generated request finds a fault."""
    send_generated(schema, andrew, operation, requests=REQUESTS)


def test_a_response_that_is_not_documented(document, application, andrew):
    """The check fails for a response that contradicts the document."""
    wrong = copy.deepcopy(document)
    wrong["components"]["schemas"]["Post"]["properties"]["likes_count"] = {"type": "string"}
    home = (GenerationMode.POSITIVE, "GET", "/api/activities/home")

    with pytest.raises(FailureGroup, match="Response violates schema"):
        send_generated(loaded(wrong, application), andrew, home, requests=1)


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids="-".join)
def test_many_generated_requests(schema, andrew, operation):
    """No generated request of a long run finds a fault."""
    send_generated(schema, andrew, operation, requests=MANY_REQUESTS)
