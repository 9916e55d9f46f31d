"""Publish the built site to the bucket and distribution of the stack `cdn`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deployer import symlinks
from operations import project
from operations.site import configuration, files, plan, publish
from operations.site.bucket import Bucket

if TYPE_CHECKING:
    from operations.target import Target

FOLDER = "frontend/dist"
STACK, BUCKET, DISTRIBUTION = "cdn", "SiteBucket", "SiteDistribution"


@dataclass(frozen=True)
class Publication:
    """The built files, the published files, and the plan to publish the built ones."""

    folder: files.Folder
    bucket: Bucket
    distribution: publish.Distribution
    published: plan.PublishedSite
    plan: plan.Plan

    def run(self) -> Iterator[str]:
        """Publish the files, and yield a line to print for each step."""
        return publish.publish(
            self.plan,
            self.folder,
            self.published,
            bucket=self.bucket,
            distribution=self.distribution,
        )


def prepare(target: Target, folder: files.Folder) -> Publication:
    """Compare *folder*, with the configuration of the environment, with the published site."""
    folder = with_configuration(folder, target)
    owner = target.account.identity().account
    bucket = Bucket(target.client("s3"), target.output(STACK, BUCKET), owner)
    distribution = publish.Distribution(
        target.client("cloudfront"), target.output(STACK, DISTRIBUTION)
    )
    published = bucket.read()
    changes = plan.plan(folder.files, published, now=int(time.time()))
    return Publication(folder, bucket, distribution, published, changes)


def with_configuration(folder: files.Folder, target: Target) -> files.Folder:
    """Return *folder* with the configuration of the environment in its config.json, if it has one."""
    if files.CONFIGURATION not in folder.files:
        return folder
    return files.with_content(folder, files.CONFIGURATION, configuration.content(target))


def built_folder(folder: str) -> Path:
    """Return the path of *folder*; raise GuardError if it is, or is reached by, a symbolic link.

    For a folder outside of the project, only the folder itself is checked.
    """
    path = project.absolute_path(folder) if folder else project.ROOT / FOLDER
    is_in_project = path.is_relative_to(project.ROOT)
    return symlinks.refuse(path, project.ROOT if is_in_project else path.parent)
