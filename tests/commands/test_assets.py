"""`assets.publish` prints the URL of each uploaded image."""

from __future__ import annotations

import pytest
from invoke.context import Context

from commands import assets
from operations import assets as operation
from tests.operations.fake_account import Account, use_account


def test_publish(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """The images are uploaded to the bucket in the output of the stack, and each is printed."""
    use_account(monkeypatch, Account({operation.STACK: {operation.OUTPUT: "bucket"}}))
    monkeypatch.setattr(
        operation, "publish", lambda _account, _region, bucket: [f"s3://{bucket}/a.jpg"]
    )

    assets.publish(Context())

    assert capsys.readouterr().out == "published s3://bucket/a.jpg\n"
