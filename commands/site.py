"""The namespace `site`: the published site."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit

from commands.framework import terminal
from commands.framework.connection import connect
from commands.framework.task import CHANGES, task
from commands.framework.tools import exit_code_of_tools
from deployer.errors import GuardError
from operations import addresses, frontend, site

if TYPE_CHECKING:
    from deployer.environment import Environment


@task()
def build(_: Context) -> None:
    """Build the site into frontend/dist, and print the size of its first load."""
    with exit_code_of_tools():
        frontend.build()


@task()
def check(_: Context) -> None:
    """Check the types and the style of the site."""
    with exit_code_of_tools():
        frontend.check()


@task()
def dev(_: Context) -> None:
    """Serve the site with hot reload, against the running emulator."""
    from operations.site import configuration

    target = connect("")
    if not target.environment.is_local:
        raise GuardError(
            f"{target.env.name}: its API accepts requests of its own site only",
            hint="unset CRUDDUR_ENV to use the emulator",
        )
    content = configuration.content(target).decode()
    terminal.show(f"the site is at http://{target.env.domain}:{frontend.DEVELOPMENT_PORT}")
    raise Exit(code=frontend.serve(content))


@task(
    help={
        "folder": f"the built site (default: {site.FOLDER})",
        "dry_run": "only show the changes; exit with 2 if there are any",
        "yes": "publish without asking for approval",
    }
)
def sync(
    _: Context, env: str = "", folder: str = "", dry_run: bool = False, yes: bool = False
) -> None:
    """Publish the built site, after approval."""
    from deployer import report
    from operations.site import files, preview

    built = files.read(site.built_folder(folder))
    target = connect(env)
    publication = site.prepare(target, built)
    style = report.style_of(sys.stdout, os.environ)
    print(preview.text(publication.plan, built.hidden, style=style), end="")
    if dry_run:
        raise Exit(code=CHANGES if publication.plan.has_changes else 0)
    url = addresses.url(target)
    if publication.plan.has_changes:
        _approve(target.environment, url, yes=yes)
    for line in publication.run():
        terminal.show(line, flush=True)
    terminal.show(f"the site is at {url}")


def _approve(environment: Environment, url: str, *, yes: bool) -> None:
    """Ask for approval; raise GuardError if it is denied, or if stdin is not a terminal."""
    from deployer.approval import Approver

    required = not (yes or environment.is_local)
    approver = Approver(environment.env.name, "--dry-run to only look", required=required)
    if not approver.approves(f"Publish this at {url}? [y/N] "):
        raise GuardError("not approved: nothing was published")


namespace = Collection(build, check, dev, sync)
