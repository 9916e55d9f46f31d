"""The objects that all requests of an application share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from cruddur.database import Database
from cruddur.messages.store import Store
from cruddur.new_conversations import NewConversations
from cruddur.rates import WriteLimit
from cruddur.settings import Settings
from cruddur.webhooks import sns
from shared.tokens import Verifier

_KEY = "cruddur"


@dataclass(frozen=True)
class Services:
    """The settings, and the clients of everything outside of this process.

    *sns_verifier* verifies the messages of the SNS topic of new avatars, and *confirm_subscription*
    confirms the subscription to this topic with a token.
    """

    settings: Settings
    database: Database
    token_verifier: Verifier
    new_conversations: NewConversations
    messages: Store
    sns_verifier: sns.Verifier
    confirm_subscription: Callable[[str], None]
    write_limit: WriteLimit


def install(app: Flask, services: Services) -> None:
    """Make *services* available to the requests of *app*."""
    app.extensions[_KEY] = services


def current() -> Services:
    """Return the services of the application that handles the current request."""
    return cast("Services", current_app.extensions[_KEY])
