"""A user pool with given keys, and the decision of the authorizer about a request."""

from __future__ import annotations

import json
from typing import Any

from authorizer.handler import authorize
from shared.jwks import JwksError
from shared.tokens import Verifier
from tests.lambdas.access_tokens import (
    CLIENT,
    NOW,
    POOL,
    REGION,
    SUB,
    USUAL_KEYS,
)

ALLOWED = "allowed"
NO_KEYS = "no keys"


class UserPool:
    """A user pool with these *keys*, and its verifier; *fetched_urls* are recorded."""

    def __init__(self, keys: bytes = USUAL_KEYS, base: str = "") -> None:
        self.fetched_urls: list[str] = []
        self._keys = keys
        self.verifier = Verifier(
            REGION, POOL, CLIENT, base_url=base, clock=lambda: NOW, fetch=self._fetch
        )

    def _fetch(self, url: str, timeout: float) -> bytes:
        assert 0 < timeout <= 3
        self.fetched_urls.append(url)
        return self._keys


def decision(event: dict[str, Any], verifier: Verifier, capsys: Any) -> str:
    """Return ALLOWED, the reason for a refusal, or NO_KEYS.

    Also assert that no part of the request is in the log.
    """
    try:
        response = authorize(event, verifier)
    except JwksError:
        response = None
    logged = capsys.readouterr().out
    for part in event["headers"].get("authorization", "").split("."):
        assert len(part) < 8 or part not in logged
    if response == {"isAuthorized": True, "context": {"sub": SUB}}:
        assert logged == ""
        return ALLOWED
    (line,) = map(json.loads, logged.splitlines())
    assert set(line) == {"event", "reason"}
    if response is None:
        assert line["event"] == "no keys"
        return NO_KEYS
    assert response == {"isAuthorized": False}
    assert line["event"] == "refused"
    return str(line["reason"])
