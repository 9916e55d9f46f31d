"""Which addresses and ports a rule of a security group lets in, however they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

from deployer.policy.model import Resource, Templates
from deployer.policy.values import get, many, number, text

ALL_PORTS = (0, 65535)
_MOST_PORTS = 32_768  # Half of all: from here on a range names no ports.

# Public addresses that one network at most has: a /8 of IPv4, a /16 of IPv6. More is the internet.
_LARGEST_IPV4, _LARGEST_IPV6 = 2**24, 2**112
_ALL = {"-1", "all"}
_WITH_PORTS = {"tcp", "udp", "6", "17"}


def ports(rule: Any) -> tuple[int | None, int | None]:
    """The first and the last port; those of every protocol are all, whatever else the rule says."""
    protocol = text(get(rule, "IpProtocol")).lower()
    first, last = number(get(rule, "FromPort")), number(get(rule, "ToPort"))
    if protocol in _ALL or (first, last) == (-1, -1):
        return ALL_PORTS
    is_open = get(rule, "FromPort") is None and get(rule, "ToPort") is None
    if is_open and protocol in _WITH_PORTS:
        return ALL_PORTS
    return first, last


def names_ports(rule: Any) -> bool:
    """Whether the range is narrow enough to name the ports that are meant."""
    first, last = ports(rule)
    return first is None or last is None or last - first + 1 < _MOST_PORTS


def are_the_internet(networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether *networks* have together more public addresses than any one owner has."""
    known = [*networks]
    public4 = _public(one for one in known if isinstance(one, IPv4Network))
    public6 = _public(one for one in known if isinstance(one, IPv6Network))
    return public4 > _LARGEST_IPV4 or public6 > _LARGEST_IPV6


def networks(
    templates: Templates, owner: Resource, rule: Any
) -> Iterator[IPv4Network | IPv6Network]:
    """The networks that *rule* names, by itself or by a prefix list of the templates."""
    named = [get(rule, "CidrIp"), get(rule, "CidrIpv6")]
    for one in templates.reached(owner.stack, get(rule, "SourcePrefixListId")):
        if one.type == "AWS::EC2::PrefixList":
            named += [get(entry, "Cidr") for entry in many(one.get("Entries"))]
    for cidr in map(text, named):
        try:
            yield ip_network(cidr.strip(), strict=False)
        except ValueError:
            continue  # Missing, or a reference to what is not known here.


def overlap(rule: Any, other: Any) -> bool:
    """Whether both let in some port."""
    (first, last), (start, end) = ports(rule), ports(other)
    if first is None or last is None or start is None or end is None:
        return (first, last) == (start, end)
    return first <= end and start <= last


def _public(networks: Iterable[Any]) -> int:
    return sum(
        one.num_addresses for one in collapse_addresses(networks) if not _is_private_whole(one)
    )


def _is_private_whole(network: Any) -> bool:
    """Whether all of it is private: `is_private` asks its first and last address."""
    return bool(network.is_private and network.num_addresses <= _PRIVATE[network.version])


_PRIVATE = {4: 2**24, 6: 2**121}  # 10.0.0.0/8 and fc00::/7 are the largest.
