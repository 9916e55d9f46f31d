"""Checks of one access token, every rule on, against aws-jwt-verify; whole processes.

Warm is many checks with keys that are known, so the start hardly counts: a goal of 1.000 is as
many checks a second as the peer's. The stretch goals are 0.667 warm and 1.000 cold.
Of the warm time, the RSA operation is most on both sides, and nobody's to save.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import npm
from tests.bench.npm import NoPeer
from tests.bench.timing import ROOT, SCRATCH, Command, Line, command, paired
from tests.lambdas.access_tokens import CLIENT, POOL, REGION, USUAL_KEYS, access_token, claims
from tests.lambdas.scripted_server import OK, self_signed, serve

HERE = Path(__file__).parent / "authorizer"
HOME = SCRATCH / "authorizer"

WARM = 50_000

OURS = """
import json, sys
from shared.tokens import Verifier

path, times, *base = sys.argv[1:]
with open(path) as file:
    given = json.load(file)
keys = json.dumps(given["jwks"]).encode()
if base:
    from shared.fetch import fetch_jwks

    how = {"fetch": fetch_jwks, "base": base[0]}
else:
    how = {"fetch": lambda url, timeout: keys}
check = Verifier(given["region"], given["pool"], given["client"], **how).check
for _ in range(int(times)):
    check(given["token"])
"""


def rows(rounds: int) -> Iterator[Line]:
    """Warm, cold with keys at hand, and cold as it is: with keys from a server of this machine."""
    try:
        npm.install("aws-jwt-verify", HERE / "package.json", HOME)
    except NoPeer as absent:
        yield absent.line
        return
    shutil.copy(HERE / "verify.js", HOME)
    given = _given()
    for name, times, goal in ((f"warm, {WARM} checks", WARM, 1.0), ("cold, keys at hand", 1, 1.3)):
        peer = command("node", "verify.js", given, str(times), cwd=HOME)
        yield paired(name, _ours(given, str(times)), peer, rounds=rounds, goal=goal)
    with _pool() as (url, trusted):
        peer = command(
            *("node", "verify.js", given, "1", url), cwd=HOME, env={"NODE_EXTRA_CA_CERTS": trusted}
        )
        ours = _ours(given, "1", url, SSL_CERT_FILE=trusted)
        yield paired("cold, keys fetched", ours, peer, rounds=rounds)


def _given() -> Path:
    """What both sides are given: a token that is good for an hour, and the keys of its pool."""
    now = int(time.time())
    given = {
        "region": REGION,
        "pool": POOL,
        "client": CLIENT,
        "token": access_token(claims(iat=now, auth_time=now, exp=now + 3600)),
        "jwks": json.loads(USUAL_KEYS),
    }
    path = HOME / "given.json"
    path.write_text(json.dumps(given))
    return path


def _ours(given: Path, *arguments: str, **env: str) -> Command:
    known = {"PYTHONPATH": str(ROOT / "lambdas")}
    return command(sys.executable, "-c", OURS, given, *arguments, env=known | env)


@contextmanager
def _pool() -> Iterator[tuple[str, str]]:
    """Where the keys are, and the file with the certificate to trust for it."""
    tls = self_signed(HOME)
    with serve([OK + USUAL_KEYS], tls=tls) as there:
        yield there.url, str(HOME / "tls.pem")
