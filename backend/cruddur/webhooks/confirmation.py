"""Confirm the subscription of this application to a topic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore import exceptions


class NotConfirmedError(Exception):
    """SNS did not confirm the subscription; the message is the reason."""


def subscription_confirmer(client: Callable[[], Any], topic: str) -> Callable[[str], None]:
    """Return a function that confirms the subscription to *topic* with a token.

    Afterwards the link in each message cannot cancel the subscription; this takes a request that the
    account signs. The function raises NotConfirmedError. *client* returns the client of SNS.
    """

    def confirm(token: str) -> None:
        try:
            client().confirm_subscription(
                TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true"
            )
        except (exceptions.ClientError, exceptions.BotoCoreError) as error:
            raise NotConfirmedError(str(error)) from error

    return confirm
