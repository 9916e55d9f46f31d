"""The TLS certificate of the databases, and the certificate authority that issued it.

The authority's private key is never written, so clients that trust `ca.pem` trust only this
certificate, which is valid for this machine's loopback addresses.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

from deployer.files import write_atomically

_NAMES = ("127.0.0.1", "localhost")
_AUTHORITY = "RDS of the emulator"


def server_context(ca: Path, certificate: Path) -> ssl.SSLContext:
    """Return the TLS settings of a server; create the files *ca* and *certificate* if needed."""
    if not (ca.exists() and certificate.exists()):
        _create(ca, certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2  # RDS's default: ssl_min_protocol_version.
    tls.load_cert_chain(certificate)
    return tls


def _create(ca: Path, certificate: Path) -> None:
    authority = trustme.CA(organization_name=_AUTHORITY)
    issued = authority.issue_cert(*_NAMES, common_name=_NAMES[0])
    write_atomically(certificate, issued.private_key_and_cert_chain_pem.bytes())
    write_atomically(ca, authority.cert_pem.bytes())
