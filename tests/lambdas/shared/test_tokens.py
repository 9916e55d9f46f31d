"""The table of attacks on tokens (J01 to J134), the answers to API Gateway, and what is logged.

J33 and J59, J116, J117, J127 and J134 look like attacks and are none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from authorizer.handler import authorize, handler
from shared.fetch import fetch_jwks
from shared.jwks import FetchError, JwksError
from shared.tokens import RefusedError, Verifier, endpoint
from tests.emulator_server import Aws
from tests.lambdas.access_tokens import (
    ABSENT,
    CLIENT,
    FIRST,
    ISSUER,
    NOW,
    POOL,
    REGION,
    SECOND,
    STRANGERS,
    SUB,
    USUAL_KEYS,
    b64,
    claims,
    claims_with,
    forged_for_exponent_1,
    header,
    hmac_with,
    jwk,
    jwks,
    made,
    pss,
    public,
    rsa_key,
    rsa_with,
    signed_as,
    text,
)
from tests.lambdas.scripted_server import OK, serve

FOLDER = Path(handler.__code__.co_filename).parent
EVENTS = FOLDER / "events"

GOOD = made()
HEADER, CLAIMS, SIGNATURE = GOOD.split(".")
OTHER = "0f1e2d3c-4b5a-4697-8887-766554433221"
HOUR, DAY = 3600, 86400

ALLOWED = "allowed"
NO_KEYS = "no keys"


def row(case: str, what: str, outcome: str, token: str, keys: bytes = USUAL_KEYS) -> Any:
    """A token, sent as it should be: the pool has these *keys*."""
    return sent(case, what, outcome, f"Bearer {token}", keys)


def sent(case: str, what: str, outcome: str, value: str | None, keys: bytes = USUAL_KEYS) -> Any:
    """A value of the header `authorization`; None is no such header."""
    return pytest.param(value, keys, outcome, id=f"{case} {what}")


def alg(name: Any, **signed: Any) -> str:
    return made(fields=header(alg=name), **signed)


def kid(name: Any) -> str:
    return made(fields=header(kid=name))


def strangers(**fields: Any) -> str:
    """Signed by somebody else, with a hint where the key is."""
    return made(fields=header(**fields), key=STRANGERS)


def hs256(secret: bytes) -> str:
    return alg("HS256", sign=hmac_with(secret))


def beside_second(listed: dict[str, Any]) -> bytes:
    """Keys of a pool of which the first is as *listed*."""
    return jwks(listed, jwk(SECOND, "second"))


def parts(*three: str) -> str:
    return ".".join(three)


def last_bits_set(signature: str) -> str:
    """The same bytes to whoever ignores spare bits: 256 bytes leave four of them."""
    assert signature[-1] in "AQgw"
    return signature[:-1] + chr(ord(signature[-1]) + 1)


def standard_alphabet() -> str:
    """A good token whose signature says + or / where it should say - or _."""
    tokens = (made(claims(jti=str(number))) for number in range(1000))
    odd = next(token for token in tokens if set("-_") & set(token.rpartition(".")[2]))
    signed, _, signature = odd.rpartition(".")
    return f"{signed}.{signature.replace('-', '+').replace('_', '/')}"


SMALL = rsa_key(1024)
PEM = public(FIRST, Encoding.PEM)
ELLIPTIC = {"kid": "first", "kty": "EC", "crv": "P-256", "x": b64(b"x" * 32), "y": b64(b"y" * 32)}
OCTETS = {"kid": "first", "kty": "oct", "k": b64(b"secret"), "use": "sig"}

CASES = [
    row("J01", "as Cognito makes it", ALLOWED, GOOD),
    row("J02", "by the other key of the pool", ALLOWED, made(fields=header(kid="second"), key=SECOND)),
    # The algorithm is RS256, in these very letters.
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
    row("J18", "RS256 with SHA-1", "signature", made(sign=rsa_with(hashes.SHA1()))),  # noqa: S303
    # The key is one of the pool's, by its name, and where it is is ours to know.
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
    row("J29", "jku", "signature", strangers(jku="https://example.com/jwks.json")),
    row("J30", "x5u", "signature", strangers(x5u="https://example.com/key.pem")),
    row("J31", "jwk (CVE-2018-0114)", "signature", strangers(jwk=jwk(STRANGERS, "first"))),
    row("J32", "x5c", "signature", strangers(x5c=[b64(public(STRANGERS, Encoding.DER))])),
    row("J33", "jku, and ours all the same", ALLOWED, made(fields=header(jku="https://example.com"))),
    row("J34", "crit", "crit", made(fields=header(crit=["exp"]))),
    row("J35", "b64 false (CVE-2026-32597)", "b64", made(fields=header(b64=False, crit=["b64"]))),
    # It is of this pool, an access token, for this client.
    row("J36", "iss another pool", "iss", made(claims(iss=f"{ISSUER[:-1]}4"))),
    row("J37", "iss another region", "iss", made(claims(iss=ISSUER.replace("ca-central", "us-east")))),
    row("J38", "iss with a slash", "iss", made(claims(iss=f"{ISSUER}/"))),
    row("J39", "iss http", "iss", made(claims(iss=ISSUER.replace("https", "http")))),
    row("J40", "iss with a suffix", "iss", made(claims(iss=f"{ISSUER}.example.com"))),
    row("J41", "iss in Cyrillic", "iss", made(claims(iss=ISSUER.replace("a", "\u0430")))),
    row("J42", "iss with NUL", "iss", made(claims(iss=f"{ISSUER}\0"))),
    row("J43", "iss a list", "iss", made(claims(iss=[ISSUER]))),
    row("J44", "no iss", "iss", made(claims(iss=ABSENT))),
    row("J45", "an id token", "token_use", made(claims(token_use="id"))),
    row("J46", "no token_use", "token_use", made(claims(token_use=ABSENT))),
    row("J47", "token_use a list", "token_use", made(claims(token_use=["access"]))),
    row("J48", "another client", "client_id", made(claims(client_id="5another"))),
    row("J49", "no client_id", "client_id", made(claims(client_id=ABSENT))),
    row("J50", "client_id a list", "client_id", made(claims(client_id=[CLIENT]))),
    row("J51", "aud instead", "client_id", made(claims(client_id=ABSENT, aud=CLIENT))),
    row("J52", "bound to a resource", "aud", made(claims(aud="https://example.com"))),
    # It is its time.
    row("J53", "expired an hour ago", "exp", made(claims(exp=NOW - HOUR))),
    row("J54", "expired a second ago", "exp", made(claims(exp=NOW - 1))),
    row("J55", "no exp", "exp", made(claims(exp=ABSENT))),
    row("J56", "exp null", "exp", made(claims(exp=None))),
    row("J57", "exp digits", "exp", made(claims(exp=str(NOW + HOUR)))),
    row("J58", "exp now", "exp", made(claims(exp=NOW))),
    row("J59", "exp with a fraction", ALLOWED, made(claims(exp=NOW + 0.5))),
    row("J60", "exp 1e308", "exp", made(claims_with("exp", "1e308"))),
    row("J61", "exp 1e999", "exp", made(claims_with("exp", "1e999"))),
    row("J62", "exp NaN", "exp", made(claims_with("exp", "NaN"))),
    row("J63", "exp true", "exp", made(claims(exp=True))),
    row("J64", "exp of 5000 digits", "form", made(claims_with("exp", "9" * 5000))),
    row("J65", "exp a list", "exp", made(claims(exp=[NOW + HOUR]))),
    row("J66", "exp an object", "exp", made(claims(exp={"seconds": NOW + HOUR}))),
    row("J67", "exp negative", "exp", made(claims(exp=-NOW))),
    row("J68", "exp later than can be set", "exp", made(claims(exp=NOW + 2 * DAY))),
    row("J69", "nbf in a second", "nbf", made(claims(nbf=NOW + 1))),
    row("J70", "nbf digits", "nbf", made(claims(nbf=str(NOW)))),
    row("J71", "nbf null", "nbf", made(claims(nbf=None))),
    row("J72", "iat in six minutes", "iat", made(claims(iat=NOW + 360))),
    row("J73", "iat digits", "iat", made(claims(iat=str(NOW)))),
    row("J74", "iat a list", "iat", made(claims(iat=[NOW]))),
    # It is of somebody; their `sub` becomes a part of keys and of rows.
    row("J75", "no sub", "sub", made(claims(sub=ABSENT))),
    row("J76", "sub empty", "sub", made(claims(sub=""))),
    row("J77", "sub a path", "sub", made(claims(sub="../admin"))),
    row("J78", "sub a number", "sub", made(claims(sub=1))),
    # It is a token at all.
    row("J79", "claims a list", "form", made(b"[]")),
    row("J80", "claims null", "form", made(b"null")),
    row("J81", "claims not JSON", "form", made(b"{'sub': 'single quotes'}")),
    row("J82", "claims not UTF-8", "form", made(b'{"sub": "\xff\xfe"}')),
    row("J83", "claims 5000 deep", "form", made(b"[" * 5000)),
    row("J84", "header 5000 deep", "form", made(fields=b'{"a":' * 1000)),
    row("J85", "one part", "form", HEADER),
    row("J86", "two parts", "form", parts(HEADER, CLAIMS)),
    row("J87", "no signature", "signature", parts(HEADER, CLAIMS, "")),
    row("J88", "four parts", "form", parts(GOOD, SIGNATURE)),
    row("J89", "five parts", "form", parts(GOOD, CLAIMS, SIGNATURE)),
    row("J90", "two dots", "form", ".."),
    row("J91", "dots and dots", "form", "." * 1000),
    row("J92", "encrypted", "form", parts(b64(b'{"alg":"RSA-OAEP","enc":"A256GCM"}'), *["AAAA"] * 4)),
    row("J93", "a token in a token", "cty", made(GOOD.encode(), fields=header(cty="JWT"))),
    row("J94", "signature flipped", "signature", parts(HEADER, CLAIMS, b64(b"\0" * 256))),
    row("J95", "claims swapped", "signature", parts(HEADER, made(claims(sub=OTHER)).split(".")[1], SIGNATURE)),
    # It has one spelling.
    row("J96", "padded", "form", f"{GOOD}=="),
    row("J97", "last bits set", "form", parts(HEADER, CLAIMS, last_bits_set(SIGNATURE))),
    row("J98", "+ and /", "form", standard_alphabet()),
    row("J99", "foreign letters between", "form", f"{GOOD[:-4]}!!!!{GOOD[-4:]}"),
    row("J100", "a line break at the end", "form", f"{GOOD}\n"),
    row("J101", "a bomb", "zip", made(fields=header(zip="DEF"))),
    row("J102", "an encrypted bomb", "form", parts(b64(b'{"alg":"dir","enc":"A128GCM","zip":"DEF"}'), "", *["AAAA"] * 3)),
    # It is sent as RFC 6750, section 2.1, says.
    sent("J103", "no header", "authorization", None),
    sent("J104", "nothing", "authorization", ""),
    sent("J105", "Bearer", "form", "Bearer"),
    sent("J106", "Bearer of nothing", "form", "Bearer "),
    sent("J107", "two spaces", "form", f"Bearer  {GOOD}"),
    sent("J108", "a tab", "authorization", f"Bearer\t{GOOD}"),
    sent("J109", "Basic", "authorization", f"Basic {GOOD}"),
    sent("J110", "no scheme", "authorization", GOOD),
    sent("J111", "two tokens", "form", f"Bearer {GOOD} {GOOD}"),
    sent("J112", "two headers, joined", "form", f"Bearer {GOOD},Bearer {GOOD}"),
    sent("J113", "quotes", "form", f'Bearer "{GOOD}"'),
    sent("J114", "not ASCII", "form", f"Bearer {GOOD[:-1]}\u00e9"),
    sent("J115", "NUL", "form", f"Bearer {GOOD}\0"),
    sent("J116", "bearer", ALLOWED, f"bearer {GOOD}"),
    sent("J117", "BEARER", ALLOWED, f"BEARER {GOOD}"),
    sent("J118", "a space at the end", "form", f"Bearer {GOOD} "),
    sent("J119", "Bearer with a colon", "authorization", f"Bearer: {GOOD}"),
    row("J120", "of 1 MB", "length", made(claims(scope="s" * 1_000_000))),
    # A key is good for RS256 and nothing else; a bad one does not spoil the others.
    row("J121", "a key of 1024 bits", "kid", made(key=SMALL), beside_second(jwk(SMALL, "first"))),
    row("J122", "a key of exponent 1", "kid", made(sign=forged_for_exponent_1(2048)), beside_second(jwk(FIRST, "first", e="AQ"))),
    row("J123", "a key without n", "kid", GOOD, beside_second(jwk(FIRST, "first", n=ABSENT))),
    row("J124", "a key with odd n", "kid", GOOD, beside_second(jwk(FIRST, "first", n="!!!!"))),
    row("J125", "a key to encrypt with", "kid", GOOD, beside_second(jwk(FIRST, "first", use="enc"))),
    row("J126", "a key for RS512", "kid", GOOD, beside_second(jwk(FIRST, "first", alg="RS512"))),
    row("J127", "a key that names no alg", ALLOWED, GOOD, beside_second(jwk(FIRST, "first", alg=ABSENT))),
    row("J128", "an elliptic key", "kid", GOOD, beside_second(ELLIPTIC)),
    row("J129", "a secret, and HS256", "alg", hs256(b"secret"), beside_second(OCTETS)),
    row("J130", "a secret, and RS256", "kid", made(sign=hmac_with(b"secret")), beside_second(OCTETS)),
    row("J131", "two keys of one name", "kid", GOOD, jwks(jwk(FIRST, "first"), jwk(SECOND, "first"), jwk(SECOND, "second"))),
    row("J132", "no key in the set", NO_KEYS, GOOD, jwks()),
    row("J133", "a set that is none", NO_KEYS, GOOD, b'{"keys": {"first": "second"}}'),
    row("J134", "groups a string", ALLOWED, made(claims(**{"cognito:groups": "superadmins"}))),
]  # fmt: skip


@pytest.mark.parametrize(("value", "keys", "outcome"), CASES)
def test_case(value: str | None, keys: bytes, outcome: str, capsys: Any) -> None:
    """Each is let in, or refused for the right reason; nothing but our keys is ever fetched."""
    pool = Pool(keys)
    headers = {} if value is None else {"authorization": value}

    decided = decision({"headers": headers}, pool.verifier, capsys)

    assert outcome == decided
    assert pool.asked in ([], [f"{ISSUER}/.well-known/jwks.json"])


def test_every_case_is_there() -> None:
    """The numbers of the table, each once."""
    assert [f"J{number:02}" for number in range(1, 135)] == [case.id.split()[0] for case in CASES]


@pytest.mark.parametrize("name", ["jku", "x5u", "x5t", "typ", "anything"])
def test_what_a_header_may_say(name: str) -> None:
    """What does not change the meaning of the rest is ignored (RFC 7515, section 4)."""
    pool = Pool()

    assert SUB == pool.verifier.check(made(fields=header(**{name: "https://example.com"})))
    assert [f"{ISSUER}/.well-known/jwks.json"] == pool.asked


@pytest.mark.parametrize("number", [NOW - 1, NOW, NOW - 0.5, 0])
def test_nbf_past(number: float) -> None:
    assert SUB == Pool().verifier.check(made(claims(nbf=number)))


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "number", ["-1", "-1e999", "1e999", "NaN", "-Infinity", "true", "[]", '""']
)
def test_no_times(claim: str, number: str) -> None:
    with pytest.raises(RefusedError, match=claim):
        Pool().verifier.check(made(claims_with(claim, number)))


@pytest.mark.parametrize(
    "sub", [f"{SUB}\n", f"{SUB}/..", f" {SUB}", SUB.upper(), SUB.replace("-", ""), f"{{{SUB}}}"]
)
def test_spellings_of_a_sub(sub: str) -> None:
    """One person has one, or they would have several avatars."""
    with pytest.raises(RefusedError, match="sub"):
        Pool().verifier.check(made(claims(sub=sub)))


@pytest.mark.parametrize(("before", "after"), [(" ", ""), ("", "\n"), ("", "{}"), ("\ufeff", "")])
def test_around_claims(before: str, after: str) -> None:
    said = before.encode() + text(claims()) + after.encode()

    with pytest.raises(RefusedError, match="form"):
        Pool().verifier.check(made(said))


@pytest.mark.parametrize("life", [1, DAY, DAY + 300])
def test_life(life: int) -> None:
    """The longest that Cognito gives, by a clock that may go five minutes before ours."""
    assert SUB == Pool().verifier.check(made(claims(iat=NOW + min(life, 300), exp=NOW + life)))


@pytest.mark.parametrize(
    ("region", "pool", "client"),
    [
        ("ca-central-1", "us-east-1_AbCdEf123", CLIENT),
        ("ca-central-1/..", "ca-central-1/.._AbCdEf123", CLIENT),
        ("example.com", "example.com_AbCdEf123", CLIENT),
        ("ca-central-1", "ca-central-1_AbC/../dEf", CLIENT),
        ("ca-central-1", "ca-central-1_AbCdEf123\n", CLIENT),
        ("ca-central-1", "ca-central-1_", CLIENT),
        ("ca-central-1", "ca-central-1", CLIENT),
        ("", "", CLIENT),
        (REGION, POOL, ""),
        (REGION, POOL, "a client"),
    ],
)
def test_settings_refused(region: str, pool: str, client: str) -> None:
    """They become a URL and an issuer, so they are looked at before anyone asks for anything."""
    with pytest.raises(ValueError, match="is not a client of a pool"):
        Verifier(region, pool, client, fetch=fetch_jwks)


@pytest.mark.parametrize(
    "base",
    ["ftp://example.com", "example.com", "https://", "https://me@example.com", "https://a/b"],
)
def test_base_refused(base: str) -> None:
    with pytest.raises(ValueError, match="is not an endpoint"):
        Verifier(REGION, POOL, CLIENT, fetch=fetch_jwks, base=base)


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "ap-southeast-4"])
def test_regions(region: str) -> None:
    asked: list[str] = []
    verifier = Verifier(
        region,
        f"{region}_AbCdEf123",
        CLIENT,
        clock=lambda: NOW,
        fetch=lambda url, _: asked.append(url) or USUAL_KEYS,
    )

    with pytest.raises(RefusedError, match="iss"):
        verifier.check(GOOD)

    here = f"https://cognito-idp.{region}.amazonaws.com/{region}_AbCdEf123"
    assert [f"{here}/.well-known/jwks.json"] == asked


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, ""),
        ({"AWS_ENDPOINT_URL": ""}, ""),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, "http://127.0.0.1:4566"),
        (
            {"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_COGNITO_IDP": "https://b"},
            "https://b",
        ),
    ],
)
def test_endpoint(environ: dict[str, str], url: str) -> None:
    """AWS: service-specific endpoints in the reference of SDKs and tools; the nearer one counts."""
    assert url == endpoint(environ)


def test_a_base_of_its_own() -> None:
    """The keys may be elsewhere, with or without a slash; the issuer is AWS's all the same."""
    for base in ("http://127.0.0.1:4566", "http://127.0.0.1:4566/"):
        pool = Pool(base=base)

        assert SUB == pool.verifier.check(GOOD)
        assert [f"http://127.0.0.1:4566/{POOL}/.well-known/jwks.json"] == pool.asked


