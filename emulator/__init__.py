"""The emulator: one local process that answers like an AWS account, without Docker or network.

It is the emulator ministack with its gaps closed (gaps/), started here and left running.
Everything it has stands in one folder of the checkout; delete the folder and it never was.

    endpoint = start(Path(".emulator"))
    boto3.client("s3", endpoint_url=endpoint.url, aws_access_key_id=endpoint.access_key, …)
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from emulator import process
from emulator.access import secret, web_identity
from emulator.paths import Folder

if TYPE_CHECKING:
    from collections.abc import Collection

ACCOUNT = process.ACCOUNT


@dataclass(frozen=True)
class Endpoint:
    """How to talk to the running emulator as one of its accounts."""

    url: str
    account: str
    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class ByHand:
    """What an AWS account has by hand before the first deploy.

    *hosted_zones* are pairs of zone id and domain: each zone is made with exactly that id.
    """

    hosted_zones: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Status:
    """What an operator asks of the emulator; *pid* and *since* are None when it is stopped.

    *ca* issued the certificates of its databases: sslmode=verify-full takes it as sslrootcert.
    *isolation* is the isolation of functions: "namespaces", or "environment" if the machine
    allows no namespaces and functions only have their own environment.
    """

    url: str | None
    pid: int | None
    since: str | None
    log: Path
    ca: Path
    state_bytes: int
    objects_bytes: int
    isolation: str | None


@dataclass(frozen=True)
class Letter:
    """A code or a link that AWS would have sent *to* an address or telephone number."""

    to: str
    about: str
    secret: str
    sent: str


NOTHING_BY_HAND = ByHand()


def start(
    folder: Path,
    *,
    account: str = ACCOUNT,
    by_hand: ByHand = NOTHING_BY_HAND,
    pace: float | None = None,
    origins: Collection[str] = (),
    postgres: Literal["bundled", "system"] = "bundled",
) -> Endpoint:
    """Have the emulator of *folder* running and *by_hand* made in *account*.

    A running one is used as it is, unless its code is not the checkout's any more: then it is
    restarted. *pace* is for those who watch or interrupt: each resource of
    the account's stacks then takes that many seconds. Pages of *origins* may send requests, like
    those of the local site. New databases run on the PostgreSQL that
    pip installed, or on the machine's own; those there are stay with what made them.
    """
    endpoint = _endpoint(process.start(Folder(folder)), folder, account)
    Folder(folder).refuse_links()
    _choose(postgres, Folder(folder).postgres)
    if by_hand != NOTHING_BY_HAND:
        prepare(endpoint, by_hand)
    if pace is not None:
        set_pace(endpoint, pace)
    if origins:
        allow(endpoint, origins=origins)
    return endpoint


def running(folder: Path, *, account: str = ACCOUNT) -> Endpoint | None:
    """Return the endpoint if the emulator of *folder* runs and answers."""
    server = process.running(Folder(folder))
    return _endpoint(server, folder, account) if server else None


def stop(folder: Path) -> bool:
    """Stop it cleanly, its state saved; False if it did not run."""
    return process.stop(Folder(folder))


def reset(folder: Path) -> None:
    """Stop it and forget what it held. Its port stays: addresses in configuration keep working."""
    Folder(folder).refuse_links()
    process.stop(Folder(folder))
    Folder(folder).forget()


def status(folder: Path) -> Status:
    """Say what runs and what it has stored."""
    place = Folder(folder)
    server = process.running(place)
    return Status(
        url=server.url if server else None,
        pid=server.pid if server else None,
        since=server.since if server else None,
        log=place.log,
        ca=place.ca,
        state_bytes=place.state.stat().st_size if place.state.exists() else 0,
        objects_bytes=sum(f.stat().st_size for f in place.objects.rglob("*") if f.is_file()),
        isolation=server.isolation if server else None,
    )


def databases_bytes(folder: Path) -> int:
    """Return the size of its databases in bytes."""
    return sum(f.stat().st_size for f in Folder(folder).databases.rglob("*") if f.is_file())


def as_account(endpoint: Endpoint, account: str) -> Endpoint:
    """Talk to the same server as another account; accounts see nothing of each other.

    An access key of twelve digits is the root key of the account with that number.
    """
    return replace(endpoint, account=account, access_key=account)


def prepare(endpoint: Endpoint, by_hand: ByHand) -> None:
    """Make *by_hand* in the account of *endpoint*; what is there already stays as it is."""
    zones = [list(pair) for pair in by_hand.hosted_zones]
    _tell(endpoint, "by-hand", {"account": endpoint.account, "hosted_zones": zones})


def set_pace(endpoint: Endpoint, seconds: float) -> None:
    """Let each resource of the stacks of *endpoint*'s account take *seconds* (0: no time)."""
    _tell(endpoint, "pace", {"account": endpoint.account, "seconds": seconds})


def allow(
    endpoint: Endpoint, *, origins: Collection[str] = (), hosts: Collection[str] = ()
) -> None:
    """Accept requests from pages of *origins*, and with *hosts* as Host, until the server stops.

    The site's own origins and the names of resources are accepted without this. A proxy in front
    of the server needs its own host and port among *hosts*.
    """
    _tell(endpoint, "access", {"origins": list(origins), "hosts": list(hosts)})


def web_identity_token(endpoint: Endpoint, claims: dict[str, Any]) -> str:
    """Return a token as an identity provider would issue it for *claims*.

    The emulator has no keys of real providers, so it accepts only these tokens.
    """
    return web_identity.web_identity_token(endpoint.secret_key, claims)


def letters(endpoint: Endpoint) -> list[Letter]:
    """Return what the account of *endpoint* would have mailed since the start, oldest first."""
    answer = _tell(endpoint, "mail", {"account": endpoint.account})
    return [Letter(**letter) for letter in json.loads(answer)]


def env(endpoint: Endpoint, *, region: str) -> dict[str, str]:
    """Return what plain `aws` needs in its environment to talk to *endpoint* and nothing else.

    The user's files are left out: a profile may name an endpoint, a role or keys. AWS_PROFILE
    names the one profile of our own file, since no value of it means "none".
    """
    ours = str(Path(__file__).with_name("aws.ini"))
    return {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": endpoint.access_key,
        "AWS_SECRET_ACCESS_KEY": endpoint.secret_key,
        "AWS_SESSION_TOKEN": "",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_PROFILE": "default",
        "AWS_DEFAULT_PROFILE": "default",
        "AWS_CONFIG_FILE": ours,
        "AWS_SHARED_CREDENTIALS_FILE": ours,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def _choose(postgres: str, file: Path) -> None:
    """Write down which PostgreSQL is meant; the bundled one is meant without a word."""
    if postgres != (file.read_text().strip() if file.exists() else "bundled"):
        file.write_text(f"{postgres}\n")


def _tell(endpoint: Endpoint, what: str, body: dict[str, Any]) -> str:
    return process.tell(endpoint.url, (endpoint.access_key, endpoint.secret_key), what, body)


def _endpoint(server: process.Server, folder: Path, account: str) -> Endpoint:
    known = secret.read(Folder(folder).secret)
    return Endpoint(server.url, account, access_key=account, secret_key=known)
