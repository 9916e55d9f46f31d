"""Generate the OpenAPI document from the declarations of the endpoints.

`./inv docs` writes backend/openapi.json. Only this module imports SpecTree, so the image does not
contain SpecTree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask
from spectree import Response, SpecTree
from spectree.model_adapter import get_msgspec_model_adapter

from cruddur import problems
from cruddur.app import create_app
from cruddur.endpoints import SAFE_METHODS, Access, Operation, operation_of
from cruddur.paths import CONVERTERS
from cruddur.problems import Problem
from cruddur.settings import Settings

FILE = Path(__file__).parent.parent / "openapi.json"

# The document does not depend on these values, and no service is connected.
_EXAMPLE = Settings(
    frontend_url="https://example.com",
    backend_url="https://api.example.com",
    assets_url="https://assets.example.com",
    region="ca-central-1",
    user_pool="ca-central-1_AbCdEf123",
    user_pool_client="client",
    message_table="messages",
    avatar_topic="arn:aws:sns:ca-central-1:000000000000:avatars",
)
_SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    Access.PUBLIC: [],
    Access.OPTIONAL: [{}, {"token": []}],
    Access.REQUIRED: [{"token": []}],
}


def document(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of *app*.

    This function replaces the views of *app*, which is unusable afterwards.
    """
    spec = SpecTree(
        "flask",
        title="Cruddur",
        version="1",
        mode="strict",
        annotations=False,
        model_adapter=get_msgspec_model_adapter(),
        naming_strategy=lambda model: model.__name__,
        nested_naming_strategy=lambda _parent, child: child,
        # SpecTree adds a response for validation errors to every endpoint. Use 503, which every
        # endpoint lists anyway, so no response is added.
        validation_error_status=HTTPStatus.SERVICE_UNAVAILABLE,
    )
    _declare_endpoints(spec, app)
    with app.app_context():
        generated: dict[str, Any] = json.loads(json.dumps(spec.spec))
    _correct_operations(generated, _path_schemas(app))
    generated["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    del generated["security"]
    return generated


def statuses(operation: Operation, *, writes: bool) -> frozenset[HTTPStatus]:
    """Return the statuses of the errors that the document lists for an endpoint."""
    found = {*operation.errors, HTTPStatus.SERVICE_UNAVAILABLE}
    if operation.access is not Access.PUBLIC:
        found.add(HTTPStatus.UNAUTHORIZED)
        if writes:
            found.add(HTTPStatus.TOO_MANY_REQUESTS)
    if operation.query:
        found.add(HTTPStatus.UNPROCESSABLE_ENTITY)
    if operation.body:
        found |= {
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        }
    return frozenset(found)


def text() -> str:
    """Return the document as it is committed."""
    return json.dumps(document(create_app(_EXAMPLE)), indent=2, sort_keys=True) + "\n"


def _declare_endpoints(spec: SpecTree, app: Flask) -> None:
    """Declare the endpoints of *app* to SpecTree, which wraps their views."""
    write_endpoints = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not (rule.methods or set()) <= SAFE_METHODS
    }
    for endpoint, view in app.view_functions.items():
        if operation := operation_of(view):
            app.view_functions[endpoint] = spec.validate(
                query=operation.query,
                json=operation.body,
                resp=_responses(operation, writes=endpoint in write_endpoints),
                security=_SECURITY[operation.access],
                tags=[operation.tag],
                operation_id=endpoint.replace(".", "_"),
            )(view)


def _correct_operations(generated: dict[str, Any], path_schemas: dict[str, Any]) -> None:
    """Correct the responses and the path parameters in the *generated* document, in place."""
    for path in generated["paths"].values():
        for operation in path.values():
            operation["responses"] = dict(_corrected(operation["responses"]))
            for parameter in operation["parameters"]:
                if parameter["in"] == "path":
                    parameter["schema"] = path_schemas[parameter["name"]]


def _responses(operation: Operation, *, writes: bool) -> Response:
    result = None if operation.result is type(None) else operation.result
    success = {f"HTTP_{operation.status.value}": result}
    errors = {
        f"HTTP_{status.value}": (Problem, problems.title(status))
        for status in sorted(statuses(operation, writes=writes))
    }
    return Response(**success, **errors)


def _path_schemas(app: Flask) -> dict[str, Any]:
    """Return the schemas of the variables of all paths, by name.

    SpecTree has no schemas for variables with converters.
    """
    return {
        name: CONVERTERS[converter].schema
        for rule in app.url_map.iter_rules()
        for converter, name in re.findall(r"<(\w+):(\w+)>", rule.rule)
    }


def _corrected(responses: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the responses in the order of their statuses, with the media type of errors."""
    for status, response in sorted(responses.items()):
        if int(status) >= 400:
            response["content"] = {problems.MEDIA_TYPE: response["content"]["application/json"]}
        yield status, response
