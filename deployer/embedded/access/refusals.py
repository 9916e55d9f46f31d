"""The two ways in which a request is refused."""

from __future__ import annotations

import http.client


class RefusedError(Exception):
    """The embedded AWS does not take the request, for a reason that AWS does not have."""

    def __init__(self, message: str, *, status: int = http.client.FORBIDDEN) -> None:
        super().__init__(message)
        self.status = status


class AwsRefusalError(Exception):
    """AWS refuses the request, with *code* in the protocol of *service*."""

    def __init__(self, code: str, message: str, *, service: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.service = code, message, service
