"""The endpoint of notifications."""

from __future__ import annotations

from flask import Blueprint

from cruddur import services
from cruddur.endpoints import Access, endpoint
from cruddur.identity import Identity
from cruddur.notifications import queries
from cruddur.notifications.models import NotificationPage
from cruddur.pages import PageQuery

blueprint = Blueprint("notifications", __name__)


@blueprint.get("/api/activities/notifications")
@endpoint(Access.REQUIRED, tag="notifications")
def notifications(query: PageQuery, identity: Identity) -> NotificationPage:
    """List replies to posts of the user, and new conversations, the newest first."""
    return queries.notifications(services.current(), identity, query)
