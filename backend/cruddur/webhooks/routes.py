"""The endpoint that SNS calls when S3 has a new avatar.

SNS retries a delivery unless the status is 2xx; after several attempts the message is sent to the
dead-letter queue of the subscription. A forged message is refused with 403, and only logged.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Blueprint, request

from cruddur import avatar_versions, requests, services
from cruddur.endpoints import Access, endpoint
from cruddur.problems import FieldError, ProblemError, unavailable
from cruddur.services import Services
from cruddur.webhooks.avatars import new_avatars
from cruddur.webhooks.confirmation import NotConfirmedError
from cruddur.webhooks.sns import Confirmation, ForgedError, Notification
from shared.jwks import FetchError

blueprint = Blueprint("webhooks", __name__)

_LOG = logging.getLogger(__name__)


@blueprint.post("/webhooks/avatar")
@endpoint(
    Access.PUBLIC,
    tag="webhooks",
    status=HTTPStatus.NO_CONTENT,
    errors=(HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
)
def avatar() -> None:
    """Receive a message of SNS about a new avatar, or confirm the subscription."""
    current = services.current()
    message = _verified(current)
    if isinstance(message, Confirmation):
        return _confirm(current, message)
    for new in new_avatars(message.message):
        if not avatar_versions.record(current.database, new.avatar_uuid, new.version):
            _LOG.warning("avatar of an unknown user", extra={"avatar": new.avatar_uuid})
    return None


def _verified(current: Services) -> Notification | Confirmation:
    try:
        return current.sns_verifier.verify(requests.content(request))
    except ForgedError as error:
        _LOG.warning("refused a message", extra={"reason": str(error)})
        raise ProblemError(
            HTTPStatus.FORBIDDEN,
            "This is not a message of the topic.",
            errors=[FieldError("message_forged", "")],
        ) from None
    except FetchError as error:
        raise unavailable("The certificate of SNS is not available.") from error


def _confirm(current: Services, confirmation: Confirmation) -> None:
    try:
        current.confirm_subscription(confirmation.token)
    except NotConfirmedError as error:
        raise unavailable("The subscription could not be confirmed.") from error
