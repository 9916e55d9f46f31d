"""What may go wrong with a tool, besides what it finds."""

from __future__ import annotations


class ScannerError(Exception):
    """The tool did not do its work, so that it found nothing says nothing."""


class NotInstalledError(ScannerError):
    """The tool cannot be had here."""
