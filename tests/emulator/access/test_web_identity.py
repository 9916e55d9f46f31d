"""Tokens of web identities."""

from __future__ import annotations

import base64
import json

from emulator.access import web_identity

SECRET = "s" * 40


def test_token_is_valid_with_its_secret_only() -> None:
    """A token contains the claims; it is not valid with another secret, or if it is changed."""
    token = web_identity.web_identity_token(SECRET, {"sub": "me"})
    claims = token.split(".")[1]

    assert {"sub": "me"} == json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert web_identity.is_web_identity_token(SECRET, token)
    assert not web_identity.is_web_identity_token("t" * 40, token)
    for changed in (
        "",
        ".",
        "..",
        token + "x",
        token.replace(claims, "e30"),
        token.rpartition(".")[0],
    ):
        assert not web_identity.is_web_identity_token(SECRET, changed)
