"""Credentials of roles."""

from __future__ import annotations

import base64
import json

from emulator import ministack
from emulator.access import function_credentials, web_identity

SECRET = "s" * 40


def test_saved_function_sessions() -> None:
    """Keys of functions that an earlier version has saved can be computed: they are dropped."""
    sessions = ministack.store(ministack.sts, "_sessions")
    assumed = {"AccountId": "123456789012", "Arn": "arn:aws:sts::123456789012:assumed-role/a/b"}
    sessions |= {"ASIAFUNCTION": {"Arn": "arn:aws:sts::1:assumed-role/a/f"}, "ASIAROLE": assumed}

    function_credentials.delete_sessions()

    assert {"ASIAROLE": assumed} == dict(sessions.items())
    del sessions["ASIAROLE"]


def test_token() -> None:
    """A token has the claims, and is good with the secret that signed it."""
    token = web_identity.web_identity_token(SECRET, {"sub": "me"})
    claims = token.split(".")[1]

    assert {"sub": "me"} == json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert web_identity.is_web_identity_token(SECRET, token)
    assert not web_identity.is_web_identity_token("t" * 40, token)
    for other in (
        "",
        ".",
        "..",
        token + "x",
        token.replace(claims, "e30"),
        token.rpartition(".")[0],
    ):
        assert not web_identity.is_web_identity_token(SECRET, other)
