"""Read users, and change the profile of one, in PostgreSQL."""

from __future__ import annotations

from http import HTTPStatus

from cruddur.avatars import with_avatar_url
from cruddur.identity import Identity
from cruddur.members import member_uuid, unknown_member
from cruddur.problems import FieldError, ProblemError, not_found
from cruddur.services import Services
from cruddur.statements import Statement
from cruddur.users.models import OwnProfile, ProfileChange, ShortUser

_SHORT = Statement("users/sql/short.sql")
_OWN_PROFILE = Statement("users/sql/own_profile.sql")
_UPDATE_PROFILE = Statement("users/sql/update_profile.sql")


def short(services: Services, handle: str) -> ShortUser:
    """Return a user by handle, without regard to case. Raises ProblemError 404."""
    row = with_avatar_url(ShortUser, services.settings.assets_url)
    found = services.database.one(_SHORT, {"handle": handle}, row)
    if found is None:
        raise not_found("user_not_found", "handle", "There is no user with this handle.")
    return found


def own_profile(services: Services, user: Identity) -> OwnProfile:
    """Return the profile of *user*. Raises ProblemError 403 if they have none."""
    row = with_avatar_url(OwnProfile, services.settings.assets_url)
    found = services.database.one(_OWN_PROFILE, {"cognito_user_id": user.cognito_user_id}, row)
    if found is None:
        raise unknown_member()
    return found


def update_profile(services: Services, user: Identity, change: ProfileChange) -> OwnProfile:
    """Change the profile of *user*.

    Raises ProblemError 409 if the profile has another version than *change.profile_version*.
    """
    row = with_avatar_url(OwnProfile, services.settings.assets_url)
    parameters = {
        "cognito_user_id": user.cognito_user_id,
        "display_name": change.display_name,
        "bio": change.bio or "",
        "profile_version": change.profile_version,
    }
    with services.database.transaction() as transaction:
        member_uuid(transaction, user)
        changed = transaction.one(_UPDATE_PROFILE, parameters, row)
    if changed is None:
        raise ProblemError(
            HTTPStatus.CONFLICT,
            "The profile was changed meanwhile: read it again, and repeat the change.",
            errors=[FieldError("profile_version_outdated", "profile_version")],
        )
    return changed
