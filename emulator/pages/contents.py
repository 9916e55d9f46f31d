"""Find what the start page lists: addresses for a browser, HTTP APIs and stacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.ministack import cloudformation, context
from emulator.patches import elb
from emulator.patches.apigateway import http_apis
from emulator.patches.cloudfront import distributions

if TYPE_CHECKING:
    from emulator.paths import EmulatorPaths

_LOCALHOST = ".localhost"  # Browsers resolve these names to this machine.
_DELETED = "DELETE_COMPLETE"


@dataclass(frozen=True)
class Stack:
    """A stack of any account."""

    account: str
    region: str
    name: str
    status: str


@dataclass(frozen=True)
class Contents:
    """The addresses and stacks of the emulator, and its files."""

    endpoint: str
    addresses: tuple[tuple[str, str], ...]  # The resource and its URL.
    stacks: tuple[Stack, ...]
    folders: tuple[tuple[str, str], ...]  # The kind of data and its path.


def find(paths: EmulatorPaths, *, port: int) -> Contents:
    """Return what the emulator on *port* serves, from the files in *paths*."""
    endpoint = f"http://127.0.0.1:{port}"
    names = [("CloudFront distribution", name) for name in distributions.names()]
    names += [("load balancer", name) for name in elb.names()]
    addresses = [
        (kind, f"http://{name}:{port}/") for kind, name in names if name.endswith(_LOCALHOST)
    ]
    addresses += [
        ("HTTP API", f"{endpoint}/_aws/execute-api/{api}/$default/") for api in http_apis.ids()
    ]
    return Contents(endpoint, tuple(sorted(addresses)), tuple(_stacks()), tuple(_folders(paths)))


def _stacks() -> list[Stack]:
    found = [
        Stack(account, region, name, stack["StackStatus"])
        for (account, region, name), stack in context.items_of_all_accounts(cloudformation.stacks)
        if stack["StackStatus"] != _DELETED
    ]
    return sorted(found, key=lambda stack: (stack.account, stack.region, stack.name))


def _folders(paths: EmulatorPaths) -> list[tuple[str, str]]:
    return [
        ("stacks and services", str(paths.state)),
        ("S3 objects", str(paths.objects)),
        ("databases", str(paths.databases)),
        ("log", str(paths.log)),
    ]
