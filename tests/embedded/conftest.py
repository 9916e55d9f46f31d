"""Tests of the embedded AWS share one server; see tests/embedded_server.py."""

from tests.embedded_server import aws, endpoint, server

__all__ = ["aws", "endpoint", "server"]