class Pool:
    """A pool with these *keys*, and a verifier that remembers what it *asked* for."""

    def __init__(self, keys: bytes = USUAL_KEYS, base: str = "") -> None:
        self.asked: list[str] = []
        self._keys = keys
        self.verifier = Verifier(
            REGION, POOL, CLIENT, base=base, clock=lambda: NOW, fetch=self._fetch
        )

    def _fetch(self, url: str, timeout: float) -> bytes:
        assert 0 < timeout <= 3
        self.asked.append(url)
        return self._keys


def decision(event: dict[str, Any], verifier: Verifier, capsys: Any) -> str:
    """What came of it: that it was allowed, why it was refused, or that there were no keys.

    Nothing of what was sent may be in the log, not even a part of a token.
    """
    try:
        answered = authorize(event, verifier)
    except JwksError:
        answered = None
    logged = capsys.readouterr().out
    for part in event["headers"].get("authorization", "").split("."):
        assert len(part) < 8 or part not in logged
    if answered == {"isAuthorized": True, "context": {"sub": SUB}}:
        assert "" == logged
        return ALLOWED
    (line,) = map(json.loads, logged.splitlines())
    assert {"event", "reason"} == set(line)
    if answered is None:
        assert "no keys" == line["event"]
        return NO_KEYS
    assert {"isAuthorized": False} == answered
    assert "refused" == line["event"]
    return str(line["reason"])


