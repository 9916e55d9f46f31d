"""Offer the instance classes that config allows."""

from __future__ import annotations

import re
from collections.abc import Callable

from emulator.ministack import services
from emulator.ministack.context import Params, Response
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "DescribeOrderableDBInstanceOptions has the current instance classes.",
        source="RDS user guide, DB instance classes",
        ministack="Ten classes of older generations.",
        test="test_a_current_class",
    ),
)
UPSTREAM = True

_KNOWN_CLASS = "db.t3.micro"
_CURRENT_CLASSES = r"db\.(t4g|m6g|m7g|m8g|r6g|r7g|r8g)\.\w+"
_describe: Function[[Params], Response] = Function(
    "DescribeOrderableDBInstanceOptions", services.rds_actions
)


def install() -> None:
    """Install the patch."""
    _describe.around(_with_any_class)


def _with_any_class(describe: Callable[[Params], Response], params: Params) -> Response:
    """Return the options of a class of a known family as those of a class that is always offered."""
    requested = str(params.get("DBInstanceClass", [""])[0])
    if not re.fullmatch(_CURRENT_CLASSES, requested):
        return describe(params)
    status, headers, body = describe({**params, "DBInstanceClass": [_KNOWN_CLASS]})
    return status, headers, body.replace(_KNOWN_CLASS.encode(), requested.encode())
