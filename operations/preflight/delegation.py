"""Check with public DNS that a domain is delegated to the name servers of its hosted zone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from operations.preflight.checks import Finding

TIMEOUT_SECONDS = 5.0


def delegation(zone: str, servers: Iterable[str]) -> Iterator[Finding]:
    """Find a *zone* whose NS records in public DNS are not its name *servers*.

    Certificates are validated with records in the zone, so a stack with a certificate would wait
    until it fails.
    """
    wanted = {server.rstrip(".").lower() for server in servers}
    listed = " ".join(sorted(wanted))
    action = f"at the registrar, or as NS record of the parent zone, set the name servers {listed}"
    try:
        found = name_servers(zone)
    except DnsError as error:
        yield Finding(
            "unknown",
            f"whether public DNS delegates {zone} to {listed}: {error}",
            f"run: dig +short NS {zone}",
        )
        return
    if not found:
        yield Finding("manual", f"public DNS does not delegate {zone}", action)
    elif found != wanted:
        fact = f"public DNS delegates {zone} to {' '.join(sorted(found))}"
        yield Finding("manual", fact, action)


class DnsError(Exception):
    """A resolver did not answer."""


def name_servers(zone: str) -> set[str]:
    """Return the name servers of *zone* in public DNS; an empty set if there are none.

    Raise DnsError if no resolver answers.
    """
    import dns.exception
    import dns.resolver

    try:
        answer = dns.resolver.resolve(zone, "NS", lifetime=TIMEOUT_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return set()
    except dns.exception.DNSException as error:
        raise DnsError(str(error)) from error
    return {str(record.target).rstrip(".").lower() for record in answer}