def event(name: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return said


def test_sample_with_a_token(capsys: Any) -> None:
    """What is in the sample is none; with a good one in its place the request goes on."""
    sample = event("with_token")

    assert "form" == decision(sample, Pool().verifier, capsys)
    sample["headers"]["authorization"] = f"Bearer {GOOD}"
    assert ALLOWED == decision(sample, Pool().verifier, capsys)


def test_sample_without_a_token(capsys: Any) -> None:
    assert "authorization" == decision(event("without_token"), Pool().verifier, capsys)


def test_fault(capsys: Any) -> None:
    """Keys that cannot be had are our fault: API Gateway answers 500, not 403, and we read why."""

    def fetch(url: str, timeout: float) -> bytes:
        raise FetchError("ConnectionRefusedError: nobody there")

    verifier = Verifier(REGION, POOL, CLIENT, clock=lambda: NOW, fetch=fetch)

    with pytest.raises(JwksError, match="nobody there"):
        authorize({"headers": {"authorization": f"Bearer {GOOD}"}}, verifier)

    expected = {"event": "no keys", "reason": "ConnectionRefusedError: nobody there"}
    assert expected == json.loads(capsys.readouterr().out)


def test_emulator(aws: Aws) -> None:
    """A token that we did not make ourselves, and keys where the emulator has them."""
    people = aws.client("cognito-idp")
    pool = people.create_user_pool(PoolName="p")["UserPool"]["Id"]
    flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    client = people.create_user_pool_client(
        UserPoolId=pool, ClientName="c", ExplicitAuthFlows=flows
    )["UserPoolClient"]["ClientId"]
    who = {"UserPoolId": pool, "Username": "ada"}
    person = people.admin_create_user(**who, MessageAction="SUPPRESS")["User"]
    people.admin_set_user_password(**who, Password="Correct-horse-1", Permanent=True)
    tokens = people.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=client,
        AuthFlow=flows[0].removeprefix("ALLOW_"),
        AuthParameters={"USERNAME": "ada", "PASSWORD": "Correct-horse-1"},
    )["AuthenticationResult"]

    region = pool.partition("_")[0]
    verifier = Verifier(region, pool, client, fetch=fetch_jwks, base=aws.endpoint.url)

    attributes = {each["Name"]: each["Value"] for each in person["Attributes"]}
    assert attributes["sub"] == verifier.check(tokens["AccessToken"])
    with pytest.raises(RefusedError, match="token_use"):
        verifier.check(tokens["IdToken"])


