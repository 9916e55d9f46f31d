"""Verification of an access token, with all rules, against aws-jwt-verify; in whole processes.

"Warm" is many verifications with cached keys, so that the start hardly counts: a goal of 1.000
means as many verifications per second as the peer. The stretch goals are 0.667 warm and 1.000 cold.
On both sides the RSA operation takes most of the warm time.
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
    values = json.load(file)
keys = json.dumps(values["jwks"]).encode()
if base:
    from shared.fetch import fetch_document

    options = {"fetch": fetch_document, "base_url": base[0]}
else:
    options = {"fetch": lambda url, timeout: keys}
check = Verifier(values["region"], values["pool"], values["client"], **options).check
for _ in range(int(times)):
    check(values["token"])
"""


def rows(rounds: int) -> Iterator[Line]:
    """Yield the rows: warm, cold with cached keys, and cold with keys from a local server."""
    try:
        npm.install("aws-jwt-verify", HERE / "package.json", HOME)
    except NoPeer as absent:
        yield absent.line
        return
    shutil.copy(HERE / "verify.js", HOME)
    input_file = _write_input()
    for name, times, goal in ((f"warm, {WARM} checks", WARM, 1.0), ("cold, keys cached", 1, 1.3)):
        peer = command("node", "verify.js", input_file, str(times), cwd=HOME)
        yield paired(name, _ours(input_file, str(times)), peer, rounds=rounds, goal=goal)
    with _key_server() as (url, certificate):
        peer = command(
            *("node", "verify.js", input_file, "1", url),
            cwd=HOME,
            env={"NODE_EXTRA_CA_CERTS": certificate},
        )
        ours = _ours(input_file, "1", url, SSL_CERT_FILE=certificate)
        yield paired("cold, keys fetched", ours, peer, rounds=rounds)


def _write_input() -> Path:
    """Write the input of both sides: a token that is valid for an hour, and the keys of its pool."""
    now = int(time.time())
    values = {
        "region": REGION,
        "pool": POOL,
        "client": CLIENT,
        "token": access_token(claims(iat=now, auth_time=now, exp=now + 3600)),
        "jwks": json.loads(USUAL_KEYS),
    }
    path = HOME / "input.json"
    path.write_text(json.dumps(values))
    return path


def _ours(input_file: Path, *arguments: str, **env: str) -> Command:
    variables = {"PYTHONPATH": str(ROOT / "lambdas")} | env
    return command(sys.executable, "-c", OURS, input_file, *arguments, env=variables)


@contextmanager
def _key_server() -> Iterator[tuple[str, str]]:
    """Serve the keys; yield the URL, and the file with the certificate of the server."""
    tls = self_signed(HOME)
    with serve([OK + USUAL_KEYS], tls=tls) as server:
        yield server.url, str(HOME / "tls.pem")
