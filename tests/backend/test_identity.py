"""Tests of cruddur.identity: tokens of other kinds are in tests/lambdas/authorizer/."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cruddur.app import create_app
from shared.jwks import FetchError
from shared.tokens import Verifier
from tests.backend.api import problem
from tests.lambdas import access_tokens
from tests.lambdas.access_tokens import NOW, access_token, claims

HOME = "/api/activities/home"


@pytest.mark.parametrize(
    "token",
    [
        access_token(claims(exp=NOW - 1)),
        access_token(claims(token_use="id")),
        access_token(claims(client_id="another")),
        access_token(claims(iss="https://cognito-idp.ca-central-1.amazonaws.com/another")),
        access_token(key=access_tokens.UNKNOWN_KEY),
    ],
    ids=["expired", "id token", "other client", "other pool", "other key"],
)
def test_a_bad_token_never_shows_the_public_feed(api, token):
    """An expired or forged token is refused; the original served the public feed for it."""
    response = api.get(HOME, headers={"Authorization": f"Bearer {token}"})

    assert problem(response) == (401, [("token_invalid", "authorization")])


def test_the_scheme_has_any_case(andrew):
    """The scheme Bearer has any case: RFC 9110, section 11.1."""
    header = andrew.headers["Authorization"].replace("Bearer", "bEARER")

    assert andrew.get(HOME, headers={"Authorization": header}).status_code == 200


def test_keys_that_are_not_available(services, andrew, api):
    """Without the keys of the pool, no token can be verified: the response is 503."""

    def fails(_url: str, _timeout: float) -> bytes:
        raise FetchError("timeout")

    verifier = Verifier(access_tokens.REGION, access_tokens.POOL, access_tokens.CLIENT, fetch=fails)
    client = create_app(services=replace(services, token_verifier=verifier)).test_client()
    with_token, anonymous = client.get(HOME, headers=andrew.headers), client.get(HOME)

    assert (problem(with_token), with_token.headers["Retry-After"]) == ((503, []), "2")
    assert anonymous.status_code == 200


def test_keys_are_fetched_once(services, andrew):
    """The keys are fetched once; the original fetched them for every request."""
    urls: list[str] = []

    def fetch(url: str, _timeout: float) -> bytes:
        urls.append(url)
        return access_tokens.USUAL_KEYS

    pool = (access_tokens.REGION, access_tokens.POOL, access_tokens.CLIENT)
    verifier = Verifier(*pool, fetch=fetch, clock=lambda: NOW)
    client = create_app(services=replace(services, token_verifier=verifier)).test_client()
    for _ in range(5):
        client.get(HOME, headers=andrew.headers)

    assert urls == [f"{access_tokens.ISSUER}/.well-known/jwks.json"]
