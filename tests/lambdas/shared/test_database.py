"""Tokens for RDS, and its root certificates."""

from __future__ import annotations

from datetime import UTC, datetime

import botocore.session
import pytest
from cryptography import x509

from shared import database as connections
from stacks.conflicts import MISSING_SERVICES
from stacks.parts import postgresql
from tests.emulator_server import REGION


@pytest.mark.parametrize("user", ["application", "o'k & co/%"])
def test_the_token_equals_that_of_botocore(monkeypatch, user: str) -> None:
    """The token is identical to that of the RDS client of botocore at the same time."""
    environment = {
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_SESSION_TOKEN": "a session/+=",
        "PGHOST": "database.example.com",
        "PGPORT": "5432",
        "PGUSER": user,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    moment = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: moment)
    client = botocore.session.get_session().create_client("rds", region_name=REGION)

    expected = client.generate_db_auth_token("database.example.com", 5432, user)

    assert expected == connections._token()
    assert "20261120T120000Z" in expected


def test_root_certificates() -> None:
    """There are valid root certificates for each region that config allows.

    According to its user guide RDS uses them; this was not tested on AWS.
    """
    regions = set(postgresql.CLASSES_BY_REGION) - set(MISSING_SERVICES)
    roots = x509.load_pem_x509_certificates(connections.ROOTS.read_bytes())
    names = {
        root.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value for root in roots
    }

    for root in roots:
        root.verify_directly_issued_by(root)
        assert root.not_valid_after_utc.year > 2060
        assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert names == {
        f"Amazon RDS {region} Root CA {kind} G1"
        for region in regions
        for kind in ("RSA2048", "RSA4096", "ECC384")
    }
