"""The verifier of access tokens: settings, times, and any change of a token."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.fetch import fetch_document
from shared.tokens import RefusedError, Verifier
from tests.emulator_server import Aws
from tests.lambdas.access_tokens import (
    CLIENT,
    ISSUER,
    NOW,
    POOL,
    REGION,
    SUB,
    USUAL_KEYS,
    access_token,
    base64url,
    claims,
    claims_with,
    header,
    to_bytes,
)
from tests.lambdas.user_pool import UserPool

VALID = access_token()
DAY = 86400  # Seconds.


@pytest.mark.parametrize("name", ["jku", "x5u", "x5t", "typ", "anything"])
def test_other_header_fields_are_ignored(name: str) -> None:
    """Fields that do not change the meaning of others are ignored (RFC 7515, section 4)."""
    pool = UserPool()

    assert pool.verifier.check(access_token(fields=header(**{name: "https://example.com"}))) == SUB
    assert pool.fetched_urls == [f"{ISSUER}/.well-known/jwks.json"]


@pytest.mark.parametrize("number", [NOW - 1, NOW, NOW - 0.5, 0])
def test_nbf_in_the_past(number: float) -> None:
    """A token is valid from the time of `nbf`."""
    assert UserPool().verifier.check(access_token(claims(nbf=number))) == SUB


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "number", ["-1", "-1e999", "1e999", "NaN", "-Infinity", "true", "[]", '""']
)
def test_invalid_times(claim: str, number: str) -> None:
    """A time that is not a finite number, or is negative, is refused."""
    with pytest.raises(RefusedError, match=claim):
        UserPool().verifier.check(access_token(claims_with(claim, number)))


@pytest.mark.parametrize(
    "sub", [f"{SUB}\n", f"{SUB}/..", f" {SUB}", SUB.upper(), SUB.replace("-", ""), f"{{{SUB}}}"]
)
def test_other_spellings_of_a_sub(sub: str) -> None:
    """Only one spelling of a `sub` is valid; otherwise a user could have several avatars."""
    with pytest.raises(RefusedError, match="sub"):
        UserPool().verifier.check(access_token(claims(sub=sub)))


@pytest.mark.parametrize(("before", "after"), [(" ", ""), ("", "\n"), ("", "{}"), ("\ufeff", "")])
def test_text_around_the_claims(before: str, after: str) -> None:
    """Nothing may precede or follow the JSON of the claims."""
    payload = before.encode() + to_bytes(claims()) + after.encode()

    with pytest.raises(RefusedError, match="form"):
        UserPool().verifier.check(access_token(payload))


@pytest.mark.parametrize("validity", [1, DAY, DAY + 300])
def test_longest_validity(validity: int) -> None:
    """The longest validity that Cognito allows is valid, with a clock up to five minutes ahead."""
    assert (
        UserPool().verifier.check(
            access_token(claims(iat=NOW + min(validity, 300), exp=NOW + validity))
        )
        == SUB
    )


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
def test_invalid_settings_are_refused(region: str, pool: str, client: str) -> None:
    """Settings become a URL and an issuer, so the verifier checks them before any request."""
    with pytest.raises(ValueError, match="is not a client of a pool"):
        Verifier(region, pool, client, fetch=fetch_document)


@pytest.mark.parametrize(
    "base",
    ["ftp://example.com", "example.com", "https://", "https://me@example.com", "https://a/b"],
)
def test_invalid_endpoints_are_refused(base: str) -> None:
    """The endpoint must be a URL without a path or credentials."""
    with pytest.raises(ValueError, match="is not an endpoint"):
        Verifier(REGION, POOL, CLIENT, fetch=fetch_document, base_url=base)


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "ap-southeast-4"])
def test_regions(region: str) -> None:
    """The keys are fetched from the region of the pool."""
    urls: list[str] = []
    verifier = Verifier(
        region,
        f"{region}_AbCdEf123",
        CLIENT,
        clock=lambda: NOW,
        fetch=lambda url, _: urls.append(url) or USUAL_KEYS,
    )

    with pytest.raises(RefusedError, match="iss"):
        verifier.check(VALID)

    expected = f"https://cognito-idp.{region}.amazonaws.com/{region}_AbCdEf123"
    assert urls == [f"{expected}/.well-known/jwks.json"]


def test_another_endpoint() -> None:
    """The keys may be fetched from another endpoint; the issuer stays that of AWS."""
    for base in ("http://127.0.0.1:4566", "http://127.0.0.1:4566/"):
        pool = UserPool(base=base)

        assert pool.verifier.check(VALID) == SUB
        assert pool.fetched_urls == [f"http://127.0.0.1:4566/{POOL}/.well-known/jwks.json"]


def test_a_token_of_the_emulator(aws: Aws) -> None:
    """A token of the emulator is verified with the keys of the emulator."""
    cognito = aws.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="p")["UserPool"]["Id"]
    flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="c", ExplicitAuthFlows=flows
    )["UserPoolClient"]["ClientId"]
    user_key = {"UserPoolId": pool, "Username": "ada"}
    user = cognito.admin_create_user(**user_key, MessageAction="SUPPRESS")["User"]
    cognito.admin_set_user_password(**user_key, Password="Correct-horse-1", Permanent=True)
    tokens = cognito.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=client,
        AuthFlow=flows[0].removeprefix("ALLOW_"),
        AuthParameters={"USERNAME": "ada", "PASSWORD": "Correct-horse-1"},
    )["AuthenticationResult"]

    region = pool.partition("_")[0]
    verifier = Verifier(region, pool, client, fetch=fetch_document, base_url=aws.endpoint.url)

    attributes = {attribute["Name"]: attribute["Value"] for attribute in user["Attributes"]}
    assert attributes["sub"] == verifier.check(tokens["AccessToken"])
    with pytest.raises(RefusedError, match="token_use"):
        verifier.check(tokens["IdToken"])


def is_refused(token: str) -> bool:
    """Return whether the token is refused with RefusedError; any other exception is a bug."""
    try:
        UserPool().verifier.check(token)
    except RefusedError:
        return True
    return False


@given(
    position=st.integers(0, len(VALID) - 1), inserted=st.text(max_size=3), removed=st.integers(0, 3)
)
def test_mutations(position: int, inserted: str, removed: int) -> None:
    """Any change makes a valid token invalid."""
    mutation = VALID[:position] + inserted + VALID[position + removed :]

    assert (mutation != VALID) == is_refused(mutation)


@given(position=st.integers(0, len(VALID) - 1), bit=st.integers(0, 6))
def test_flipped_bits(position: int, bit: int) -> None:
    """Flipping any bit makes a valid token invalid."""
    flipped = chr(ord(VALID[position]) ^ 1 << bit)

    assert is_refused(VALID[:position] + flipped + VALID[position + 1 :])


@given(st.text() | st.lists(st.binary(max_size=99).map(base64url), max_size=5).map(".".join))
def test_any_token(token: str) -> None:
    """Any text that is not a token is refused."""
    assert is_refused(token)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(JSON)
def test_any_header(fields: Any) -> None:
    """A signed token with another header is refused."""
    assert is_refused(access_token(fields=json.dumps(fields).encode()))


@given(JSON)
def test_any_claims(value: Any) -> None:
    """A signed token with other claims is refused."""
    assert is_refused(access_token(json.dumps(value).encode()))


@given(st.sampled_from(sorted(claims())), JSON)
def test_any_claim(claim: str, value: Any) -> None:
    """A token with any value in one claim is refused, unless the claim is not used."""
    unused = {"origin_jti", "event_id", "scope", "auth_time", "jti", "username"}
    valid = {"exp": NOW < value <= NOW + DAY + 300} if type(value) in {int, float} else {}
    valid |= {"iat": 0 <= value <= NOW + 300} if type(value) in {int, float} else {}

    assert is_refused(access_token(claims(**{claim: value}))) != (
        claim in unused or valid.get(claim, False)
    )
