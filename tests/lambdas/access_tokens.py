"""Create valid and invalid access tokens of an imaginary Cognito user pool.

    access_token()                            a token like those of Cognito
    access_token(claims(exp=None))            the claim is null
    access_token(claims(sub=ABSENT))          the claim is missing
    access_token(fields=header(alg="RS512"), sign=rsa_with(hashes.SHA512()))

The keys are generated in each process, so no token here is valid anywhere else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

REGION = "ca-central-1"
POOL = f"{REGION}_AbCdEf123"
CLIENT = "4example5client6id7of8cognito"
ISSUER = f"https://cognito-idp.{REGION}.amazonaws.com/{POOL}"
SUB = "8f14e45f-ceea-467f-a0e6-1c2b3d4e5f60"
NOW = 1_795_176_000  # 2026-11-20; the clock of every test has this time

ABSENT = object()  # A claim or header field with this value is left out.

Sign = Callable[[bytes, rsa.RSAPrivateKey], bytes]


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


FIRST_KEY, SECOND_KEY, UNKNOWN_KEY = rsa_key(), rsa_key(), rsa_key()


def access_token(
    payload: dict[str, Any] | bytes | None = None,
    *,
    fields: dict[str, Any] | bytes | None = None,
    key: rsa.RSAPrivateKey = FIRST_KEY,
    sign: Sign | None = None,
) -> str:
    """Return a token with this *payload* and these header *fields*, signed with *key*."""
    parts = (header() if fields is None else fields, claims() if payload is None else payload)
    signed = ".".join(base64url(to_bytes(part)) for part in parts)
    return f"{signed}.{base64url((sign or rsa_with(hashes.SHA256()))(signed.encode(), key))}"


def header(**changes: Any) -> dict[str, Any]:
    return _changed({"kid": "first", "alg": "RS256"}, changes)


def claims(**changes: Any) -> dict[str, Any]:
    usual = {
        "sub": SUB,
        "iss": ISSUER,
        "client_id": CLIENT,
        "origin_jti": "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed",
        "event_id": "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin",
        "auth_time": NOW - 60,
        "exp": NOW + 3540,
        "iat": NOW - 60,
        "jti": "5f0c7127-3be9-4488-b801-c7b6415b45e9",
        "username": SUB,
    }
    return _changed(usual, changes)


def claims_with(claim: str, json_text: str) -> bytes:
    """Return the claims as JSON; *json_text* is the value of *claim*, also one that json cannot write."""
    return to_bytes(claims(**{claim: "PLACEHOLDER"})).replace(b'"PLACEHOLDER"', json_text.encode())


def rsa_with(algorithm: hashes.HashAlgorithm) -> Sign:
    return lambda signed, key: key.sign(signed, padding.PKCS1v15(), algorithm)


def pss(signed: bytes, key: rsa.RSAPrivateKey) -> bytes:
    return key.sign(signed, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def hmac_with(secret: bytes) -> Sign:
    return lambda signed, _: hmac.digest(secret, signed, hashlib.sha256)


def signed_as(signature: bytes) -> Sign:
    return lambda *_: signature


def forged_for_exponent_1(bits: int) -> Sign:
    """Return a forged signature for a key with exponent 1: the padded digest itself."""

    def sign(signed: bytes, _: rsa.RSAPrivateKey) -> bytes:
        prefix = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017, section 9.2
        digest = prefix + hashlib.sha256(signed).digest()
        return b"\0\1" + b"\xff" * (bits // 8 - 3 - len(digest)) + b"\0" + digest

    return sign


def public(key: rsa.RSAPrivateKey, encoding: serialization.Encoding) -> bytes:
    return key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def jwk(key: rsa.RSAPrivateKey, kid: str, /, **changes: Any) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    usual = {
        "alg": "RS256",
        "e": base64url(_octets(numbers.e)),
        "kid": kid,
        "kty": "RSA",
        "n": base64url(_octets(numbers.n)),
        "use": "sig",
    }
    return _changed(usual, changes)


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def to_bytes(data: dict[str, Any] | bytes) -> bytes:
    return data if isinstance(data, bytes) else json.dumps(data).encode()


def _octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _changed(usual: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in (usual | changes).items() if value is not ABSENT}


USUAL_KEYS = jwks(jwk(FIRST_KEY, "first"), jwk(SECOND_KEY, "second"))