ALONE = """
import json, sys

class Left:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in left_out:
            raise ModuleNotFoundError(name)

left_out, events = json.load(sys.stdin)
sys.meta_path.insert(0, Left())
from authorizer.handler import handler
answers = [handler(event, None) for event in events]
assert not {"boto3", "botocore", "urllib3", "requests"} & set(sys.modules), "imported"
print(json.dumps(answers))
"""


def test_alone() -> None:
    """It works as in its zip: without what `unused.txt` leaves out, and without boto3.

    The pool is where AWS_ENDPOINT_URL says; the clock is the real one.
    """
    lines = (FOLDER / "unused.txt").read_text().splitlines()
    left_out = [line for line in lines if line and not line.startswith("#")]
    soon = made(claims(exp=time.time() + 60, iat=time.time()))
    events = [{"headers": {"authorization": f"Bearer {token}"}} for token in (soon, GOOD[:-9])]
    with serve([OK + USUAL_KEYS]) as there:
        settings = {
            "AWS_REGION": REGION,
            "USER_POOL_ID": POOL,
            "CLIENT_ID": CLIENT,
            "AWS_ENDPOINT_URL": there.url,
            "PYTHONPATH": str(FOLDER.parent),
        }
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", ALONE],
            input=json.dumps([[*left_out, "boto3", "botocore"], events]),
            env=os.environ | settings,
            capture_output=True,
            text=True,
            check=False,
        )

    assert ["ecdsa", "pyasn1", "rsa", "six"] == left_out
    assert 0 == done.returncode, done.stderr
    *logged, answers = map(json.loads, done.stdout.splitlines())
    assert [{"isAuthorized": True, "context": {"sub": SUB}}, {"isAuthorized": False}] == answers
    assert ["refused"] == [line["event"] for line in logged]
    assert [f"/{POOL}/.well-known/jwks.json"] == there.requested_paths


