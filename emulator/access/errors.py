"""The errors of a refused request."""

from __future__ import annotations

import http.client


class RefusedError(Exception):
    """The request is refused by a rule of the emulator that AWS does not have."""

    def __init__(self, message: str, *, status: int = http.client.FORBIDDEN) -> None:
        super().__init__(message)
        self.status = status


class AwsRefusalError(Exception):
    """The request is refused with AWS's error *code*, in the format of *service*."""

    def __init__(self, code: str, message: str, *, service: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.service = code, message, service
