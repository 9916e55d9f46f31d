"""Confirm the subscription of this application to a topic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore import exceptions


class NotConfirmedError(Exception):
    """SNS did not confirm the subscription; the message is the reason."""


def confirming(client: Callable[[], Any], topic: str) -> Callable[[str], None]:
    """Return a function that confirms the subscription to *topic* with a token.

    After that, only this account can cancel the subscription: a link in a message cannot. The
    function raises NotConfirmedError. *client* returns the client when it is needed.
    """

    def confirm(token: str) -> None:
        try:
            client().confirm_subscription(
                TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true"
            )
        except (exceptions.ClientError, exceptions.BotoCoreError) as error:
            raise NotConfirmedError(str(error)) from error

    return confirm
