"""`./inv embedded.status`."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer import embedded as embedded_aws
from operations import embedded


@pytest.mark.parametrize(
    ("isolation", "line"),
    [
        ("namespaces", "isolates functions by namespaces (docs/embedded-aws.md)"),
        ("environment", "isolates functions by environment (docs/embedded-aws.md)"),
        (None, "isolates functions by - (docs/embedded-aws.md)"),
    ],
)
def test_isolation(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    isolation: str | None,
    line: str,
) -> None:
    """The status shows the isolation of functions."""
    status = embedded_aws.Status(
        url=None,
        pid=None,
        since=None,
        log=Path("log"),
        ca=Path("ca"),
        state_bytes=0,
        objects_bytes=0,
        isolation=isolation,
    )
    monkeypatch.setattr(embedded_aws, "status", lambda _: status)

    embedded._show_status()

    assert line in capsys.readouterr().out.splitlines()
