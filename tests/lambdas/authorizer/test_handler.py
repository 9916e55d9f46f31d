"""The results of the authorizer, and its log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authorizer.handler import authorize, handler
from shared.jwks import FetchError, JwksError
from shared.tokens import Verifier
from tests.lambdas.access_tokens import (
    CLIENT,
    NOW,
    POOL,
    REGION,
    SUB,
    USUAL_KEYS,
    access_token,
    claims,
)
from tests.lambdas.scripted_server import OK, serve
from tests.lambdas.user_pool import ALLOWED, UserPool, decision

FOLDER = Path(handler.__code__.co_filename).parent
EVENTS = FOLDER / "events"
VALID = access_token()


def sample_event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def test_sample_event_with_a_token(capsys: Any) -> None:
    """The token of the sample event is invalid; with a valid token the request is allowed."""
    sample = sample_event("with_token")

    assert decision(sample, UserPool().verifier, capsys) == "form"
    sample["headers"]["authorization"] = f"Bearer {VALID}"
    assert decision(sample, UserPool().verifier, capsys) == ALLOWED


def test_sample_event_without_a_token(capsys: Any) -> None:
    """A request without a token is refused."""
    assert decision(sample_event("without_token"), UserPool().verifier, capsys) == "authorization"


def test_unavailable_keys_are_an_error(capsys: Any) -> None:
    """If the keys are unavailable, the function fails, so API Gateway returns 500 instead of 403."""

    def fetch(url: str, timeout: float) -> bytes:
        raise FetchError("ConnectionRefusedError: no server")

    verifier = Verifier(REGION, POOL, CLIENT, clock=lambda: NOW, fetch=fetch)

    with pytest.raises(JwksError, match="no server"):
        authorize({"headers": {"authorization": f"Bearer {VALID}"}}, verifier)

    expected = {"event": "no keys", "reason": "ConnectionRefusedError: no server"}
    assert expected == json.loads(capsys.readouterr().out)


RUN_WITHOUT_UNUSED_MODULES = """
import json, sys

class WithoutUnusedModules:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in excluded:
            raise ModuleNotFoundError(name)

excluded, events = json.load(sys.stdin)
sys.meta_path.insert(0, WithoutUnusedModules())
from authorizer.handler import handler
results = [handler(event, None) for event in events]
assert not {"boto3", "botocore", "urllib3", "requests"} & set(sys.modules), "imported"
print(json.dumps(results))
"""


def test_without_unused_modules() -> None:
    """The function works without boto3 and the modules that `unused.txt` removes from its zip.

    It fetches the keys from AWS_ENDPOINT_URL and uses the real clock.
    """
    lines = (FOLDER / "unused.txt").read_text().splitlines()
    excluded = [line for line in lines if line and not line.startswith("#")]
    current = access_token(claims(exp=time.time() + 60, iat=time.time()))
    events = [{"headers": {"authorization": f"Bearer {token}"}} for token in (current, VALID[:-9])]
    with serve([OK + USUAL_KEYS]) as server:
        settings = {
            "AWS_REGION": REGION,
            "USER_POOL_ID": POOL,
            "CLIENT_ID": CLIENT,
            "AWS_ENDPOINT_URL": server.url,
            "PYTHONPATH": str(FOLDER.parent),
        }
        process = subprocess.run(
            [sys.executable, "-W", "error", "-c", RUN_WITHOUT_UNUSED_MODULES],
            input=json.dumps([[*excluded, "boto3", "botocore"], events]),
            env=os.environ | settings,
            capture_output=True,
            text=True,
            check=False,
        )

    assert excluded == ["ecdsa", "pyasn1", "rsa", "six"]
    assert process.returncode == 0, process.stderr
    *logged, results = map(json.loads, process.stdout.splitlines())
    assert results == [{"isAuthorized": True, "context": {"sub": SUB}}, {"isAuthorized": False}]
    assert [line["event"] for line in logged] == ["refused"]
    assert server.requested_paths == [f"/{POOL}/.well-known/jwks.json"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(JSON | st.dictionaries(st.just("authorization"), JSON))
def test_any_headers(headers: Any) -> None:
    """A request with any other headers is refused, never an error."""
    assert authorize({"headers": headers}, UserPool().verifier) == {"isAuthorized": False}
