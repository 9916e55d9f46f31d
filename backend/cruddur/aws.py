"""Clients of AWS, with timeouts that are shorter than those of requests to the backend."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.client import BaseClient
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=32,
)


@cache
def session() -> botocore.session.Session:
    """Return the session of this process, which renews the credentials of the task."""
    return botocore.session.get_session()


@cache
def dynamodb(region: str) -> DynamoDBClient:
    """Return the client of DynamoDB, which all threads share."""
    client = session().create_client("dynamodb", region, config=_CONFIG)
    return cast("DynamoDBClient", client)


@cache
def sns(region: str) -> BaseClient:
    """Return the client of SNS, which all threads share."""
    return session().create_client("sns", region, config=_CONFIG)
