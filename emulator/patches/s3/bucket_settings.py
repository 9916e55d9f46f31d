"""Apply the settings of a stack's bucket with S3's own operations, which also validate them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

from emulator.ministack import cloudformation, context, lookup, services
from emulator.ministack.cloudformation import Created, Props, ResourceType
from emulator.ministack.context import Response
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A bucket has the encryption, ownership, versioning and tags of its template.",
        source="AWS::S3::Bucket; that versioning removed from a template is suspended is not "
        "verified",
        ministack="Dropped; versioning cannot be suspended.",
        test="test_settings",
    ),
    Difference(
        "A public bucket policy is refused if the bucket blocks public policies.",
        source="S3 user guide, Blocking public access",
        ministack="Accepted from a stack.",
        test="test_public_policy",
    ),
)
UPSTREAM = True

_BUCKET = ResourceType("AWS::S3::Bucket")
_POLICY = ResourceType("AWS::S3::BucketPolicy")

_put_policy: Callable[[str, bytes], Response] = lookup.attribute(services.s3, "_put_bucket_policy")


def install() -> None:
    """Install the patch."""
    _BUCKET.create.after(_after_create)
    _BUCKET.update.after(_after_update)
    cloudformation.STACK_TAG_PROPERTIES["AWS::S3::Bucket"] = ("Tags", "list")
    _POLICY.before(_check_policy)


def _after_create(created: Created, _title: str, props: Props, _stack: str) -> Created:
    _apply(created[0], props, {})
    return created


def _after_update(updated: Created, old_name: str, old: Props, new: Props, _stack: str) -> Created:
    _apply(updated[0], new, old if updated[0] == old_name else {})
    return updated


def _apply(name: str, props: Props, old: Props) -> None:
    """Apply the settings in *props*, and reset those that only *old* has."""
    for setting in _SETTINGS:
        if setting.name in props:
            element = ET.Element(setting.tag)
            setting.fill(element, props[setting.name] or {})
            _check(setting.put(name, ET.tostring(element)))
        elif setting.name in old:
            _check(setting.reset(name))


def _check(response: Response) -> None:
    status, _, body = response
    if status >= http.client.BAD_REQUEST:
        text = context.text_of(ET.fromstring(body), "Message")  # noqa: S314  MiniStack's own response.
        raise services.refusal(text, "S3", status)


def _check_policy(props: Props) -> None:
    """Call PutBucketPolicy first, which refuses a public policy if the bucket blocks public policies."""
    _check(_put_policy(props["Bucket"], json.dumps(props["PolicyDocument"]).encode()))


def _versioning(root: ET.Element, value: Props) -> None:
    _add(root, "Status", value["Status"])


def _encryption(root: ET.Element, value: Props) -> None:
    for rule in value["ServerSideEncryptionConfiguration"]:
        element = ET.SubElement(root, "Rule")
        if default := rule.get("ServerSideEncryptionByDefault"):
            by_default = ET.SubElement(element, "ApplyServerSideEncryptionByDefault")
            for name, text in default.items():
                _add(by_default, name, text)
        _add(element, "BucketKeyEnabled", str(rule.get("BucketKeyEnabled", False)).lower())


def _ownership(root: ET.Element, value: Props) -> None:
    for rule in value["Rules"]:
        _add(ET.SubElement(root, "Rule"), "ObjectOwnership", rule["ObjectOwnership"])


def _tags(root: ET.Element, value: list[dict[str, str]]) -> None:
    tag_set = ET.SubElement(root, "TagSet")
    for tag in value:
        element = ET.SubElement(tag_set, "Tag")
        _add(element, "Key", tag["Key"])
        _add(element, "Value", tag["Value"])


def _add(parent: ET.Element, tag: str, text: Any) -> None:
    ET.SubElement(parent, tag).text = str(text)


def _suspend(name: str) -> Response:
    """Suspend versioning: a bucket that had versions keeps them."""
    root = ET.Element("VersioningConfiguration")
    _add(root, "Status", "Suspended")
    return _VERSIONING.put(name, ET.tostring(root))


class _Setting:
    """A setting of a bucket: its property, its XML element, and S3's calls for it."""

    def __init__(
        self,
        name: str,
        tag: str,
        call: str,
        fill: Callable[[ET.Element, Any], None],
        reset: Callable[[str], Response] | None = None,
    ) -> None:
        self.name = name
        self.tag = tag
        self.fill = fill
        self.put: Callable[[str, bytes], Response] = lookup.attribute(
            services.s3, f"_put_bucket_{call}"
        )
        self.reset = reset or lookup.attribute(services.s3, f"_delete_bucket_{call}")


_VERSIONING = _Setting(
    "VersioningConfiguration", "VersioningConfiguration", "versioning", _versioning, _suspend
)
_SETTINGS = (
    _VERSIONING,
    _Setting("BucketEncryption", "ServerSideEncryptionConfiguration", "encryption", _encryption),
    _Setting("OwnershipControls", "OwnershipControls", "ownership_controls", _ownership),
    _Setting("Tags", "Tagging", "tagging", _tags),
)
