"""Attacks on access tokens, each refused for the expected reason, and valid tokens that are similar.

The cases whose outcome is ALLOWED are valid.
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


def case(title: str, outcome: str, token: str, keys: bytes = USUAL_KEYS) -> Any:
    """Return a case with a valid header; the user pool has these *keys*."""
    return header_case(title, outcome, f"Bearer {token}", keys)


def header_case(title: str, outcome: str, value: str | None, keys: bytes = USUAL_KEYS) -> Any:
    """Return a case with this *value* of the header `authorization`; None is no header."""
    return pytest.param(value, keys, outcome, id=title)


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
    """Return a key set of the key *listed* and the second key of the pool."""
    return jwks(listed, jwk(SECOND_KEY, "second"))


def join(*segments: str) -> str:
    return ".".join(segments)


def last_bits_set(signature: str) -> str:
    """Return *signature* with a spare bit set; 256 bytes leave four bits of base64 unused."""
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
    case("like those of Cognito", ALLOWED, VALID),
    case("by the other key of the pool", ALLOWED, access_token(fields=header(kid="second"), key=SECOND_KEY)),
    # The algorithm must be exactly RS256.
    case("alg none, unsigned", "alg", alg("none", sign=signed_as(b""))),
    case("alg nOnE, unsigned", "alg", alg("nOnE", sign=signed_as(b""))),
    case("no alg", "alg", alg(ABSENT)),
    case("alg empty", "alg", alg("")),
    case("alg a list", "alg", alg(["RS256"])),
    case("alg a number", "alg", alg(256)),
    case("alg rs256", "alg", alg("rs256")),
    case("alg none, signed", "alg", alg("none")),
    case("HS256 with the PEM (CVE-2022-29217)", "alg", hs256(PEM)),
    case("HS256 with the DER (CVE-2024-33663)", "alg", hs256(public(FIRST_KEY, Encoding.DER))),
    case("HS256 with n", "alg", hs256(jwk(FIRST_KEY, "first")["n"].encode())),
    case("HS256 with nothing", "alg", hs256(b"")),
    case("RS384", "alg", alg("RS384", sign=rsa_with(hashes.SHA384()))),
    case("RS512 with SHA-256", "alg", alg("RS512")),
    case("PS256", "alg", alg("PS256", sign=pss)),
    case("RS256 with SHA-1", "signature", access_token(sign=rsa_with(hashes.SHA1()))),  # noqa: S303
    # The key must be one of the pool's; references to other keys are ignored.
    case("no kid", "kid", kid(ABSENT)),
    case("kid unknown", "kid", kid("third")),
    case("kid of another key", "signature", kid("second")),
    case("kid a path", "kid", kid("../../../../dev/null")),
    case("kid SQL", "kid", kid("first' OR '1'='1")),
    case("kid a number", "kid", kid(1)),
    case("kid a list", "kid", kid(["first"])),
    case("kid an object", "kid", kid({"first": "first"})),
    case("kid null", "kid", kid(None)),
    case("kid of 100 kB", "length", kid("k" * 100_000)),
    case("jku", "signature", by_unknown_key(jku="https://example.com/jwks.json")),
    case("x5u", "signature", by_unknown_key(x5u="https://example.com/key.pem")),
    case("jwk (CVE-2018-0114)", "signature", by_unknown_key(jwk=jwk(UNKNOWN_KEY, "first"))),
    case("x5c", "signature", by_unknown_key(x5c=[base64url(public(UNKNOWN_KEY, Encoding.DER))])),
    case("jku, but a key of the pool", ALLOWED, access_token(fields=header(jku="https://example.com"))),
    case("crit", "crit", access_token(fields=header(crit=["exp"]))),
    case("b64 false (CVE-2026-32597)", "b64", access_token(fields=header(b64=False, crit=["b64"]))),
    # The token must be an access token of this pool and this client.
    case("iss another pool", "iss", access_token(claims(iss=f"{ISSUER[:-1]}4"))),
    case("iss another region", "iss", access_token(claims(iss=ISSUER.replace("ca-central", "us-east")))),
    case("iss with a slash", "iss", access_token(claims(iss=f"{ISSUER}/"))),
    case("iss http", "iss", access_token(claims(iss=ISSUER.replace("https", "http")))),
    case("iss with a suffix", "iss", access_token(claims(iss=f"{ISSUER}.example.com"))),
    case("iss in Cyrillic", "iss", access_token(claims(iss=ISSUER.replace("a", "\u0430")))),
    case("iss with NUL", "iss", access_token(claims(iss=f"{ISSUER}\0"))),
    case("iss a list", "iss", access_token(claims(iss=[ISSUER]))),
    case("no iss", "iss", access_token(claims(iss=ABSENT))),
    case("an id token", "token_use", access_token(claims(token_use="id"))),
    case("no token_use", "token_use", access_token(claims(token_use=ABSENT))),
    case("token_use a list", "token_use", access_token(claims(token_use=["access"]))),
    case("another client", "client_id", access_token(claims(client_id="5another"))),
    case("no client_id", "client_id", access_token(claims(client_id=ABSENT))),
    case("client_id a list", "client_id", access_token(claims(client_id=[CLIENT]))),
    case("aud instead", "client_id", access_token(claims(client_id=ABSENT, aud=CLIENT))),
    case("bound to a resource server", "aud", access_token(claims(aud="https://example.com"))),
    # The token must be valid at the time of the request.
    case("expired an hour ago", "exp", access_token(claims(exp=NOW - HOUR))),
    case("expired a second ago", "exp", access_token(claims(exp=NOW - 1))),
    case("no exp", "exp", access_token(claims(exp=ABSENT))),
    case("exp null", "exp", access_token(claims(exp=None))),
    case("exp digits", "exp", access_token(claims(exp=str(NOW + HOUR)))),
    case("exp now", "exp", access_token(claims(exp=NOW))),
    case("exp with a fraction", ALLOWED, access_token(claims(exp=NOW + 0.5))),
    case("exp 1e308", "exp", access_token(claims_with("exp", "1e308"))),
    case("exp 1e999", "exp", access_token(claims_with("exp", "1e999"))),
    case("exp NaN", "exp", access_token(claims_with("exp", "NaN"))),
    case("exp true", "exp", access_token(claims(exp=True))),
    case("exp of 5000 digits", "form", access_token(claims_with("exp", "9" * 5000))),
    case("exp a list", "exp", access_token(claims(exp=[NOW + HOUR]))),
    case("exp an object", "exp", access_token(claims(exp={"seconds": NOW + HOUR}))),
    case("exp negative", "exp", access_token(claims(exp=-NOW))),
    case("exp later than Cognito allows", "exp", access_token(claims(exp=NOW + 2 * DAY))),
    case("nbf in a second", "nbf", access_token(claims(nbf=NOW + 1))),
    case("nbf digits", "nbf", access_token(claims(nbf=str(NOW)))),
    case("nbf null", "nbf", access_token(claims(nbf=None))),
    case("iat in six minutes", "iat", access_token(claims(iat=NOW + 360))),
    case("iat digits", "iat", access_token(claims(iat=str(NOW)))),
    case("iat a list", "iat", access_token(claims(iat=[NOW]))),
    # The token must have a valid `sub`, which becomes a part of object keys and database rows.
    case("no sub", "sub", access_token(claims(sub=ABSENT))),
    case("sub empty", "sub", access_token(claims(sub=""))),
    case("sub a path", "sub", access_token(claims(sub="../admin"))),
    case("sub a number", "sub", access_token(claims(sub=1))),
    # The token must be well-formed.
    case("claims a list", "form", access_token(b"[]")),
    case("claims null", "form", access_token(b"null")),
    case("claims not JSON", "form", access_token(b"{'sub': 'single quotes'}")),
    case("claims not UTF-8", "form", access_token(b'{"sub": "\xff\xfe"}')),
    case("claims 5000 deep", "form", access_token(b"[" * 5000)),
    case("header 5000 deep", "form", access_token(fields=b'{"a":' * 1000)),
    case("one part", "form", HEADER),
    case("two parts", "form", join(HEADER, CLAIMS)),
    case("no signature", "signature", join(HEADER, CLAIMS, "")),
    case("four parts", "form", join(VALID, SIGNATURE)),
    case("five parts", "form", join(VALID, CLAIMS, SIGNATURE)),
    case("two dots", "form", ".."),
    case("dots and dots", "form", "." * 1000),
    case("encrypted", "form", join(base64url(b'{"alg":"RSA-OAEP","enc":"A256GCM"}'), *["AAAA"] * 4)),
    case("a token in a token", "cty", access_token(VALID.encode(), fields=header(cty="JWT"))),
    case("signature flipped", "signature", join(HEADER, CLAIMS, base64url(b"\0" * 256))),
    case("claims swapped", "signature", join(HEADER, access_token(claims(sub=OTHER_SUB)).split(".")[1], SIGNATURE)),
    # Each token has exactly one encoding.
    case("padded", "form", f"{VALID}=="),
    case("last bits set", "form", join(HEADER, CLAIMS, last_bits_set(SIGNATURE))),
    case("+ and /", "form", standard_alphabet()),
    case("invalid characters inside", "form", f"{VALID[:-4]}!!!!{VALID[-4:]}"),
    case("a line break at the end", "form", f"{VALID}\n"),
    case("a compression bomb", "zip", access_token(fields=header(zip="DEF"))),
    case("an encrypted compression bomb", "form", join(base64url(b'{"alg":"dir","enc":"A128GCM","zip":"DEF"}'), "", *["AAAA"] * 3)),
    # The header must follow RFC 6750, section 2.1.
    header_case("no header", "authorization", None),
    header_case("nothing", "authorization", ""),
    header_case("Bearer", "form", "Bearer"),
    header_case("Bearer of nothing", "form", "Bearer "),
    header_case("two spaces", "form", f"Bearer  {VALID}"),
    header_case("a tab", "authorization", f"Bearer\t{VALID}"),
    header_case("Basic", "authorization", f"Basic {VALID}"),
    header_case("no scheme", "authorization", VALID),
    header_case("two tokens", "form", f"Bearer {VALID} {VALID}"),
    header_case("two headers, joined", "form", f"Bearer {VALID},Bearer {VALID}"),
    header_case("quotes", "form", f'Bearer "{VALID}"'),
    header_case("not ASCII", "form", f"Bearer {VALID[:-1]}\u00e9"),
    header_case("NUL", "form", f"Bearer {VALID}\0"),
    header_case("bearer", ALLOWED, f"bearer {VALID}"),
    header_case("BEARER", ALLOWED, f"BEARER {VALID}"),
    header_case("a space at the end", "form", f"Bearer {VALID} "),
    header_case("Bearer with a colon", "authorization", f"Bearer: {VALID}"),
    case("1 MB long", "length", access_token(claims(scope="s" * 1_000_000))),
    # A key is used for RS256 only; an invalid key does not affect the others.
    case("a key of 1024 bits", "kid", access_token(key=SMALL), beside_second(jwk(SMALL, "first"))),
    case("a key of exponent 1", "kid", access_token(sign=forged_for_exponent_1(2048)), beside_second(jwk(FIRST_KEY, "first", e="AQ"))),
    case("a key without n", "kid", VALID, beside_second(jwk(FIRST_KEY, "first", n=ABSENT))),
    case("a key with an invalid n", "kid", VALID, beside_second(jwk(FIRST_KEY, "first", n="!!!!"))),
    case("a key for encryption", "kid", VALID, beside_second(jwk(FIRST_KEY, "first", use="enc"))),
    case("a key for RS512", "kid", VALID, beside_second(jwk(FIRST_KEY, "first", alg="RS512"))),
    case("a key without alg", ALLOWED, VALID, beside_second(jwk(FIRST_KEY, "first", alg=ABSENT))),
    case("an elliptic key", "kid", VALID, beside_second(ELLIPTIC)),
    case("a symmetric key, and HS256", "alg", hs256(b"secret"), beside_second(OCTETS)),
    case("a symmetric key, and RS256", "kid", access_token(sign=hmac_with(b"secret")), beside_second(OCTETS)),
    case("two keys with the same kid", "kid", VALID, jwks(jwk(FIRST_KEY, "first"), jwk(SECOND_KEY, "first"), jwk(SECOND_KEY, "second"))),
    case("no key in the key set", NO_KEYS, VALID, jwks()),
    case("an invalid key set", NO_KEYS, VALID, b'{"keys": {"first": "second"}}'),
    case("groups as a string", ALLOWED, access_token(claims(**{"cognito:groups": "superadmins"}))),
    case("enc in three parts", "enc", access_token(fields=header(enc="A256GCM"))),
]  # fmt: skip


@pytest.mark.parametrize(("value", "keys", "outcome"), CASES)
def test_attack(value: str | None, keys: bytes, outcome: str, capsys: Any) -> None:
    """Each case is allowed or refused for the expected reason; only the keys of the pool are fetched."""
    pool = UserPool(keys)
    headers = {} if value is None else {"authorization": value}

    result = decision({"headers": headers}, pool.verifier, capsys)

    assert outcome == result
    assert pool.fetched_urls in ([], [f"{ISSUER}/.well-known/jwks.json"])


def test_each_case_is_listed_once() -> None:
    """The table has 135 cases with different titles."""
    assert 135 == len(CASES) == len({case.id for case in CASES})
