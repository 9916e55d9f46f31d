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
    FIRST_KEY,
    ISSUER,
    NOW,
    SECOND_KEY,
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
OTHER_SUB = "0f1e2d3c-4b5a-4697-8887-766554433221"
HOUR, DAY = 3600, 86400


def case(number: str, title: str, outcome: str, token: str, keys: bytes = USUAL_KEYS) -> Any:
    """Return a case with a valid header; the user pool has these *keys*."""
    return header_case(number, title, outcome, f"Bearer {token}", keys)


def header_case(
    number: str, title: str, outcome: str, value: str | None, keys: bytes = USUAL_KEYS
) -> Any:
    """Return a case with this *value* of the header `authorization`, or without it if None."""
    return pytest.param(value, keys, outcome, id=f"{number} {title}")


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
    return jwks(listed, jwk(SECOND_KEY, "second"))


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
PEM = public(FIRST_KEY, Encoding.PEM)

ELLIPTIC = {
    "kid": "first",
    "kty": "EC",
    "crv": "P-256",
    "x": base64url(b"x" * 32),
    "y": base64url(b"y" * 32),
}

OCTETS = {"kid": "first", "kty": "oct", "k": base64url(b"secret"), "use": "sig"}

CASES = [
    case("J01", "like those of Cognito", ALLOWED, VALID),
    case("J02", "by the other key of the pool", ALLOWED, access_token(fields=header(kid="second"), key=SECOND_KEY)),
    # The algorithm must be exactly RS256.
    case("J03", "alg none, unsigned", "alg", alg("none", sign=signed_as(b""))),
    case("J04", "alg nOnE, unsigned", "alg", alg("nOnE", sign=signed_as(b""))),
    case("J05", "no alg", "alg", alg(ABSENT)),
    case("J06", "alg empty", "alg", alg("")),
    case("J07", "alg a list", "alg", alg(["RS256"])),
    case("J08", "alg a number", "alg", alg(256)),
    case("J09", "alg rs256", "alg", alg("rs256")),
    case("J10", "alg none, signed", "alg", alg("none")),
    case("J11", "HS256 with the PEM (CVE-2022-29217)", "alg", hs256(PEM)),
    case("J12", "HS256 with the DER (CVE-2024-33663)", "alg", hs256(public(FIRST_KEY, Encoding.DER))),
    case("J13", "HS256 with n", "alg", hs256(jwk(FIRST_KEY, "first")["n"].encode())),
    case("J14", "HS256 with nothing", "alg", hs256(b"")),
    case("J15", "RS384", "alg", alg("RS384", sign=rsa_with(hashes.SHA384()))),
    case("J16", "RS512 with SHA-256", "alg", alg("RS512")),
    case("J17", "PS256", "alg", alg("PS256", sign=pss)),
    case("J18", "RS256 with SHA-1", "signature", access_token(sign=rsa_with(hashes.SHA1()))),  # noqa: S303
    # The key must be one of the pool's; references to other keys are ignored.
    case("J19", "no kid", "kid", kid(ABSENT)),
    case("J20", "kid unknown", "kid", kid("third")),
    case("J21", "kid of another key", "signature", kid("second")),
    case("J22", "kid a path", "kid", kid("../../../../dev/null")),
    case("J23", "kid SQL", "kid", kid("first' OR '1'='1")),
    case("J24", "kid a number", "kid", kid(1)),
    case("J25", "kid a list", "kid", kid(["first"])),
    case("J26", "kid an object", "kid", kid({"first": "first"})),
    case("J27", "kid null", "kid", kid(None)),
    case("J28", "kid of 100 kB", "length", kid("k" * 100_000)),
    case("J29", "jku", "signature", by_unknown_key(jku="https://example.com/jwks.json")),
    case("J30", "x5u", "signature", by_unknown_key(x5u="https://example.com/key.pem")),
    case("J31", "jwk (CVE-2018-0114)", "signature", by_unknown_key(jwk=jwk(UNKNOWN_KEY, "first"))),
    case("J32", "x5c", "signature", by_unknown_key(x5c=[base64url(public(UNKNOWN_KEY, Encoding.DER))])),
    case("J33", "jku, but a key of the pool", ALLOWED, access_token(fields=header(jku="https://example.com"))),
    case("J34", "crit", "crit", access_token(fields=header(crit=["exp"]))),
    case("J35", "b64 false (CVE-2026-32597)", "b64", access_token(fields=header(b64=False, crit=["b64"]))),
    # It must be an access token of this pool and this client.
    case("J36", "iss another pool", "iss", access_token(claims(iss=f"{ISSUER[:-1]}4"))),
    case("J37", "iss another region", "iss", access_token(claims(iss=ISSUER.replace("ca-central", "us-east")))),
    case("J38", "iss with a slash", "iss", access_token(claims(iss=f"{ISSUER}/"))),
    case("J39", "iss http", "iss", access_token(claims(iss=ISSUER.replace("https", "http")))),
    case("J40", "iss with a suffix", "iss", access_token(claims(iss=f"{ISSUER}.example.com"))),
    case("J41", "iss in Cyrillic", "iss", access_token(claims(iss=ISSUER.replace("a", "\u0430")))),
    case("J42", "iss with NUL", "iss", access_token(claims(iss=f"{ISSUER}\0"))),
    case("J43", "iss a list", "iss", access_token(claims(iss=[ISSUER]))),
    case("J44", "no iss", "iss", access_token(claims(iss=ABSENT))),
    case("J45", "an id token", "token_use", access_token(claims(token_use="id"))),
    case("J46", "no token_use", "token_use", access_token(claims(token_use=ABSENT))),
    case("J47", "token_use a list", "token_use", access_token(claims(token_use=["access"]))),
    case("J48", "another client", "client_id", access_token(claims(client_id="5another"))),
    case("J49", "no client_id", "client_id", access_token(claims(client_id=ABSENT))),
    case("J50", "client_id a list", "client_id", access_token(claims(client_id=[CLIENT]))),
    case("J51", "aud instead", "client_id", access_token(claims(client_id=ABSENT, aud=CLIENT))),
    case("J52", "bound to a resource server", "aud", access_token(claims(aud="https://example.com"))),
    # It must be valid at this time.
    case("J53", "expired an hour ago", "exp", access_token(claims(exp=NOW - HOUR))),
    case("J54", "expired a second ago", "exp", access_token(claims(exp=NOW - 1))),
    case("J55", "no exp", "exp", access_token(claims(exp=ABSENT))),
    case("J56", "exp null", "exp", access_token(claims(exp=None))),
    case("J57", "exp digits", "exp", access_token(claims(exp=str(NOW + HOUR)))),
    case("J58", "exp now", "exp", access_token(claims(exp=NOW))),
    case("J59", "exp with a fraction", ALLOWED, access_token(claims(exp=NOW + 0.5))),
    case("J60", "exp 1e308", "exp", access_token(claims_with("exp", "1e308"))),
    case("J61", "exp 1e999", "exp", access_token(claims_with("exp", "1e999"))),
    case("J62", "exp NaN", "exp", access_token(claims_with("exp", "NaN"))),
    case("J63", "exp true", "exp", access_token(claims(exp=True))),
    case("J64", "exp of 5000 digits", "form", access_token(claims_with("exp", "9" * 5000))),
    case("J65", "exp a list", "exp", access_token(claims(exp=[NOW + HOUR]))),
    case("J66", "exp an object", "exp", access_token(claims(exp={"seconds": NOW + HOUR}))),
    case("J67", "exp negative", "exp", access_token(claims(exp=-NOW))),
    case("J68", "exp later than Cognito allows", "exp", access_token(claims(exp=NOW + 2 * DAY))),
    case("J69", "nbf in a second", "nbf", access_token(claims(nbf=NOW + 1))),
    case("J70", "nbf digits", "nbf", access_token(claims(nbf=str(NOW)))),
    case("J71", "nbf null", "nbf", access_token(claims(nbf=None))),
    case("J72", "iat in six minutes", "iat", access_token(claims(iat=NOW + 360))),
    case("J73", "iat digits", "iat", access_token(claims(iat=str(NOW)))),
    case("J74", "iat a list", "iat", access_token(claims(iat=[NOW]))),
    # It must have a valid `sub`, which becomes a part of object keys and rows.
    case("J75", "no sub", "sub", access_token(claims(sub=ABSENT))),
    case("J76", "sub empty", "sub", access_token(claims(sub=""))),
    case("J77", "sub a path", "sub", access_token(claims(sub="../admin"))),
    case("J78", "sub a number", "sub", access_token(claims(sub=1))),
    # It must be well-formed.
    case("J79", "claims a list", "form", access_token(b"[]")),
    case("J80", "claims null", "form", access_token(b"null")),
    case("J81", "claims not JSON", "form", access_token(b"{'sub': 'single quotes'}")),
    case("J82", "claims not UTF-8", "form", access_token(b'{"sub": "\xff\xfe"}')),
    case("J83", "claims 5000 deep", "form", access_token(b"[" * 5000)),
    case("J84", "header 5000 deep", "form", access_token(fields=b'{"a":' * 1000)),
    case("J85", "one part", "form", HEADER),
    case("J86", "two parts", "form", join(HEADER, CLAIMS)),
    case("J87", "no signature", "signature", join(HEADER, CLAIMS, "")),
    case("J88", "four parts", "form", join(VALID, SIGNATURE)),
    case("J89", "five parts", "form", join(VALID, CLAIMS, SIGNATURE)),
    case("J90", "two dots", "form", ".."),
    case("J91", "dots and dots", "form", "." * 1000),
    case("J92", "encrypted", "form", join(base64url(b'{"alg":"RSA-OAEP","enc":"A256GCM"}'), *["AAAA"] * 4)),
    case("J93", "a token in a token", "cty", access_token(VALID.encode(), fields=header(cty="JWT"))),
    case("J94", "signature flipped", "signature", join(HEADER, CLAIMS, base64url(b"\0" * 256))),
    case("J95", "claims swapped", "signature", join(HEADER, access_token(claims(sub=OTHER_SUB)).split(".")[1], SIGNATURE)),
    # Each token has exactly one encoding.
    case("J96", "padded", "form", f"{VALID}=="),
    case("J97", "last bits set", "form", join(HEADER, CLAIMS, last_bits_set(SIGNATURE))),
    case("J98", "+ and /", "form", standard_alphabet()),
    case("J99", "invalid characters inside", "form", f"{VALID[:-4]}!!!!{VALID[-4:]}"),
    case("J100", "a line break at the end", "form", f"{VALID}\n"),
    case("J101", "a compression bomb", "zip", access_token(fields=header(zip="DEF"))),
    case("J102", "an encrypted compression bomb", "form", join(base64url(b'{"alg":"dir","enc":"A128GCM","zip":"DEF"}'), "", *["AAAA"] * 3)),
    # The header must follow RFC 6750, section 2.1.
    header_case("J103", "no header", "authorization", None),
    header_case("J104", "nothing", "authorization", ""),
    header_case("J105", "Bearer", "form", "Bearer"),
    header_case("J106", "Bearer of nothing", "form", "Bearer "),
    header_case("J107", "two spaces", "form", f"Bearer  {VALID}"),
    header_case("J108", "a tab", "authorization", f"Bearer\t{VALID}"),
    header_case("J109", "Basic", "authorization", f"Basic {VALID}"),
    header_case("J110", "no scheme", "authorization", VALID),
    header_case("J111", "two tokens", "form", f"Bearer {VALID} {VALID}"),
    header_case("J112", "two headers, joined", "form", f"Bearer {VALID},Bearer {VALID}"),
    header_case("J113", "quotes", "form", f'Bearer "{VALID}"'),
    header_case("J114", "not ASCII", "form", f"Bearer {VALID[:-1]}\u00e9"),
    header_case("J115", "NUL", "form", f"Bearer {VALID}\0"),
    header_case("J116", "bearer", ALLOWED, f"bearer {VALID}"),
    header_case("J117", "BEARER", ALLOWED, f"BEARER {VALID}"),
    header_case("J118", "a space at the end", "form", f"Bearer {VALID} "),
    header_case("J119", "Bearer with a colon", "authorization", f"Bearer: {VALID}"),
    case("J120", "1 MB long", "length", access_token(claims(scope="s" * 1_000_000))),
    # A key is used for RS256 only; an invalid key does not affect the others.
    case("J121", "a key of 1024 bits", "kid", access_token(key=SMALL), beside_second(jwk(SMALL, "first"))),
    case("J122", "a key of exponent 1", "kid", access_token(sign=forged_for_exponent_1(2048)), beside_second(jwk(FIRST_KEY, "first", e="AQ"))),
    case("J123", "a key without n", "kid", VALID, beside_second(jwk(FIRST_KEY, "first", n=ABSENT))),
    case("J124", "a key with an invalid n", "kid", VALID, beside_second(jwk(FIRST_KEY, "first", n="!!!!"))),
    case("J125", "a key for encryption", "kid", VALID, beside_second(jwk(FIRST_KEY, "first", use="enc"))),
    case("J126", "a key for RS512", "kid", VALID, beside_second(jwk(FIRST_KEY, "first", alg="RS512"))),
    case("J127", "a key without alg", ALLOWED, VALID, beside_second(jwk(FIRST_KEY, "first", alg=ABSENT))),
    case("J128", "an elliptic key", "kid", VALID, beside_second(ELLIPTIC)),
    case("J129", "a symmetric key, and HS256", "alg", hs256(b"secret"), beside_second(OCTETS)),
    case("J130", "a symmetric key, and RS256", "kid", access_token(sign=hmac_with(b"secret")), beside_second(OCTETS)),
    case("J131", "two keys with the same kid", "kid", VALID, jwks(jwk(FIRST_KEY, "first"), jwk(SECOND_KEY, "first"), jwk(SECOND_KEY, "second"))),
    case("J132", "no key in the key set", NO_KEYS, VALID, jwks()),
    case("J133", "an invalid key set", NO_KEYS, VALID, b'{"keys": {"first": "second"}}'),
    case("J134", "groups as a string", ALLOWED, access_token(claims(**{"cognito:groups": "superadmins"}))),
    case("J135", "enc in three parts", "enc", access_token(fields=header(enc="A256GCM"))),
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
