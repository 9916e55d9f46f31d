"""Tests of cruddur.openapi."""

from __future__ import annotations

from cruddur import openapi


def test_the_committed_document_is_current():
    """backend/openapi.json is the generated document; `./inv docs` writes it."""
    assert openapi.FILE.read_text("utf-8") == openapi.text()