def refused(token: str) -> bool:
    """Whether it is refused, as it should be: any other exception is a bug."""
    try:
        Pool().verifier.check(token)
    except RefusedError:
        return True
    return False


@given(where=st.integers(0, len(GOOD) - 1), put=st.text(max_size=3), cut=st.integers(0, 3))
def test_mutations(where: int, put: str, cut: int) -> None:
    """There is no other way to write a good token."""
    mutation = GOOD[:where] + put + GOOD[where + cut :]

    assert (mutation != GOOD) == refused(mutation)


@given(where=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 6))
def test_bits(where: int, bit: int) -> None:
    flipped = chr(ord(GOOD[where]) ^ 1 << bit)

    assert refused(GOOD[:where] + flipped + GOOD[where + 1 :])


@given(st.text() | st.lists(st.binary(max_size=99).map(b64), max_size=5).map(".".join))
def test_nonsense(token: str) -> None:
    assert refused(token)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(JSON)
def test_any_header(fields: Any) -> None:
    """Signed as it should be, and yet it says something else."""
    assert refused(made(fields=json.dumps(fields).encode()))


@given(JSON)
def test_any_claims(said: Any) -> None:
    assert refused(made(json.dumps(said).encode()))


@given(st.sampled_from(sorted(claims())), JSON)
def test_any_claim(claim: str, value: Any) -> None:
    """One claim is anything: then it is refused, unless it is one that nobody asks for."""
    free = {"origin_jti", "event_id", "scope", "auth_time", "jti", "username"}
    fine = {"exp": NOW < value <= NOW + DAY + 300} if type(value) in {int, float} else {}
    fine |= {"iat": 0 <= value <= NOW + 300} if type(value) in {int, float} else {}

    assert refused(made(claims(**{claim: value}))) != (claim in free or fine.get(claim, False))


@given(JSON | st.dictionaries(st.just("authorization"), JSON))
def test_any_headers(headers: Any) -> None:
    assert {"isAuthorized": False} == authorize({"headers": headers}, Pool().verifier)
