"""Avatars in notifications of S3."""

from __future__ import annotations

import json

import pytest

from cruddur.webhooks.avatars import NewAvatar, new_avatars

AVATAR = "5f6c1d0a-7f0e-5d0b-9d43-0c7c3a6f2b11"


def record(key=f"avatars/{AVATAR}.jpg", name="ObjectCreated:Put", sequencer="0055AED6DCD90281E5"):
    """Return the record of an object."""
    return {"eventName": name, "s3": {"object": {"key": key, "sequencer": sequencer}}}


def announced(*records):
    return list(new_avatars(json.dumps({"Records": list(records)})))


def test_new_avatar():
    """A new object of the avatar bucket is a new avatar."""
    assert announced(record()) == [NewAvatar(AVATAR, "0055AED6DCD90281E5" + "0" * 46)]


def test_order():
    """Versions have the order of sequencers; a shorter sequencer is padded with zeros."""
    sequencers = ["0055AED6DCD90281E5", "0055AED6DCD90281E6", "0055AED6DCD90281E61"]
    versions = [announced(record(sequencer=sequencer))[0].version for sequencer in sequencers]

    assert versions == sorted(versions)
    assert announced(record(sequencer="A0")) == announced(record(sequencer="A"))


@pytest.mark.parametrize(
    "other",
    [
        record(key="avatars/default.jpg"),
        record(key=f"avatars/{AVATAR}.jpg.exe"),
        record(key=f"originals/{AVATAR}"),
        record(key=f"avatars/{AVATAR.upper()}.jpg"),
        record(name="ObjectRemoved:Delete"),
        record(sequencer="' OR 1"),
        record(sequencer="A" * 65),
        {"eventName": "ObjectCreated:Put"},
        None,
        [],
    ],
)
def test_other_records(other):
    """Other records are ignored, and do not affect the next one."""
    assert announced(other, record()) == announced(record())


@pytest.mark.parametrize(
    "message",
    ["", "{", "[]", "{}", '{"Event": "s3:TestEvent"}', '{"Records": {}}', "[" * 100_000],
)
def test_other_messages(message):
    """A message without records announces nothing."""
    assert list(new_avatars(message)) == []
