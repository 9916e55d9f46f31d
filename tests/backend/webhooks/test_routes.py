"""The endpoint for notifications about avatars."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cruddur.app import create_app
from cruddur.webhooks import sns
from cruddur.webhooks.confirmation import NotConfirmedError
from shared.avatars import avatar_id
from shared.jwks import FetchError
from tests.backend.api import problem
from tests.backend.conftest import CONFIRMED
from tests.backend.webhooks.sns_messages import CONFIRMATION, NOTIFICATION, NOW, TOPIC, signed

OLDER, NEWER = "0055AED6DCD90281E5", "0055AED6DCD90281E6"


def notification(member, sequencer=NEWER):
    """Return the body of a notification about a new avatar of *member*."""
    uploaded = {"key": f"avatars/{avatar_id(member.sub)}.jpg", "sequencer": sequencer}
    record = {"eventName": "ObjectCreated:Put", "s3": {"object": uploaded}}
    return signed(NOTIFICATION, Message=json.dumps({"Records": [record]}))


def post(api, body, **options):
    """Send *body* as SNS does."""
    return api.send(
        "POST", "/webhooks/avatar", data=body, content_type="text/plain; charset=UTF-8", **options
    )


def avatar_url(api, member):
    return api.get(f"/api/users/@{member.handle}/short").json["avatar_url"]


def test_new_avatar(api, andrew, bayko):
    """The address of a new avatar differs from that of the previous one, for its user only."""
    before, other = avatar_url(api, andrew), avatar_url(api, bayko)

    response = post(api, notification(andrew))

    assert (response.status_code, response.data) == (204, b"")
    assert avatar_url(api, andrew) == f"{before}?v={NEWER}"
    assert avatar_url(api, bayko) == other


@pytest.mark.parametrize("sequencers", [(NEWER, OLDER), (OLDER, NEWER), (NEWER, NEWER)])
def test_order(api, andrew, sequencers):
    """Notifications that are late or repeated do not set an older version."""
    for sequencer in sequencers:
        assert post(api, notification(andrew, sequencer)).status_code == 204

    assert avatar_url(api, andrew).endswith(f"?v={NEWER}")


def test_confirmation(api):
    """A request for confirmation is answered with its token."""
    CONFIRMED.clear()

    assert post(api, signed(CONFIRMATION)).status_code == 204
    assert [CONFIRMATION["Token"]] == CONFIRMED


def test_unknown_user(api, andrew):
    """A notification about a deleted user changes nothing, and is not repeated."""
    body = notification(andrew)
    api.database.execute("DELETE FROM users")

    assert post(api, body).status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"Records": []}',
        signed(NOTIFICATION, TopicArn=TOPIC + "2"),
        signed(NOTIFICATION).replace(b"a new avatar", b"other"),
        signed(CONFIRMATION, TopicArn=TOPIC + "2"),
    ],
    ids=["empty", "no fields", "raw", "topic", "changed", "foreign confirmation"],
)
def test_forged(api, body):
    """A body that SNS did not sign for this topic is refused, and no token is used."""
    CONFIRMED.clear()

    assert problem(post(api, body)) == (403, [("message_forged", "")])
    assert CONFIRMED == []


def test_size(api):
    """A body above the limit is refused."""
    assert problem(post(api, b" " * 70_000))[0] == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_method(api, method):
    """Other methods are refused."""
    assert problem(api.send(method, "/webhooks/avatar"))[0] == 405


def failing(error):
    """Return a function that raises *error*."""

    def fail(_argument):
        raise error

    return fail


def test_certificate_unavailable(services, api, andrew):
    """SNS retries while its certificate cannot be fetched."""
    topic = sns.Verifier(TOPIC, certificate=failing(FetchError("reset")), now=lambda: NOW)
    application = create_app(services=replace(services, sns_verifier=topic))

    response = post(replace(api, client=application.test_client()), notification(andrew))

    assert problem(response) == (503, [])


def test_confirmation_fails(services, api):
    """SNS retries a confirmation that failed."""
    failing_services = replace(
        services, confirm_subscription=failing(NotConfirmedError("throttled"))
    )
    application = create_app(services=failing_services)

    response = post(replace(api, client=application.test_client()), signed(CONFIRMATION))

    assert problem(response) == (503, [])
