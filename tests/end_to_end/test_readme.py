"""Test of the transcript at the start of README.md."""

from __future__ import annotations

import re

from tests.end_to_end.checkout import ROOT


def test_transcript(checkout):
    """The transcript of `./inv plan --stack=cluster --only` is its output on an empty emulator."""
    readme = (ROOT / "README.md").read_text()
    [transcript] = re.findall(
        r"^\$ \./inv plan --stack=cluster --only\n(.*?)^```", readme, re.MULTILINE | re.DOTALL
    )

    printed = checkout.command("-m", "invoke", "plan", "--stack=cluster", "--only", code=2)

    assert transcript == printed.err + printed.out
