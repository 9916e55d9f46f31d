"""The delegation of the domain is read from public DNS."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from operations.preflight import delegation
from operations.preflight.delegation import name_servers
from tests.operations.preflight.ready_account import SERVERS, preflight

LISTED = " ".join(SERVERS)
DELEGATIONS = [
    pytest.param(
        set(),
        "manual",
        "public DNS does not delegate x.example",
        id="a domain that is not delegated",
    ),
    pytest.param(
        {"ns.registrar.example"},
        "manual",
        "public DNS delegates x.example to ns.registrar.example",
        id="other name servers",
    ),
    pytest.param(
        {SERVERS[0]},
        "manual",
        f"public DNS delegates x.example to {SERVERS[0]}",
        id="some of the name servers",
    ),
]


@pytest.mark.parametrize(("found", "verdict", "fact"), DELEGATIONS)
def test_delegation(
    found: set[str], verdict: str, fact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The NS records of public DNS have to be the name servers of the hosted zone."""
    monkeypatch.setattr(delegation, "name_servers", lambda _: found)

    assert preflight() == [
        (
            "domain",
            verdict,
            fact,
            f"at the registrar, or as NS record of the parent zone, set the name servers {LISTED}",
        )
    ]


def test_no_public_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a resolver the delegation is not checked."""

    def name_servers(_: str) -> set[str]:
        raise delegation.DnsError("no resolver answers")

    monkeypatch.setattr(delegation, "name_servers", name_servers)

    assert preflight() == [
        (
            "domain",
            "unknown",
            f"whether public DNS delegates x.example to {LISTED}: no resolver answers",
            "run: dig +short NS x.example",
        )
    ]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Return the socket of a name server on the loopback interface, the only one that is asked."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        local = dns.resolver.Resolver(configure=False)
        local.nameservers, local.port = ["127.0.0.1"], server.getsockname()[1]
        monkeypatch.setattr(dns.resolver, "default_resolver", local)
        yield server


def respond(server: socket.socket, code: dns.rcode.Rcode, *servers: str) -> threading.Thread:
    """Answer one query with NS records."""

    def serve() -> None:
        query, client = server.recvfrom(512)
        response = dns.message.make_response(dns.message.from_wire(query))
        response.set_rcode(code)
        if servers:
            response.answer.append(dns.rrset.from_text("x.example.", 60, "IN", "NS", *servers))
        server.sendto(response.to_wire(), client)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("code", "records", "found"),
    [
        (dns.rcode.NOERROR, ("NS-1.example.", "ns-2.example."), {"ns-1.example", "ns-2.example"}),
        (dns.rcode.NOERROR, (), set()),
        (dns.rcode.NXDOMAIN, (), set()),
    ],
)
def test_name_servers(
    resolver: socket.socket, code: dns.rcode.Rcode, records: tuple[str, ...], found: set[str]
) -> None:
    """A domain without NS records, or that does not exist, has no name servers."""
    thread = respond(resolver, code, *records)

    assert name_servers("x.example") == found
    thread.join()


def test_a_resolver_that_fails(resolver: socket.socket) -> None:
    """A failure of the resolver says nothing about the domain."""
    thread = respond(resolver, dns.rcode.SERVFAIL)

    with pytest.raises(delegation.DnsError, match="SERVFAIL"):
        name_servers("x.example")
    thread.join()
