"""The transcript on the first screen is what the command prints."""

from __future__ import annotations

import re

from tests.end_to_end.checkout import ROOT


def test_transcript(checkout):
    """`./inv plan --stack=cluster` on an empty emulator, line by line."""
    readme = (ROOT / "README.md").read_text()
    [transcript] = re.findall(
        r"^\$ \./inv plan --stack=cluster\n(.*?)^```", readme, re.MULTILINE | re.DOTALL
    )

    told = checkout.command("-m", "invoke", "plan", "--stack=cluster", code=2)

    assert transcript == told.err + told.out
