"""Signatures of SNS messages."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from emulator import sns_signing


@pytest.fixture
def signer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sns_signing.Signer:
    """A signer with a new key."""
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    return sns_signing.signer.__wrapped__()


@pytest.mark.parametrize(("version", "digest"), [("1", hashes.SHA1()), ("2", hashes.SHA256())])  # noqa: S303  SNS's version 1.
def test_signature(signer: sns_signing.Signer, version: str, digest: hashes.HashAlgorithm) -> None:
    """The key in the certificate verifies the signature."""
    signature = base64.b64decode(signer.sign("text", version=version))
    key = x509.load_pem_x509_certificate(signer.certificate).public_key()

    key.verify(signature, b"text", padding.PKCS1v15(), digest)  # Raises InvalidSignature.


def test_key_is_kept(signer: sns_signing.Signer, tmp_path: Path) -> None:
    """The key is generated once, and only its owner may read it."""
    again = sns_signing.signer.__wrapped__()

    assert signer.certificate == again.certificate
    assert stat.S_IMODE((tmp_path / "sns.pem").stat().st_mode) == 0o600
