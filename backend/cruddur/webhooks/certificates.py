"""The certificates with which SNS signs messages, cached for the life of the process."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from cryptography.x509 import Certificate, load_pem_x509_certificate

from shared.jwks import Fetch, FetchError

TIMEOUT_SECONDS = 3.0  # SNS waits 15 seconds for a response.
_CACHED = 4  # SNS uses one certificate at a time, and rotates it.


def cached_certificates(fetch: Fetch) -> Callable[[str], Certificate]:
    """Return a function that returns the certificate at a URL and fetches each certificate once.

    The function raises FetchError; the next call for the URL fetches the certificate again.
    """

    @lru_cache(maxsize=_CACHED)
    def certificate(url: str) -> Certificate:
        try:
            return load_pem_x509_certificate(fetch(url, TIMEOUT_SECONDS))
        except ValueError as error:
            raise FetchError(f"not a certificate: {error}") from error

    return certificate
