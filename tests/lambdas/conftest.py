"""Fixtures of the emulator that tests of functions share; see tests/emulator_server.py."""

from tests.emulator_server import aws, endpoint, server

__all__ = ["aws", "endpoint", "server"]
