"""The lines of events."""

from __future__ import annotations

import pytest

from deployer.events import Event, Uploaded, Verified
from deployer.report.event_lines import event_lines
from deployer.report.progress import StackProgress
from deployer.report.style import Style

URL = "https://bucket.s3.ca-central-1.amazonaws.com/releases/lambdas/migrate/0123456789abcdef.zip"


@pytest.mark.parametrize(
    ("event", "word"),
    [(Uploaded("crd-x-users", URL), "uploaded"), (Verified("crd-x-users", URL, "1"), "verified")],
)
def test_url_on_a_terminal(event: Event, word: str) -> None:
    """The line of a URL fits a terminal; a log has the whole URL."""
    progress = StackProgress("crd-x-users", 0.0)

    [line] = event_lines(event, progress, Style(can_move_cursor=True, width=80), 12)
    [logged] = event_lines(event, progress, Style(width=80), 12)

    assert len(line) == 80
    assert line.startswith(f"crd-x-users   {word}            https://bucket")
    assert "…" in line
    assert line.endswith("abcdef.zip")
    assert logged.endswith(f"  {URL}")
