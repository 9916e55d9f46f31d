"""The application for a gunicorn that tests start, with PostgreSQL and a user pool of the test."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse
from flask import Flask

from cruddur import worker
from cruddur.app import create_app, default_services
from cruddur.database import Database
from cruddur.rates import WriteLimit
from cruddur.settings import Settings
from shared.fetch import fetch_document
from shared.tokens import Verifier
from stacks.database import APPLICATION
from tests.lambdas import access_tokens


def create() -> Flask:
    """Return the application; TEST_POSTGRES is the folder of a socket, TEST_POOL an endpoint.

    While the file TEST_THROTTLE has content, DynamoDB throttles every request.
    """
    worker.REQUEST_SECONDS = float(os.environ.get("TEST_REQUEST_SECONDS", worker.REQUEST_SECONDS))
    started = time.monotonic()
    settings = Settings.from_environ(os.environ)
    parameters = {"host": os.environ["TEST_POSTGRES"], "user": APPLICATION, "dbname": "cruddur"}
    database = Database(lambda: {**parameters, "connect_timeout": 2})
    services = replace(
        default_services(settings),
        database=database,
        write_limit=WriteLimit(database, 1_000_000),
        token_verifier=Verifier(
            access_tokens.REGION,
            access_tokens.POOL,
            access_tokens.CLIENT,
            fetch=fetch_document,
            base_url=os.environ["TEST_POOL"],
            clock=lambda: access_tokens.NOW + time.monotonic() - started,
        ),
    )
    _throttle(services.messages.table.client, Path(os.environ.get("TEST_THROTTLE", os.devnull)))
    app = create_app(services=services)

    @app.get("/broken")
    def broken() -> str:
        raise ValueError("a secret of the server")

    return app


def _throttle(client: Any, file: Path) -> None:
    """Answer the requests of *client* with ThrottlingException while *file* has content."""

    def answer(request: AWSRequest, **_: Any) -> AWSResponse | None:
        if not file.is_file() or not file.stat().st_size:
            return None
        body = b'{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}'
        response = AWSResponse(request.url, 400, {}, None)
        response._content = body
        return response

    client.meta.events.register("before-send.dynamodb", answer)
