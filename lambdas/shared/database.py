"""A connection to PostgreSQL on RDS, with a token of IAM for a password.

libpq reads from the environment where to connect, and as whom: PGHOST, PGPORT, PGDATABASE, PGUSER.
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

# The roots of RDS, beside this file. PGSSLROOTCERT names others: the emulator has its own.
ROOTS = Path(__file__).with_suffix(".pem")

CONNECT_SECONDS = 2  # libpq knows no shorter time.
TOKEN_SECONDS = 15 * 60  # RDS knows no longer one.


def connect(
    *, user: str | None = None, password: str | None = None, **settings: str
) -> psycopg.Connection[TupleRow]:
    """Connect as *user* with *password*, else as PGUSER with a new token; each statement commits.

    *settings* are PostgreSQL's own, such as statement_timeout="900ms".
    """
    return psycopg.connect(
        user=user,
        password=_token() if password is None else password,
        autocommit=True,
        sslmode="verify-full",
        sslrootcert=os.environ.get("PGSSLROOTCERT", str(ROOTS)),
        connect_timeout=CONNECT_SECONDS,
        tcp_user_timeout=CONNECT_SECONDS * 1000,  # If the server is gone while we talk.
        options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
    )


def _token() -> str:
    """Signed here, without a call, and good for fifteen minutes: each connection has its own.

    It is what the client of RDS makes, which takes ten times as long to be made itself.
    """
    session = botocore.session.get_session()
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    signer = RequestSigner(
        ServiceId("RDS"),
        os.environ["AWS_REGION"],
        "rds-db",
        "v4",
        credentials,
        session.get_component("event_emitter"),
    )
    where = f"https://{os.environ['PGHOST']}:{os.environ['PGPORT']}/"
    query = urlencode({"Action": "connect", "DBUser": os.environ["PGUSER"]})
    request = {"method": "GET", "url": f"{where}?{query}", "body": {}, "headers": {}, "context": {}}
    signed: str = signer.generate_presigned_url(request, "connect", expires_in=TOKEN_SECONDS)
    return signed.removeprefix("https://")
