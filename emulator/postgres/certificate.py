"""The certificate databases show, and the one-purpose authority that issued it.

The authority's key is thrown away once it has signed: whoever trusts `ca.pem` trusts this one
certificate, which is good for this machine's loop-back only.
Imported when the first database is made: cryptography takes its time.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deployer.files import write_atomically

ADDRESS = "127.0.0.1"
_NAMES = ("localhost",)
_AUTHORITY = "RDS of the emulator"
_YEARS = 10
_PEM = serialization.Encoding.PEM
_Key = ec.EllipticCurvePrivateKey


def server_context(ca: Path, own: Path) -> ssl.SSLContext:
    """Return what a server shows its clients; made the first time, then kept in *ca* and *own*."""
    if not (ca.exists() and own.exists()):
        _make(ca, own)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2  # RDS's default: ssl_min_protocol_version.
    tls.load_cert_chain(own)
    return tls


def _make(ca: Path, own: Path) -> None:
    authority, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, plain)
    write_atomically(own, private + _server(key, authority).public_bytes(_PEM))
    write_atomically(ca, _issuer(authority).public_bytes(_PEM))


def _issuer(key: _Key) -> x509.Certificate:
    return (
        _builder(key, key, _AUTHORITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _server(key: _Key, authority: _Key) -> x509.Certificate:
    names = [x509.IPAddress(ip_address(ADDRESS)), *(x509.DNSName(name) for name in _NAMES)]
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return (
        _builder(key, authority, ADDRESS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(purpose, critical=False)
        .sign(authority, hashes.SHA256())
    )


def _builder(key: _Key, issuer: _Key, name: str) -> x509.CertificateBuilder:
    """Return what both certificates have; strict checks (Python 3.13) want both identifiers."""
    now = datetime.now(UTC)
    issued = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(_AUTHORITY))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issued, critical=False)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
