"""Connect to PostgreSQL on RDS with an IAM authentication token as the password.

libpq reads the address and the user from the environment: PGHOST, PGPORT, PGDATABASE, PGUSER.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlencode

import botocore.session
import psycopg
from botocore.exceptions import NoCredentialsError
from botocore.model import ServiceId
from botocore.signers import RequestSigner
from psycopg.rows import TupleRow

from shared.loggers import limit_to_info

limit_to_info()

# The root certificates of RDS, next to this file. The emulator sets PGSSLROOTCERT to its own.
ROOTS = Path(__file__).with_suffix(".pem")

CONNECT_SECONDS = 2  # The minimum of libpq.
TOKEN_SECONDS = 15 * 60  # The maximum of RDS.


def connect(
    *, user: str | None = None, password: str | None = None, **settings: str
) -> psycopg.Connection[TupleRow]:
    """Connect as *user* with *password*, or as PGUSER with a new token, in autocommit mode.

    *settings* are parameters of PostgreSQL, such as statement_timeout="900ms".
    """
    return psycopg.connect(
        user=user,
        password=_token() if password is None else password,
        autocommit=True,
        sslmode="verify-full",
        sslrootcert=os.environ.get("PGSSLROOTCERT", str(ROOTS)),
        connect_timeout=CONNECT_SECONDS,
        # Milliseconds after which a server that does not respond is an error.
        tcp_user_timeout=CONNECT_SECONDS * 1000,
        options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
    )


def _token() -> str:
    return authentication_token(botocore.session.get_session(), os.environ["AWS_REGION"])


def authentication_token(session: botocore.session.Session, region: str) -> str:
    """Return a new token for PGUSER: a URL that is signed locally, without a request.

    The RDS client's generate_db_auth_token returns the same token, but creating an RDS client takes
    ten times as long.
    """
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    signer = RequestSigner(
        ServiceId("RDS"),
        region,
        "rds-db",
        "v4",
        credentials,
        session.get_component("event_emitter"),
    )
    address = f"https://{os.environ['PGHOST']}:{os.environ['PGPORT']}/"
    query = urlencode({"Action": "connect", "DBUser": os.environ["PGUSER"]})
    request = {
        "method": "GET",
        "url": f"{address}?{query}",
        "body": {},
        "headers": {},
        "context": {},
    }
    signed: str = signer.generate_presigned_url(request, "connect", expires_in=TOKEN_SECONDS)
    return signed.removeprefix("https://")
