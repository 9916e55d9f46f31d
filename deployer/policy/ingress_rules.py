"""The addresses and ports that an ingress rule allows, in every notation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

from deployer.policy.model import Resource, Templates
from deployer.policy.values import as_int, as_list, get, text

ALL_PORTS = (0, 65535)
_BROAD_RANGE = 32_768  # Ports: half of all.

# The largest number of public addresses that one organization has: a /8 of IPv4, a /16 of IPv6.
# Rules that allow more addresses are open to the internet.
_LARGEST_IPV4, _LARGEST_IPV6 = 2**24, 2**112
_PORT_PROTOCOLS = {"tcp", "udp", "6", "17"}
_ICMP_PROTOCOLS = {"icmp", "icmpv6", "1", "58"}  # FromPort and ToPort are an ICMP type and code.


def ports(rule: Any) -> tuple[int | None, int | None]:
    """Return the first and the last port of *rule*; (None, None) for ICMP, which has no ports.

    EC2 ignores the ports of a rule unless its protocol is TCP or UDP.
    """
    protocol = text(get(rule, "IpProtocol")).lower()
    first, last = as_int(get(rule, "FromPort")), as_int(get(rule, "ToPort"))
    if protocol in _ICMP_PROTOCOLS:
        return None, None
    if protocol and protocol not in _PORT_PROTOCOLS:
        return ALL_PORTS
    has_none = get(rule, "FromPort") is None and get(rule, "ToPort") is None
    return ALL_PORTS if has_none or (first, last) == (-1, -1) else (first, last)


def has_narrow_range(rule: Any) -> bool:
    """Return whether the rule allows fewer than half of all ports."""
    first, last = ports(rule)
    return first is None or last is None or last - first + 1 < _BROAD_RANGE


def span_the_internet(networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Return whether *networks* have more public addresses than any single organization has."""
    all_networks = [*networks]
    public4 = _public(network for network in all_networks if isinstance(network, IPv4Network))
    public6 = _public(network for network in all_networks if isinstance(network, IPv6Network))
    return public4 > _LARGEST_IPV4 or public6 > _LARGEST_IPV6


def networks(
    templates: Templates, owner: Resource, rule: Any
) -> Iterator[IPv4Network | IPv6Network]:
    """Yield the networks of *rule*: its CIDR blocks, and those of its prefix list in the templates."""
    cidrs = [get(rule, "CidrIp"), get(rule, "CidrIpv6")]
    for prefix_list in templates.referenced(owner.stack, get(rule, "SourcePrefixListId")):
        if prefix_list.type == "AWS::EC2::PrefixList":
            cidrs += [get(entry, "Cidr") for entry in as_list(prefix_list.get("Entries"))]
    for cidr in map(text, cidrs):
        try:
            yield ip_network(cidr.strip(), strict=False)
        except ValueError:
            continue  # It is missing, or a reference with an unknown value.


def ports_overlap(rule: Any, other: Any) -> bool:
    """Return whether both rules allow a common port."""
    (first, last), (start, end) = ports(rule), ports(other)
    if first is None or last is None or start is None or end is None:
        return (first, last) == (start, end)
    return first <= end and start <= last


def _public(networks: Iterable[Any]) -> int:
    return sum(
        network.num_addresses
        for network in collapse_addresses(networks)
        if not _is_private(network)
    )


def _is_private(network: Any) -> bool:
    """Return whether all of *network* is private; `is_private` checks only its first and last address."""
    return bool(network.is_private and network.num_addresses <= _PRIVATE[network.version])


_PRIVATE = {4: 2**24, 6: 2**121}  # 10.0.0.0/8 and fc00::/7 are the largest.
