"""The application over a real PostgreSQL with all migrations; one server for each test process.

A test starts with empty tables: `database` truncates them, which takes a few milliseconds.
"""

from __future__ import annotations

import pytest
from cryptography.x509 import load_pem_x509_certificate

from cruddur import aws
from cruddur.app import create_app
from cruddur.database import Database
from cruddur.messages.store import Store
from cruddur.messages.table import Table
from cruddur.rates import WriteLimit
from cruddur.services import Services
from cruddur.settings import Settings
from cruddur.webhooks import sns
from shared.tokens import Verifier
from tests.backend.api import Api, Member
from tests.backend.clusters import Cluster, migrated_cluster
from tests.backend.webhooks import sns_messages
from tests.lambdas import access_tokens

SETTINGS = Settings(
    frontend_url="https://cruddur.example",
    backend_url="https://api.cruddur.example",
    assets_url="https://assets.cruddur.example",
    region=access_tokens.REGION,
    user_pool=access_tokens.POOL,
    user_pool_client=access_tokens.CLIENT,
    message_table="messages",
    avatar_topic=sns_messages.TOPIC,
)
CONFIRMED: list[str] = []  # The tokens with which the application confirmed subscriptions.
TABLES = "users, activities, write_rates"


class NoConversations:
    """A source without conversations."""

    def newest(self, *_arguments: object, **_options: object) -> tuple[()]:
        return ()


@pytest.fixture(scope="session")
def postgres():
    """A server with the database `cruddur`, migrated by the runner of the function `migrate`."""
    with migrated_cluster() as created:
        yield created


@pytest.fixture(scope="session")
def pool(postgres: Cluster):
    """The application's pool of connections to `postgres`."""
    database = Database(postgres.parameters)
    yield database
    database.close()


@pytest.fixture(scope="session")
def services(pool: Database) -> Services:
    """The services of the application, with the keys of an imaginary user pool."""
    verifier = Verifier(
        access_tokens.REGION,
        access_tokens.POOL,
        access_tokens.CLIENT,
        fetch=lambda _url, _timeout: access_tokens.USUAL_KEYS,
        clock=lambda: access_tokens.NOW,
    )
    return Services(
        settings=SETTINGS,
        database=pool,
        token_verifier=verifier,
        new_conversations=NoConversations(),
        messages=Store(Table(aws.dynamodb(SETTINGS.region), SETTINGS.message_table)),
        sns_verifier=sns.Verifier(
            SETTINGS.avatar_topic,
            certificate=lambda _url: load_pem_x509_certificate(sns_messages.certificate()),
            now=lambda: sns_messages.NOW,
        ),
        confirm_subscription=CONFIRMED.append,
        write_limit=WriteLimit(pool, 1_000_000),
    )


@pytest.fixture(scope="session")
def application(services: Services):
    """The Flask application."""
    return create_app(services=services)


@pytest.fixture(scope="session")
def migrator(postgres: Cluster):
    """A connection of the owner of the tables; tests prepare rows with it."""
    with postgres.connect() as connection:
        yield connection


@pytest.fixture
def database(migrator):
    """Empty tables; the value is the connection of their owner."""
    migrator.execute(f"TRUNCATE {TABLES} CASCADE")
    return migrator


@pytest.fixture
def api(application, database) -> Api:
    """An anonymous client of the application."""
    return Api(application.test_client(), database)


@pytest.fixture
def andrew(api: Api) -> Member:
    """A user with a token."""
    return api.member("andrewbrown", "Andrew Brown")


@pytest.fixture
def bayko(api: Api) -> Member:
    """Another user with a token."""
    return api.member("bayko", "Andrew Bayko")
