"""Credentials of Lambda functions."""

from __future__ import annotations

from emulator import ministack
from emulator.access import function_credentials


def test_saved_function_sessions_are_deleted() -> None:
    """Sessions of functions that an earlier version saved are deleted: their keys are predictable."""
    sessions = ministack.store(ministack.sts, "_sessions")
    assumed = {"AccountId": "123456789012", "Arn": "arn:aws:sts::123456789012:assumed-role/a/b"}
    sessions |= {"ASIAFUNCTION": {"Arn": "arn:aws:sts::1:assumed-role/a/f"}, "ASIAROLE": assumed}

    function_credentials.delete_sessions()

    assert {"ASIAROLE": assumed} == dict(sessions.items())
    del sessions["ASIAROLE"]
