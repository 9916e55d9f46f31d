"""The addresses of an environment in an account and in the emulator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from operations import assets
from operations.addresses import addresses
from operations.target import Target
from tests.operations.fake_account import ENV, ENVIRONMENT, Account

LOCAL = replace(ENVIRONMENT, env=msgspec.structs.replace(ENV, name="local", domain="x.localhost"))


def target(environment: Any = LOCAL) -> Target:
    """Return an environment in an account with an endpoint URL, as in the emulator."""
    account: Any = Account(url="http://127.0.0.1:4566")
    return Target(environment, account)


def found(target_: Target, *stacks: str, pending: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Return the URL and the error of each address."""
    return [(address.url, address.error) for address in addresses(target_, stacks, pending)]


def test_account() -> None:
    """In an account the addresses are those of the domain."""
    assert found(target(ENVIRONMENT), "cdn", "service") == [
        ("https://x.example", ""),
        ("https://api.x.example", ""),
        ("https://assets.x.example/banners/banner.jpg", ""),
    ]


def test_emulator() -> None:
    """In the emulator the addresses have its port, and the reason if they respond with an error."""
    assert found(target(), "cdn", "service", pending=("site", "image")) == [
        ("http://x.localhost:4566", "404: nothing is published"),
        ("http://api.x.localhost:4566", "503: no image is released"),
        ("http://assets.x.localhost:4566/banners/banner.jpg", ""),
    ]


def test_published_site() -> None:
    """A published site shows no error."""
    assert found(target(), "cdn")[0] == ("http://x.localhost:4566", "")


def test_partial_deployment() -> None:
    """Only the addresses of deployed stacks are found."""
    assert found(target(), "network") == []
    assert [url for url, _ in found(target(), "service")] == ["http://api.x.localhost:4566"]


def test_a_domain_that_does_not_resolve() -> None:
    """A domain that is not below localhost has no addresses: no browser could open them."""
    local = replace(LOCAL, env=msgspec.structs.replace(LOCAL.env, domain="x.example"))

    assert found(target(local), "cdn", "service") == []


def test_banner() -> None:
    """The address of the assets shows an image that is published."""
    assert (assets.FOLDER / assets.BANNER).is_file()
