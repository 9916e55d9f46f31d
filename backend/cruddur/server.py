"""The settings that the HTTP server shares with ECS and the load balancer.

The task definition sets the variables: see stacks/parts/containers.py. A container that does not run
on ECS uses the defaults, which are the same values: tests/backend/test_server.py compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

HEALTH_CHECK_PATH = "/api/health-check"
READY_PATH = "/api/ready"


@dataclass(frozen=True)
class Server:
    """The port, the number of worker processes, and times in seconds.

    *keep_alive_seconds* is longer than the idle timeout of the load balancer, which would otherwise
    send requests on connections that this program closes. *graceful_timeout_seconds* is the time
    that requests have to end after SIGTERM, shorter than the stop timeout of the container.
    """

    port: int = 4567
    workers: int = 2
    keep_alive_seconds: int = 75
    graceful_timeout_seconds: int = 25

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Server:
        """Return the settings in *environ*. Raises ValueError if one is not a whole number."""
        return cls(
            port=int(environ.get("PORT", cls.port)),
            workers=int(environ.get("WEB_CONCURRENCY", cls.workers)),
            keep_alive_seconds=int(environ.get("KEEP_ALIVE_SECONDS", cls.keep_alive_seconds)),
            graceful_timeout_seconds=int(
                environ.get("GRACEFUL_TIMEOUT_SECONDS", cls.graceful_timeout_seconds)
            ),
        )
