"""The endpoints of users."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint

from cruddur import services
from cruddur.endpoints import Access, endpoint
from cruddur.identity import Identity
from cruddur.users import queries
from cruddur.users.models import OwnProfile, ProfileChange, ShortUser

blueprint = Blueprint("users", __name__)


@blueprint.get("/api/users/@<handle:handle>/short")
@endpoint(Access.PUBLIC, tag="users", errors=(HTTPStatus.NOT_FOUND,))
def short(handle: str) -> ShortUser:
    """Return the name and the avatar of a user."""
    return queries.short(services.current(), handle)


@blueprint.get("/api/profile")
@endpoint(Access.REQUIRED, tag="users", errors=(HTTPStatus.FORBIDDEN,))
def own_profile(identity: Identity) -> OwnProfile:
    """Return the profile of the user.

    The handle differs from the requested one if that was taken or not valid at the sign-up.
    """
    return queries.own_profile(services.current(), identity)


# The original's page sends PUT, but the original's route accepts POST. Both work here.
@blueprint.put("/api/profile/update")
@blueprint.post("/api/profile/update", endpoint="post_profile")
@endpoint(Access.REQUIRED, tag="users", errors=(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT))
def update_profile(body: ProfileChange, identity: Identity) -> OwnProfile:
    """Change the display name and the bio of the user."""
    return queries.update_profile(services.current(), identity, body)
