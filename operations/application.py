"""Start the application in the emulator, after its stacks are deployed, and describe how to use it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deployer.errors import BusyError
from operations import db, demo, emulator, image, project, released_image, service
from operations.addresses import url

if TYPE_CHECKING:
    from deployer.report import Address, NextCommand
    from operations.target import Target

STACK = "service"
READY_PATH = "/api/ready"
TIMEOUT_SECONDS = 120.0
_POLL_SECONDS = 0.25
_REQUEST_SECONDS = 5.0


def prepare_database(target: Target) -> Iterator[str]:
    """Create the users and tables of the database, and sample data; yield what was done."""
    created = [name for names in db.bootstrap(target).values() for name in names]
    yield f"database users: {_joined(created)}"
    yield f"migrations: {_migrations_text(db.migrate(target).get('applied', []))}"
    yield f"demo accounts: {_joined(list(demo.create_accounts(target)))}"
    db.seed(target)


def released_digest(target: Target) -> str | None:
    """Return the digest of the released image, or None before the first release."""
    image_name = project.settings(target.environment).service.image
    released = released_image.find(target, image_name)
    return released.digest if released else None


def build_image(target: Target) -> str:
    """Build the image from the working tree, push it, and return its digest."""
    return image.push(target)


def release(target: Target, digest: str) -> Iterator[str]:
    """Replace the running image by *digest*, and yield lines to print."""
    yield from service.release(service.find(target, STACK), digest)


def record(target: Target, digest: str) -> None:
    """Record the first image, so that the next deploy of the stack starts tasks with it."""
    service.record(target, STACK, digest)


def publish_site(target: Target) -> Iterator[str]:
    """Build the site if its files have changed, publish it, and yield a line for each step.

    Raise ToolError if the build fails.
    """
    from operations import frontend, site
    from operations.site import files

    frontend.build_if_changed()
    publication = site.prepare(target, files.read(site.built_folder("")))
    if publication.plan.has_changes:
        yield from publication.run()
    else:
        yield "site: unchanged"


def next_steps(target: Target) -> tuple[list[Address], list[NextCommand]]:
    """Return the addresses to open, and the commands to run next."""
    from deployer.report import Address, NextCommand

    return (
        [
            Address("site", url(target)),
            Address("API", f"{url(target, 'api.')}/api/activities/home"),
            Address("outbox", emulator.outbox().url),
        ],
        [
            NextCommand(
                "./inv emulator.outbox", "prints the messages of the outbox, such as sign-up codes"
            ),
            NextCommand("./inv logs --service --follow", "prints the log of the backend"),
            NextCommand("./inv down", "stops everything and keeps the data"),
        ],
    )


def sign_in_text() -> str:
    """Return the lines that list the demo accounts and their password."""
    lines = (f"  {account.email}\n" for account in demo.ACCOUNTS)
    return f"sign in with the password {demo.PASSWORD} as:\n" + "".join(lines)


def wait_until_ready(target: Target) -> None:
    """Wait until the application answers through the load balancer, and reaches its database.

    Raise BusyError after TIMEOUT_SECONDS.
    """
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (answer := _answer(target)) != "200":
        if time.monotonic() > deadline:
            raise BusyError(
                f"{READY_PATH}: {answer} after {TIMEOUT_SECONDS:g} seconds",
                hint="see the log of the application: ./inv logs --service",
            )
        time.sleep(_POLL_SECONDS)


def _answer(target: Target) -> str:
    """Return the status of the readiness check, or the name of a network error."""
    port = urlsplit(target.account.url or "").port
    connection = HTTPConnection("127.0.0.1", port, timeout=_REQUEST_SECONDS)
    host = f"api.{target.env.domain}:{port}"
    try:
        connection.request("GET", READY_PATH, headers={"Host": host})
        return str(connection.getresponse().status)
    except (OSError, HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def _migrations_text(applied: list[str]) -> str:
    return f"{len(applied)} applied, up to {applied[-1]}" if applied else "nothing to do"


def _joined(names: list[str]) -> str:
    return ", ".join(names) or "nothing to do"
