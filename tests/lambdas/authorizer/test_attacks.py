"""The table of attacks on access tokens: J01 to J135.

J01, J02, J33, J59, J116, J117, J127 and J134 are valid.
"""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from tests.lambdas.access_tokens import (
    ABSENT,
    CLIENT,
    FIRST,
    ISSUER,
    NOW,
    SECOND,
    UNKNOWN_KEY,
    USUAL_KEYS,
    access_token,
    base64url,
    claims,
    claims_with,
    forged_for_exponent_1,
    header,
    hmac_with,
    jwk,
    jwks,
    pss,
    public,
    rsa_key,
    rsa_with,
    signed_as,
)
from tests.lambdas.user_pool import ALLOWED, NO_KEYS, UserPool, decision

VALID = access_token()
HEADER, CLAIMS, SIGNATURE = VALID.split(".")
OTHER = "0f1e2d3c-4b5a-4697-8887-766554433221"
HOUR, DAY = 3600, 86400


def row(case: str, title: str, outcome: str, token: str, keys: bytes = USUAL_KEYS) -> Any:
    """Return a case with a valid header; the user pool has these *keys*."""
    return sent(case, title, outcome, f"Bearer {token}", keys)


def sent(case: str, title: str, outcome: str, value: str | None, keys: bytes = USUAL_KEYS) -> Any:
    """Return a case with this *value* of the header `authorization`, or without it if None."""
    return pytest.param(value, keys, outcome, id=f"{case} {title}")


def alg(name: Any, **signed: Any) -> str:
    return access_token(fields=header(alg=name), **signed)


def kid(name: Any) -> str:
    return access_token(fields=header(kid=name))


def by_unknown_key(**fields: Any) -> str:
    """Return a token that an unknown key signed; *fields* may refer to that key."""
    return access_token(fields=header(**fields), key=UNKNOWN_KEY)


def hs256(secret: bytes) -> str:
    return alg("HS256", sign=hmac_with(secret))


def beside_second(listed: dict[str, Any]) -> bytes:
    """Return the keys of a pool, of which the first is *listed*."""
    return jwks(listed, jwk(SECOND, "second"))


def join(*segments: str) -> str:
    return ".".join(segments)


def last_bits_set(signature: str) -> str:
    """Return a signature that decodes to the same bytes if spare bits are ignored: 256 bytes leave four."""
    assert signature[-1] in "AQgw"
    return signature[:-1] + chr(ord(signature[-1]) + 1)


def standard_alphabet() -> str:
    """Return a valid token, but with + or / in its signature in place of - or _."""
    tokens = (access_token(claims(jti=str(number))) for number in range(1000))
    found = next(token for token in tokens if set("-_") & set(token.rpartition(".")[2]))
    signed, _, signature = found.rpartition(".")
    return f"{signed}.{signature.replace('-', '+').replace('_', '/')}"


SMALL = rsa_key(1024)
PEM = public(FIRST, Encoding.PEM)

ELLIPTIC = {
    "kid": "first",
    "kty": "EC",
    "crv": "P-256",
    "x": base64url(b"x" * 32),
    "y": base64url(b"y" * 32),
}

OCTETS = {"kid": "first", "kty": "oct", "k": base64url(b"secret"), "use": "sig"}

