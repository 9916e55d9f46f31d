"""The desired stacks: the exact text that is reviewed and deployed, and its CreateChangeSet arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deployer.artifacts import Artifact
    from deployer.model.source import Line
    from deployer.model.stack import OutputOf

DIGEST = "Digest"  # The output that has the digest of the template.
# The maximum number of bytes of TemplateBody; CloudFormation reads larger templates from a bucket.
BODY_LIMIT = 51_200


@dataclass(frozen=True)
class NestedTemplate:
    """The template of a nested stack: *name* is for messages, *key* is its key in the bucket.

    *path* has the logical ids of the nested stacks that contain it, outermost first, and its own.
    """

    name: str
    file: str
    region: str
    text: str
    key: str
    path: tuple[str, ...]
    lines: Mapping[str, Line] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    parameters: Mapping[str, OutputOf] = field(default_factory=dict)
    artifact_bucket: OutputOf | None = None


@dataclass(frozen=True)
class DesiredStack:
    """A desired stack: the text of its template and the other arguments of CreateChangeSet.

    *nested* has the template of every nested stack, at any depth, parents before children. Only an
    administrator deploys a stack that *is_manual*; a release skips it. *awaited_parameters* maps
    outputs to names in Parameter Store: see `Template`. *known_parameters* are values of template
    parameters that are not outputs of other stacks, as in an intermediate template.
    """

    short_name: str
    name: str
    region: str
    text: str
    digest: str
    body: Mapping[str, Any] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    parameters: Mapping[str, OutputOf] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    protect: bool = False
    holds_data: bool = False
    is_manual: bool = False
    artifact_bucket: OutputOf | None = None
    artifacts: tuple[Artifact, ...] = ()
    key_prefix: str = ""
    nested: tuple[NestedTemplate, ...] = ()
    awaited_parameters: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, Line] = field(default_factory=dict)
    known_parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The name of the template's file in build/."""
        return f"{self.short_name}.yaml"

    @property
    def too_long(self) -> bool:
        """Whether the text is too long for TemplateBody and must be uploaded to the artifact bucket."""
        return len(self.text.encode()) > BODY_LIMIT

    def key(self, artifact: Artifact) -> str:
        """Return the key under which the template expects *artifact* in the artifact bucket."""
        return f"{self.key_prefix}{artifact.key}"


def holds_data(text: str) -> bool:
    """Return whether a DeletionPolicy in the template *text* keeps a resource or a snapshot of it."""
    kept = r"""DeletionPolicy["']?\s*:\s*["']?(Retain|RetainExceptOnCreate|Snapshot)\b"""
    return re.search(kept, text) is not None
