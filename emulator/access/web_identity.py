"""Tokens of web identities, signed with the secret instead of by an identity provider."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

from emulator.access.secret import derive

_WEB_IDENTITY = "web identity"


def web_identity_token(secret: str, claims: dict[str, Any]) -> str:
    """Return a token as an identity provider would issue it for a job with these *claims*."""
    head, body = (_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256"}, claims))
    return f"{head}.{body}.{_signature(f'{head}.{body}', secret)}"


def is_web_identity_token(secret: str, token: str) -> bool:
    """Return whether *token* was signed with *secret*."""
    signed, _, signature = token.rpartition(".")
    return hmac.compare_digest(signature.encode(), _signature(signed, secret).encode())


def _signature(text: str, secret: str) -> str:
    """Return the HS256 signature of *text*, with a key that is derived for this purpose only."""
    return _base64url(hmac.digest(derive(secret, _WEB_IDENTITY).encode(), text.encode(), "sha256"))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