CASES = [
    row("J01", "like those of Cognito", ALLOWED, VALID),
    row("J02", "by the other key of the pool", ALLOWED, access_token(fields=header(kid="second"), key=SECOND)),
    # The algorithm must be exactly RS256.
    row("J03", "alg none, unsigned", "alg", alg("none", sign=signed_as(b""))),
    row("J04", "alg nOnE, unsigned", "alg", alg("nOnE", sign=signed_as(b""))),
    row("J05", "no alg", "alg", alg(ABSENT)),
    row("J06", "alg empty", "alg", alg("")),
    row("J07", "alg a list", "alg", alg(["RS256"])),
    row("J08", "alg a number", "alg", alg(256)),
    row("J09", "alg rs256", "alg", alg("rs256")),
    row("J10", "alg none, signed", "alg", alg("none")),
    row("J11", "HS256 with the PEM (CVE-2022-29217)", "alg", hs256(PEM)),
    row("J12", "HS256 with the DER (CVE-2024-33663)", "alg", hs256(public(FIRST, Encoding.DER))),
    row("J13", "HS256 with n", "alg", hs256(jwk(FIRST, "first")["n"].encode())),
    row("J14", "HS256 with nothing", "alg", hs256(b"")),
    row("J15", "RS384", "alg", alg("RS384", sign=rsa_with(hashes.SHA384()))),
    row("J16", "RS512 with SHA-256", "alg", alg("RS512")),
    row("J17", "PS256", "alg", alg("PS256", sign=pss)),
    row("J18", "RS256 with SHA-1", "signature", access_token(sign=rsa_with(hashes.SHA1()))),  # noqa: S303
    # The key must be one of the pool's; references to other keys are ignored.
    row("J19", "no kid", "kid", kid(ABSENT)),
    row("J20", "kid unknown", "kid", kid("third")),
    row("J21", "kid of another key", "signature", kid("second")),
    row("J22", "kid a path", "kid", kid("../../../../dev/null")),
    row("J23", "kid SQL", "kid", kid("first' OR '1'='1")),
    row("J24", "kid a number", "kid", kid(1)),
    row("J25", "kid a list", "kid", kid(["first"])),
    row("J26", "kid an object", "kid", kid({"first": "first"})),
    row("J27", "kid null", "kid", kid(None)),
    row("J28", "kid of 100 kB", "length", kid("k" * 100_000)),
    row("J29", "jku", "signature", by_unknown_key(jku="https://example.com/jwks.json")),
    row("J30", "x5u", "signature", by_unknown_key(x5u="https://example.com/key.pem")),
    row("J31", "jwk (CVE-2018-0114)", "signature", by_unknown_key(jwk=jwk(UNKNOWN_KEY, "first"))),
    row("J32", "x5c", "signature", by_unknown_key(x5c=[base64url(public(UNKNOWN_KEY, Encoding.DER))])),
    row("J33", "jku, but a key of the pool", ALLOWED, access_token(fields=header(jku="https://example.com"))),
    row("J34", "crit", "crit", access_token(fields=header(crit=["exp"]))),
    row("J35", "b64 false (CVE-2026-32597)", "b64", access_token(fields=header(b64=False, crit=["b64"]))),
    # It must be an access token of this pool and this client.
    row("J36", "iss another pool", "iss", access_token(claims(iss=f"{ISSUER[:-1]}4"))),
    row("J37", "iss another region", "iss", access_token(claims(iss=ISSUER.replace("ca-central", "us-east")))),
    row("J38", "iss with a slash", "iss", access_token(claims(iss=f"{ISSUER}/"))),
    row("J39", "iss http", "iss", access_token(claims(iss=ISSUER.replace("https", "http")))),
    row("J40", "iss with a suffix", "iss", access_token(claims(iss=f"{ISSUER}.example.com"))),
    row("J41", "iss in Cyrillic", "iss", access_token(claims(iss=ISSUER.replace("a", "\u0430")))),
    row("J42", "iss with NUL", "iss", access_token(claims(iss=f"{ISSUER}\0"))),
    row("J43", "iss a list", "iss", access_token(claims(iss=[ISSUER]))),
    row("J44", "no iss", "iss", access_token(claims(iss=ABSENT))),
    row("J45", "an id token", "token_use", access_token(claims(token_use="id"))),
    row("J46", "no token_use", "token_use", access_token(claims(token_use=ABSENT))),
    row("J47", "token_use a list", "token_use", access_token(claims(token_use=["access"]))),
    row("J48", "another client", "client_id", access_token(claims(client_id="5another"))),
    row("J49", "no client_id", "client_id", access_token(claims(client_id=ABSENT))),
    row("J50", "client_id a list", "client_id", access_token(claims(client_id=[CLIENT]))),
    row("J51", "aud instead", "client_id", access_token(claims(client_id=ABSENT, aud=CLIENT))),
    row("J52", "bound to a resource server", "aud", access_token(claims(aud="https://example.com"))),
    # It must be valid at this time.
    row("J53", "expired an hour ago", "exp", access_token(claims(exp=NOW - HOUR))),
    row("J54", "expired a second ago", "exp", access_token(claims(exp=NOW - 1))),
    row("J55", "no exp", "exp", access_token(claims(exp=ABSENT))),
    row("J56", "exp null", "exp", access_token(claims(exp=None))),
    row("J57", "exp digits", "exp", access_token(claims(exp=str(NOW + HOUR)))),
    row("J58", "exp now", "exp", access_token(claims(exp=NOW))),
    row("J59", "exp with a fraction", ALLOWED, access_token(claims(exp=NOW + 0.5))),
    row("J60", "exp 1e308", "exp", access_token(claims_with("exp", "1e308"))),
    row("J61", "exp 1e999", "exp", access_token(claims_with("exp", "1e999"))),
    row("J62", "exp NaN", "exp", access_token(claims_with("exp", "NaN"))),
    row("J63", "exp true", "exp", access_token(claims(exp=True))),
    row("J64", "exp of 5000 digits", "form", access_token(claims_with("exp", "9" * 5000))),
    row("J65", "exp a list", "exp", access_token(claims(exp=[NOW + HOUR]))),
    row("J66", "exp an object", "exp", access_token(claims(exp={"seconds": NOW + HOUR}))),
    row("J67", "exp negative", "exp", access_token(claims(exp=-NOW))),
    row("J68", "exp later than Cognito allows", "exp", access_token(claims(exp=NOW + 2 * DAY))),
    row("J69", "nbf in a second", "nbf", access_token(claims(nbf=NOW + 1))),
    row("J70", "nbf digits", "nbf", access_token(claims(nbf=str(NOW)))),
    row("J71", "nbf null", "nbf", access_token(claims(nbf=None))),
    row("J72", "iat in six minutes", "iat", access_token(claims(iat=NOW + 360))),
    row("J73", "iat digits", "iat", access_token(claims(iat=str(NOW)))),
    row("J74", "iat a list", "iat", access_token(claims(iat=[NOW]))),
    # It must have a valid `sub`, which becomes a part of object keys and rows.
    row("J75", "no sub", "sub", access_token(claims(sub=ABSENT))),
    row("J76", "sub empty", "sub", access_token(claims(sub=""))),
    row("J77", "sub a path", "sub", access_token(claims(sub="../admin"))),
    row("J78", "sub a number", "sub", access_token(claims(sub=1))),
    # It must be well-formed.
    row("J79", "claims a list", "form", access_token(b"[]")),
    row("J80", "claims null", "form", access_token(b"null")),
    row("J81", "claims not JSON", "form", access_token(b"{'sub': 'single quotes'}")),
    row("J82", "claims not UTF-8", "form", access_token(b'{"sub": "\xff\xfe"}')),
    row("J83", "claims 5000 deep", "form", access_token(b"[" * 5000)),
    row("J84", "header 5000 deep", "form", access_token(fields=b'{"a":' * 1000)),
    row("J85", "one part", "form", HEADER),
    row("J86", "two parts", "form", join(HEADER, CLAIMS)),
    row("J87", "no signature", "signature", join(HEADER, CLAIMS, "")),
    row("J88", "four parts", "form", join(VALID, SIGNATURE)),
    row("J89", "five parts", "form", join(VALID, CLAIMS, SIGNATURE)),
    row("J90", "two dots", "form", ".."),
    row("J91", "dots and dots", "form", "." * 1000),
    row("J92", "encrypted", "form", join(base64url(b'{"alg":"RSA-OAEP","enc":"A256GCM"}'), *["AAAA"] * 4)),
    row("J93", "a token in a token", "cty", access_token(VALID.encode(), fields=header(cty="JWT"))),
    row("J94", "signature flipped", "signature", join(HEADER, CLAIMS, base64url(b"\0" * 256))),
    row("J95", "claims swapped", "signature", join(HEADER, access_token(claims(sub=OTHER)).split(".")[1], SIGNATURE)),
    # Each token has exactly one encoding.
    row("J96", "padded", "form", f"{VALID}=="),
    row("J97", "last bits set", "form", join(HEADER, CLAIMS, last_bits_set(SIGNATURE))),
    row("J98", "+ and /", "form", standard_alphabet()),
    row("J99", "invalid characters inside", "form", f"{VALID[:-4]}!!!!{VALID[-4:]}"),
    row("J100", "a line break at the end", "form", f"{VALID}\n"),
    row("J101", "a compression bomb", "zip", access_token(fields=header(zip="DEF"))),
    row("J102", "an encrypted compression bomb", "form", join(base64url(b'{"alg":"dir","enc":"A128GCM","zip":"DEF"}'), "", *["AAAA"] * 3)),
    # The header must follow RFC 6750, section 2.1.
    sent("J103", "no header", "authorization", None),
    sent("J104", "nothing", "authorization", ""),
    sent("J105", "Bearer", "form", "Bearer"),
    sent("J106", "Bearer of nothing", "form", "Bearer "),
    sent("J107", "two spaces", "form", f"Bearer  {VALID}"),
    sent("J108", "a tab", "authorization", f"Bearer\t{VALID}"),
    sent("J109", "Basic", "authorization", f"Basic {VALID}"),
    sent("J110", "no scheme", "authorization", VALID),
    sent("J111", "two tokens", "form", f"Bearer {VALID} {VALID}"),
    sent("J112", "two headers, joined", "form", f"Bearer {VALID},Bearer {VALID}"),
    sent("J113", "quotes", "form", f'Bearer "{VALID}"'),
    sent("J114", "not ASCII", "form", f"Bearer {VALID[:-1]}\u00e9"),
    sent("J115", "NUL", "form", f"Bearer {VALID}\0"),
    sent("J116", "bearer", ALLOWED, f"bearer {VALID}"),
    sent("J117", "BEARER", ALLOWED, f"BEARER {VALID}"),
    sent("J118", "a space at the end", "form", f"Bearer {VALID} "),
    sent("J119", "Bearer with a colon", "authorization", f"Bearer: {VALID}"),
    row("J120", "1 MB long", "length", access_token(claims(scope="s" * 1_000_000))),
    # A key is used for RS256 only; an invalid key does not affect the others.
    row("J121", "a key of 1024 bits", "kid", access_token(key=SMALL), beside_second(jwk(SMALL, "first"))),
    row("J122", "a key of exponent 1", "kid", access_token(sign=forged_for_exponent_1(2048)), beside_second(jwk(FIRST, "first", e="AQ"))),
    row("J123", "a key without n", "kid", VALID, beside_second(jwk(FIRST, "first", n=ABSENT))),
    row("J124", "a key with odd n", "kid", VALID, beside_second(jwk(FIRST, "first", n="!!!!"))),
    row("J125", "a key for encryption", "kid", VALID, beside_second(jwk(FIRST, "first", use="enc"))),
    row("J126", "a key for RS512", "kid", VALID, beside_second(jwk(FIRST, "first", alg="RS512"))),
    row("J127", "a key without alg", ALLOWED, VALID, beside_second(jwk(FIRST, "first", alg=ABSENT))),
    row("J128", "an elliptic key", "kid", VALID, beside_second(ELLIPTIC)),
    row("J129", "a symmetric key, and HS256", "alg", hs256(b"secret"), beside_second(OCTETS)),
    row("J130", "a symmetric key, and RS256", "kid", access_token(sign=hmac_with(b"secret")), beside_second(OCTETS)),
    row("J131", "two keys with the same kid", "kid", VALID, jwks(jwk(FIRST, "first"), jwk(SECOND, "first"), jwk(SECOND, "second"))),
    row("J132", "no key in the key set", NO_KEYS, VALID, jwks()),
    row("J133", "an invalid key set", NO_KEYS, VALID, b'{"keys": {"first": "second"}}'),
    row("J134", "groups as a string", ALLOWED, access_token(claims(**{"cognito:groups": "superadmins"}))),
    row("J135", "enc in three parts", "enc", access_token(fields=header(enc="A256GCM"))),
]  # fmt: skip


@pytest.mark.parametrize(("value", "keys", "outcome"), CASES)
def test_attack(value: str | None, keys: bytes, outcome: str, capsys: Any) -> None:
    """Each case is allowed or refused for the expected reason; only the keys of the pool are fetched."""
    pool = UserPool(keys)
    headers = {} if value is None else {"authorization": value}

    result = decision({"headers": headers}, pool.verifier, capsys)

    assert outcome == result
    assert pool.fetched_urls in ([], [f"{ISSUER}/.well-known/jwks.json"])


def test_case_numbers_are_complete() -> None:
    """Each number is in the table exactly once."""
    assert [f"J{number:02}" for number in range(1, 136)] == [case.id.split()[0] for case in CASES]
