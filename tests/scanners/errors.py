"""Errors of scanners."""

from __future__ import annotations


class ScannerError(Exception):
    """The scanner failed, so its findings are incomplete."""


class NotInstalledError(ScannerError):
    """The scanner cannot be installed on this machine."""
