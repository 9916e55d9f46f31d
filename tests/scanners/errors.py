"""Errors of scanners."""

from __future__ import annotations


class ScannerError(Exception):
    """A scanner failed, so that the absence of findings means nothing."""


class NotInstalledError(ScannerError):
    """A scanner cannot be installed on this machine."""
