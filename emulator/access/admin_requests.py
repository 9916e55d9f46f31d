"""Send requests to the admin API (`/_emulator`), signed like requests to AWS.

If another process listens on the emulator's port, that process receives a signature, but not the
secret. The signature is valid for one request and for a few minutes. Without the secret the
process cannot respond to the challenge of `is_server_of`.
"""

from __future__ import annotations

import hmac
import http.client
import json
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulator.access import secret as secrets

SERVICE, REGION = "emulator", "local"
PATH = "/_emulator"


def send(
    url: str, method: str, path: str, body: str, *, key: tuple[str, str], timeout_seconds: float
) -> tuple[int, str]:
    """Send a request signed with *key*, a pair of account and secret; return status and body.

    Raise OSError or HTTPException if there is no valid response in time.
    """
    request = AWSRequest(method, f"{url}{path}", data=body.encode())
    SigV4Auth(Credentials(*key), SERVICE, REGION).add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout_seconds)
    try:
        connection.request(method, path, body or None, dict(request.headers.items()))
        with connection.getresponse() as response:
            return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


def is_server_of(url: str, secret: str, *, account: str, timeout_seconds: float) -> bool:
    """Return whether the server at *url* proves that it has *secret*: it responds to a challenge."""
    challenge = secrets.new_challenge()
    key = account, secret
    try:
        path = f"{PATH}?challenge={challenge}"
        status, text = send(url, "GET", path, "", key=key, timeout_seconds=timeout_seconds)
        proof = str(json.loads(text)["proof"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return False
    expected = secrets.proof(secret, challenge) or ""
    return status == http.client.OK and hmac.compare_digest(proof.encode(), expected.encode())
