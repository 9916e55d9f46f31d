"""Parameters of connections to PostgreSQL on RDS: verified TLS, and an IAM token as the password.

libpq reads the address and the user from the environment: PGHOST, PGPORT, PGDATABASE, PGUSER.
"""

from __future__ import annotations

import os
from typing import Any

from cruddur.aws import session
from cruddur.limits import CONNECT_TIMEOUT_SECONDS
from shared.database import ROOTS, authentication_token


def connection_parameters() -> dict[str, Any]:
    """Return the keyword arguments of psycopg.connect for one new connection."""
    return {
        "password": authentication_token(session(), os.environ["AWS_DEFAULT_REGION"]),
        "sslmode": "verify-full",
        "sslrootcert": os.environ.get("PGSSLROOTCERT", str(ROOTS)),
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "tcp_user_timeout": CONNECT_TIMEOUT_SECONDS * 1000,
    }
