"""Client of the admin API, which the emulator has in addition to AWS's APIs."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

from deployer.errors import EmulatorError
from emulator.access import admin_requests, web_identity
from emulator.message import Message
from emulator.pages import requests

if TYPE_CHECKING:
    from collections.abc import Collection

    from emulator.endpoint import Endpoint
    from emulator.prerequisites import Prerequisites

_RESPONSE_SECONDS = 30


def create_prerequisites(endpoint: Endpoint, prerequisites: Prerequisites) -> None:
    """Create *prerequisites* in the account of *endpoint*; existing ones are not changed."""
    zones = [list(pair) for pair in prerequisites.hosted_zones]
    _post(endpoint, "prerequisites", {"account": endpoint.account, "hosted_zones": zones})


def set_resource_delay(endpoint: Endpoint, seconds: float) -> None:
    """Delay each resource of the account's stacks by *seconds*; 0 disables the delay."""
    _post(endpoint, "resource-delay", {"account": endpoint.account, "seconds": seconds})


def set_strict(endpoint: Endpoint, *, strict: bool = True) -> None:
    """Let the account lack what AWS creates at the first use of a service."""
    _post(endpoint, "strict", {"account": endpoint.account, "strict": strict})


def let_weeks_pass(endpoint: Endpoint) -> None:
    """Delete the account's unconfirmed subscriptions, and deactivate its functions in a VPC."""
    _post(endpoint, "weeks", {"account": endpoint.account})


def pause_autosave(endpoint: Endpoint) -> None:
    """Save the state of all accounts only when the emulator stops: a kill loses all changes.

    Each save contains all accounts, so with hundreds of accounts an emulator spends most of its time
    on saving.
    """
    _post(endpoint, "pause-autosave", {})


def allow(
    endpoint: Endpoint, *, origins: Collection[str] = (), hosts: Collection[str] = ()
) -> None:
    """Accept requests from web pages of *origins*, and requests whose Host header is in *hosts*.

    This applies until the emulator stops. The origins of the local site and the host names of
    resources are always accepted. If a proxy forwards requests to the emulator, *hosts* must
    contain the proxy's host and port.
    """
    _post(endpoint, "access", {"origins": list(origins), "hosts": list(hosts)})


def messages(endpoint: Endpoint) -> list[Message]:
    """Return the messages that AWS would have sent for the account, oldest first."""
    response = _post(endpoint, "messages", {"account": endpoint.account})
    return [Message(**message) for message in json.loads(response)]


def outbox_url(endpoint: Endpoint) -> str:
    """Return the address of the outbox for a browser; it contains a key and must not be shared."""
    return f"{endpoint.url}{requests.outbox_path(endpoint.secret_key)}"


def web_identity_token(endpoint: Endpoint, claims: dict[str, Any]) -> str:
    """Return a token as an identity provider would issue it for *claims*.

    The emulator has no keys of real providers, so it accepts only these tokens.
    """
    return web_identity.web_identity_token(endpoint.secret_key, claims)


def container_sandbox(endpoint: Endpoint, *, task: str, container: str) -> str:
    """Return the files and the environment of a *container* of the *task* with this ARN as JSON.

    Raise EmulatorError if the task does not run or ECS Exec is not enabled for it.
    """
    return _post(endpoint, "container", {"task": task, "container": container})


def _post(endpoint: Endpoint, operation: str, body: dict[str, Any]) -> str:
    """Send a signed request to the admin API, and return the response."""
    key = endpoint.access_key, endpoint.secret_key
    path = f"{admin_requests.PATH}/{operation}"
    try:
        status, text = admin_requests.send(
            endpoint.url, "POST", path, json.dumps(body), key=key, timeout_seconds=_RESPONSE_SECONDS
        )
    except OSError as error:
        message = f"the emulator at {endpoint.url} does not respond: {error}"
        raise EmulatorError(message, hint="run ./inv emulator.start") from error
    if status != http.client.OK:
        message = f"the emulator refused the request {operation}: {text}"
        hint = "run ./inv emulator.stop, then ./inv emulator.start"
        raise EmulatorError(message, hint=hint)
    return text
