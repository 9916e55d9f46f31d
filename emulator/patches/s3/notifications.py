"""Notify a function only if its resource policy permits S3 to invoke it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from emulator.ministack import services
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference
from emulator.patches.lambda_.permissions import can_invoke

DIFFERENCES = (
    Difference(
        "A bucket notifies only functions and topics whose resource policy permits S3 to send "
        "events to them.",
        source="S3 user guide, Granting permissions to publish event notification messages",
        ministack="All functions, and topics with the default policy.",
        test="test_notification",
    ),
)
UPSTREAM = True

_SERVICE = "s3.amazonaws.com"
_log = logging.getLogger("emulator.permissions")

_validate_notifications: Function[..., Response | None] = Function(
    "_validate_notification_configs", services.s3
)
_deliver_to_function: Function[[str, dict[str, Any], str], None] = Function(
    "_deliver_event_to_lambda", services.s3
)


def install() -> None:
    """Install the patch."""
    _validate_notifications.before(_check_functions)
    _deliver_to_function.around(_deliver_if_permitted)


def _check_functions(
    destinations: list[dict[str, Any]], _region: str, bucket: str = "", skip: Any = None
) -> Response | None:
    refused = [
        destination["arn"]
        for destination in destinations
        if destination["type"] == "lambda"
        and not can_invoke(destination["arn"], service=_SERVICE, source=f"arn:aws:s3:::{bucket}")
    ]
    if not refused or skip:
        return None
    message = "Unable to validate the following destination configurations"
    return services.s3_error("InvalidArgument", f"{message}: {', '.join(refused)}", 400)


def _deliver_if_permitted(
    deliver: Callable[..., None], function: str, event: dict[str, Any], region: str
) -> None:
    bucket = event["Records"][0]["s3"]["bucket"]["arn"]
    if can_invoke(function, service=_SERVICE, source=bucket):
        deliver(function, event, region)
    else:
        _log.warning("%s does not permit %s to invoke it: an event is lost", function, bucket)
