"""The key that signs SNS messages, generated once for each folder, and its certificate."""

from __future__ import annotations

import base64
import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.files import write_atomically

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

CERTIFICATE_PATH = "/_emulator/SimpleNotificationService.pem"
_NAME = "sns.amazonaws.com"


@dataclass(frozen=True)
class Signer:
    """A private key and its certificate."""

    key: RSAPrivateKey
    certificate: bytes

    def sign(self, text: str, *, version: str) -> str:
        """Return the signature of *text*: SHA-1 for version 1, SHA-256 for version 2."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303  SNS's version 1.
        return base64.b64encode(self.key.sign(text.encode(), padding.PKCS1v15(), digest)).decode()


@functools.cache
def signer() -> Signer:
    """Return the signer of the folder; generate its key if there is none."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    file = Path(os.environ["STATE_DIR"]) / "sns.pem"
    if not file.exists():
        _generate(file)
    pem = file.read_bytes()
    key = load_pem_private_key(pem, password=None)
    certificate = pem[pem.index(b"-----BEGIN CERTIFICATE-----") :]
    return Signer(key, certificate)  # type: ignore[arg-type]  # _generate writes an RSA key.


def _generate(file: Path) -> None:
    import trustme  # It takes 50 ms to import.

    authority = trustme.CA(organization_name=_NAME, key_type=trustme.KeyType.RSA)
    issued = authority.issue_cert(_NAME, common_name=_NAME, key_type=trustme.KeyType.RSA)
    write_atomically(file, issued.private_key_and_cert_chain_pem.bytes())
