"""The confirmation of a subscription."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cruddur.webhooks.confirmation import NotConfirmedError, subscription_confirmer
from tests.backend.webhooks.sns_messages import TOPIC


class Client:
    """A client that records its call, or raises *error*."""

    def __init__(self, error=None):
        self.error = error
        self.calls = []

    def confirm_subscription(self, **arguments):
        self.calls.append(arguments)
        if self.error:
            raise self.error


def test_only_the_account_can_unsubscribe():
    """The confirmation requires signed requests to unsubscribe, so the link in a message has no effect."""
    client = Client()

    subscription_confirmer(lambda: client, TOPIC)("token")

    assert client.calls == [
        {"TopicArn": TOPIC, "Token": "token", "AuthenticateOnUnsubscribe": "true"}
    ]


def test_call_is_valid():
    """The parameters are those of the API."""
    session = botocore.session.get_session()
    model = session.get_service_model("sns").operation_model("ConfirmSubscription")

    assert {"TopicArn", "Token", "AuthenticateOnUnsubscribe"} <= model.input_shape.members.keys()


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AuthorizationError"}}, "ConfirmSubscription"),
        EndpointConnectionError(endpoint_url="http://127.0.0.1"),
    ],
    ids=["denied", "unreachable"],
)
def test_failure(error):
    """Every error of AWS means that the subscription is not confirmed."""
    with pytest.raises(NotConfirmedError):
        subscription_confirmer(lambda: Client(error), TOPIC)("token")
