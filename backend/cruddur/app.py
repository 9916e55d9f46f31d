"""The application: `create_app` connects the parts."""

from __future__ import annotations

import os

from flask import Flask

from cruddur import aws, logs, paths, problems, rds, security
from cruddur.activities.routes import blueprint as activities
from cruddur.database import Database
from cruddur.health.routes import blueprint as health
from cruddur.limits import BODY_BYTES, WRITES_PER_MINUTE
from cruddur.messages.notifications import StoredNewConversations
from cruddur.messages.routes import blueprint as messages
from cruddur.messages.store import Store
from cruddur.messages.table import Table
from cruddur.notifications.routes import blueprint as notifications
from cruddur.rates import WriteLimit
from cruddur.services import Services
from cruddur.services import install as install_services
from cruddur.settings import Settings
from cruddur.users.routes import blueprint as users
from cruddur.webhooks import sns
from cruddur.webhooks.certificates import cached_certificates
from cruddur.webhooks.confirmation import subscription_confirmer
from cruddur.webhooks.routes import blueprint as webhooks
from shared.fetch import fetch_document
from shared.tokens import Verifier

BLUEPRINTS = (activities, health, messages, notifications, users, webhooks)


def create_app(settings: Settings | None = None, *, services: Services | None = None) -> Flask:
    """Return the application with *services*, by default with those that *settings* describe.

    Without *settings*, the settings are read from the environment. A service is connected when a
    request needs it. Raises SettingsError if the environment is not valid.
    """
    services = services or default_services(settings or Settings.from_environ(os.environ))
    app = Flask("cruddur", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES
    # Do not redirect to another form of a path: a redirect loses the body. Accept a trailing slash.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    logs.install(app)
    paths.install(app)
    problems.install(app)
    security.install(app, services.settings.origins)
    install_services(app, services)
    if services.settings.has_collector:
        from cruddur import telemetry

        telemetry.instrument(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def default_services(settings: Settings) -> Services:
    """Return the services that the application uses in an ECS task.

    They are PostgreSQL on RDS, DynamoDB, the user pool, and SNS.
    """
    database = Database(rds.connection_parameters)
    store = Store(Table(aws.dynamodb(settings.region), settings.message_table))
    return Services(
        settings=settings,
        database=database,
        token_verifier=Verifier(
            settings.region,
            settings.user_pool,
            settings.user_pool_client,
            fetch=fetch_document,
            base_url=settings.cognito_url,
        ),
        new_conversations=StoredNewConversations(store, database, settings.assets_url),
        messages=store,
        sns_verifier=sns.Verifier(
            settings.avatar_topic,
            certificate=cached_certificates(fetch_document),
            base_url=settings.sns_url,
        ),
        confirm_subscription=subscription_confirmer(
            lambda: aws.sns(settings.region), settings.avatar_topic
        ),
        write_limit=WriteLimit(database, WRITES_PER_MINUTE),
    )
