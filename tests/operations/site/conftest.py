"""Tests of operations share one emulator; see tests/emulator_server.py."""

from tests.emulator_server import aws, endpoint, server

__all__ = ["aws", "endpoint", "server"]
