"""The message table of each test, in the emulator, and users who send messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cruddur.app import create_app
from cruddur.messages.conversation import User
from cruddur.messages.notifications import StoredNewConversations
from cruddur.messages.store import Store
from cruddur.messages.table import Table
from tests.emulator_server import aws, endpoint, server

if TYPE_CHECKING:
    from flask import Flask

    from cruddur.services import Services
    from tests.emulator_server import Aws

__all__ = ["aws", "endpoint", "server"]

LONDO = User("0d6f0f0e-1b1a-4c6e-9a53-1d1d6a0b7a01", "londo", "Londo")
GKAR = User("7c3b5e0a-94de-4a3f-8a0e-5b5f2c9d8b02", "gkar", "G'Kar")
DELENN = User("3e1a7c55-2b70-4d0c-bb6f-6a1de0c44d03", "delenn", "Delenn")


class Clock:
    """A clock that returns the same time until a test sets it forward."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **span: float) -> None:
        self.time += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    """The clock of the store."""
    return Clock()


@pytest.fixture
def table(aws: Aws) -> Table:
    """A table without items."""
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    aws.client("dynamodb").create_table(
        TableName="messages",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in keys
        ],
        KeySchema=keys,
    )
    return Table(aws.client("dynamodb"), "messages", sleep=lambda seconds: None)


@pytest.fixture
def store(table: Table, clock: Clock) -> Store:
    """The conversations in an empty table."""
    return Store(table, clock)


@pytest.fixture
def application(services: Services, store: Store) -> Flask:
    """The application with an empty table of messages."""
    return application_with(services, store)


def application_with(services: Services, store: Store) -> Flask:
    """Return the application with the conversations in *store*."""
    starts = StoredNewConversations(store, services.database, services.settings.assets_url)
    return create_app(services=replace(services, messages=store, new_conversations=starts))
