"""The cache of certificates."""

from __future__ import annotations

import pytest

from cruddur.webhooks.certificates import cached_certificates
from shared.jwks import FetchError
from tests.backend.webhooks.sns_messages import CERTIFICATE_URL, certificate


def fetching(*documents):
    """Return a function that returns *documents* one after the other, and the list of its URLs."""
    remaining, urls = list(documents), []

    def fetch(url, timeout):
        urls.append(url)
        document = remaining.pop(0)
        if isinstance(document, Exception):
            raise document
        return document

    return fetch, urls


def test_cache():
    """A certificate is fetched once."""
    fetch, urls = fetching(certificate())
    find = cached_certificates(fetch)

    assert find(CERTIFICATE_URL) is find(CERTIFICATE_URL)
    assert urls == [CERTIFICATE_URL]


@pytest.mark.parametrize("failure", [FetchError("reset"), b"<html>"], ids=["error", "html"])
def test_failure(failure):
    """After a failure the certificate is fetched again."""
    fetch, urls = fetching(failure, certificate())
    find = cached_certificates(fetch)

    with pytest.raises(FetchError):
        find(CERTIFICATE_URL)

    assert find(CERTIFICATE_URL).subject.rfc4514_string() == "CN=sns.amazonaws.com"
    assert len(urls) == 2
