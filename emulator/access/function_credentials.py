"""Derive the credentials of Lambda functions from the folder's secret.

MiniStack derives a function's keys from its ARN and its role's ARN, and accepts every token of a
web identity. Any program could compute the keys or invent a token, and use the role.
"""

from __future__ import annotations

from typing import Any

from emulator.access import web_identity
from emulator.access.secret import derive
from emulator.ministack import credentials


def install(secret: str) -> None:
    """Derive the keys of functions from *secret*, and accept only tokens signed with it."""
    credentials.replace_function_credentials(lambda config: _function_credentials(config, secret))
    credentials.check_web_identity(lambda token: web_identity.is_web_identity_token(secret, token))


def delete_sessions() -> None:
    """Delete the saved sessions of functions: an earlier version gave them predictable keys."""
    sessions = credentials.sessions
    for key in [key for key, session in sessions.items() if "AccountId" not in session]:
        del sessions[key]


def _function_credentials(config: dict[str, Any], secret: str) -> dict[str, str]:
    """Register a session of the function's role; return its keys, which are always the same."""
    function, role = config["FunctionArn"], config.get("Role", "")
    account, name = function.split(":")[4], role.rpartition("/")[2]
    session_name = config.get("FunctionName", "function")[:64]
    identity = f"{function} {role}"
    access_key = f"ASIA{derive(secret, f'function key {identity}')[:16].upper()}"
    secret_key = derive(secret, f"function secret {identity}")
    token = derive(secret, f"function token {identity}")
    session = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
        "UserId": f"{name}:{session_name}",
        "SecretAccessKey": secret_key,
        "SessionToken": token,
    }
    credentials.register_session(access_key, session)
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_SESSION_TOKEN": token,
    }
