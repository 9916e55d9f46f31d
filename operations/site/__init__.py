"""The site: what the frontend was built to, published to the bucket and distribution of `cdn`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit

from commands.framework import terminal
from commands.framework.task import task
from operations import project, target

if TYPE_CHECKING:
    from deployer.environment import Environment

FOLDER = "frontend/dist"
LAYER, BUCKET, DISTRIBUTION = "cdn", "SiteBucket", "SiteDistribution"
CHANGES = 2  # The exit code of a dry run that found something to do, as that of `plan`.


@task(
    help={
        "folder": f"what was built (default: {FOLDER})",
        "dry_run": "change nothing; exit 2 if there is something to do",
        "yes": "approve unseen: for machines",
    }
)
def sync(
    _: Context, env: str = "", folder: str = "", dry_run: bool = False, yes: bool = False
) -> None:
    """Make the published site what was built: show what changes, ask, do it."""
    from deployer import report
    from operations.site import files, plan, preview, publish
    from operations.site.bucket import Bucket

    built = files.read(_inside(folder))
    here = target.connect(env)
    bucket = Bucket(here.client("s3"), here.output(LAYER, BUCKET), here.account.identity().account)
    site = publish.Distribution(here.client("cloudfront"), here.output(LAYER, DISTRIBUTION))
    found = bucket.look()
    todo = plan.plan(built.files, found, now=int(time.time()))
    print(preview.text(todo, built.left_out, style=report.style_of(sys.stdout, os.environ)), end="")
    if dry_run:
        raise Exit(code=CHANGES if todo.changes else 0)
    if todo.changes:
        _approve(here.environment, yes=yes)
    for line in publish.publish(todo, built, found, bucket=bucket, distribution=site):
        terminal.show(line, flush=True)


def _inside(folder: str) -> Path:
    """Return the path of *folder*; raise GuardError if it is, or is reached by, a symbolic link.

    For a folder outside of the checkout, only the folder itself is checked.
    """
    from deployer import symlinks

    path = project.path(folder) if folder else project.ROOT / FOLDER
    inside = path.is_relative_to(project.ROOT)
    return symlinks.refuse(path, project.ROOT if inside else path.parent)


def _approve(environment: Environment, *, yes: bool) -> None:
    """Raise GuardError unless what was shown may be published."""
    from deployer.approval import Approver
    from deployer.errors import GuardError

    required = not (yes or environment.is_local)
    approver = Approver(environment.env.name, "--dry-run to only look", required=required)
    if not approver.approves(f"Publish this at https://{environment.env.domain}? [y/N] "):
        raise GuardError("not approved: nothing was published")


namespace = Collection(sync)
