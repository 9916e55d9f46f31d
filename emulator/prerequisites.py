"""Resources that an account must have before the first deployment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prerequisites:
    """Resources that an operator creates manually in a new AWS account.

    *hosted_zones* are pairs of hosted zone id and domain.
    """

    hosted_zones: tuple[tuple[str, str], ...] = ()
