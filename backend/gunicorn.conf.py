"""The settings of gunicorn; see https://docs.gunicorn.org, Settings, for each of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cruddur import error_reports, logs
from cruddur.limits import POOL_CONNECTIONS
from cruddur.server import Server
from cruddur.settings import COLLECTOR_VARIABLE

_server = Server.from_environ(os.environ)
_memory = Path("/dev/shm")  # noqa: S108  A file system in memory, in every container.

wsgi_app = "cruddur.app:create_app()"
bind = f"0.0.0.0:{_server.port}"

# Threads wait for PostgreSQL and DynamoDB most of the time. Each can have its own connection.
worker_class = "cruddur.worker.Worker"
workers = _server.workers
threads = POOL_CONNECTIONS

# The application is imported once, and workers share its memory. A worker that was killed is
# replaced in milliseconds. Nothing is connected and no thread runs before the fork.
preload_app = True

# A worker is replaced after about this number of requests, which limits leaks of memory.
max_requests = 10_000
max_requests_jitter = 1_000

keepalive = _server.keep_alive_seconds
graceful_timeout = _server.graceful_timeout_seconds
timeout = 30  # Seconds without a heartbeat; a worker also sends it during long requests.

# Heartbeats are writes to a file, which would block if a disk is slow.
worker_tmp_dir = str(_memory) if os.access(_memory, os.W_OK) else None

# No header of the load balancer is used: URLs of the API are settings, and limits are per user.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""

logconfig_dict = logs.config()
logger_class = "cruddur.worker.ServerLogger"
accesslog = None  # The application logs requests: see cruddur/logs.py.
control_socket_disable = True  # The socket would be a file, and the root file system is read-only.


def post_worker_init(worker: Any) -> None:
    """Start the threads of a worker, which do not survive a fork.

    gunicorn calls this hook after `post_fork`, during which a SIGTERM has no effect.
    """
    error_reports.start(os.environ)
    if os.environ.get(COLLECTOR_VARIABLE):
        from cruddur import telemetry

        worker.stop_telemetry = telemetry.start()


def worker_exit(_arbiter: Any, worker: Any) -> None:
    """Export the last spans, after the last request."""
    if stop := getattr(worker, "stop_telemetry", None):
        stop()
