"""Tests of operations share one embedded AWS; see tests/embedded_server.py."""

from tests.embedded_server import aws, endpoint, server

__all__ = ["aws", "endpoint", "server"]
