"""The objects that all requests of an application share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from cruddur.database import Database
from cruddur.notifications.conversations import Conversations
from cruddur.settings import Settings
from shared.tokens import Verifier

_KEY = "cruddur"


@dataclass(frozen=True)
class Services:
    """The settings, and the clients of everything outside of this process."""

    settings: Settings
    database: Database
    verifier: Verifier
    conversations: Conversations


def install(app: Flask, services: Services) -> None:
    """Make *services* available to the requests of *app*."""
    app.extensions[_KEY] = services


def current() -> Services:
    """Return the services of the application that handles the current request."""
    return cast("Services", current_app.extensions[_KEY])
