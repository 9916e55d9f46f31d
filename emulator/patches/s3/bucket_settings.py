"""S3 buckets keep every setting a stack gives them, through the calls that S3's API has for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

from emulator import ministack
from emulator.ministack import Props

Made = tuple[str, dict[str, Any]]

_BUCKET = "AWS::S3::Bucket"
_POLICY = "AWS::S3::BucketPolicy"


def close() -> None:
    """Complete create and update of buckets, and put policies the way a caller would."""
    ministack.wrap_type(_BUCKET, "create", _set_up)
    ministack.wrap_type(_BUCKET, "update", _set_anew)
    ministack.TAGGED[_BUCKET] = ("Tags", "list")
    for verb in ("create", "update"):
        ministack.wrap_type(_POLICY, verb, _not_public_under_block)


def _set_up(create: Callable[..., Made]) -> Callable[..., Made]:
    def creating(title: str, props: Props, stack: str) -> Made:
        name, attributes = create(title, props, stack)
        _apply(name, props, {})
        return name, attributes

    return creating


def _set_anew(update: Callable[..., Made]) -> Callable[..., Made]:
    def updating(made: str, old: Props, new: Props, stack: str) -> Made:
        name, attributes = update(made, old, new, stack)
        _apply(name, new, old if name == made else {})
        return name, attributes

    return updating


def _apply(name: str, props: Props, old: Props) -> None:
    """Set what *props* has; take back what only *old* has. What neither has is left alone."""
    for key, root, verb, fill in _SETTINGS:
        if key in props:
            element = ET.Element(root)
            fill(element, props[key] or {})
            _call(f"_put_bucket_{verb}", name, ET.tostring(element))
        elif key in old:
            _TAKEN_BACK[key](name)


def _call(function: str, *args: Any) -> None:
    status, _, body = ministack.store(ministack.s3, function)(*args)
    if status >= 400:
        text = ministack.text_of(ET.fromstring(body), "Message")  # noqa: S314  The emulator's own.
        raise ValueError(f"{text} (Service: S3, Status Code: {status})")


def _versioning(root: ET.Element, setting: Props) -> None:
    _text(root, "Status", setting["Status"])


def _encryption(root: ET.Element, setting: Props) -> None:
    for rule in setting["ServerSideEncryptionConfiguration"]:
        made = ET.SubElement(root, "Rule")
        if default := rule.get("ServerSideEncryptionByDefault"):
            applied = ET.SubElement(made, "ApplyServerSideEncryptionByDefault")
            for name, value in default.items():
                _text(applied, name, value)
        _text(made, "BucketKeyEnabled", str(rule.get("BucketKeyEnabled", False)).lower())


def _ownership(root: ET.Element, setting: Props) -> None:
    for rule in setting["Rules"]:
        _text(ET.SubElement(root, "Rule"), "ObjectOwnership", rule["ObjectOwnership"])


def _tags(root: ET.Element, setting: list[dict[str, str]]) -> None:
    tags = ET.SubElement(root, "TagSet")
    for tag in setting:
        made = ET.SubElement(tags, "Tag")
        _text(made, "Key", tag["Key"])
        _text(made, "Value", tag["Value"])


def _text(parent: ET.Element, tag: str, text: Any) -> None:
    ET.SubElement(parent, tag).text = str(text)


_SETTINGS: tuple[tuple[str, str, str, Callable[[ET.Element, Any], None]], ...] = (
    ("VersioningConfiguration", "VersioningConfiguration", "versioning", _versioning),
    ("BucketEncryption", "ServerSideEncryptionConfiguration", "encryption", _encryption),
    ("OwnershipControls", "OwnershipControls", "ownership_controls", _ownership),
    ("Tags", "Tagging", "tagging", _tags),
)


def _suspend(name: str) -> None:
    """A bucket that had versions never loses them: without the property it is suspended."""
    root = ET.Element("VersioningConfiguration")
    _text(root, "Status", "Suspended")
    _call("_put_bucket_versioning", name, ET.tostring(root))


_TAKEN_BACK: dict[str, Callable[[str], None]] = {
    "VersioningConfiguration": _suspend,
    "BucketEncryption": lambda name: _call("_delete_bucket_encryption", name),
    "OwnershipControls": lambda name: _call("_delete_bucket_ownership_controls", name),
    "Tags": lambda name: _call("_delete_bucket_tagging", name),
}


def _not_public_under_block(make: Callable[..., Made]) -> Callable[..., Made]:
    """Put the policy by S3's own call first: it refuses what the bucket's settings forbid."""

    def making(*args: Any) -> Made:
        props = [arg for arg in args if isinstance(arg, dict)][-1]
        _call("_put_bucket_policy", props["Bucket"], json.dumps(props["PolicyDocument"]).encode())
        return make(*args)

    return making
