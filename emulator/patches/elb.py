"""Load balancers: found by DNS name or alias in any account, on the listener a client would reach.

A test or a browser sends its request to the emulator with the load balancer's name, or a
domain with an alias record for it, as Host. `Host: NAME:443` or `X-Forwarded-Proto: https`
reach the listener on 443; without them it is the one on 80. There is no TLS here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from emulator import ministack
from emulator.ministack import Props

Asgi = Callable[..., Awaitable[None]]
Made = tuple[str, dict[str, Any]]

_ELB = "AWS::ElasticLoadBalancingV2"
_ALIAS_ZONES = {"us-east-1": "Z35SXDOTRQ7X7K", "ca-central-1": "ZQSVJUPU6J1EY"}
_ENOUGH_ZONES = 2


@dataclass(frozen=True)
class _Found:
    account: str
    region: str
    balancer: dict[str, Any]


def close() -> None:
    """Complete what a stack can make, and route requests as DNS would."""
    ministack.wrap_type(f"{_ELB}::LoadBalancer", "create", _in_two_zones)
    for verb in ("create", "update"):
        ministack.wrap_type(f"{_ELB}::LoadBalancer", verb, _in_its_region)
    ministack.wrap_type(f"{_ELB}::Listener", "create", _with_certificate)
    ministack.TYPES[f"{_ELB}::ListenerCertificate"] = {
        "create": _add_certificates,
        "update": lambda listener, _old, new, stack: _add_certificates(listener, new, stack),
        "delete": _remove_certificates,
    }
    ministack.swap(ministack, "ASGI", _routed)


def _in_two_zones(create: Callable[..., Made]) -> Callable[..., Made]:
    def creating(title: str, props: Props, stack: str) -> Made:
        subnets = ministack.store(ministack.ec2, "_subnets")
        given = props.get("Subnets") or []
        zones = {subnets[one]["AvailabilityZone"] for one in given if one in subnets}
        if given and len(zones) < _ENOUGH_ZONES:
            message = "At least two subnets in two different Availability Zones must be specified"
            raise ValueError(f"{message} (Service: ElasticLoadBalancingV2, Status Code: 400)")
        return create(title, props, stack)

    return creating


def _in_its_region(make: Callable[..., Made]) -> Callable[..., Made]:
    """Name the zone that alias records of the region's load balancers name."""

    def making(*args: Any) -> Made:
        made, attributes = make(*args)
        zone = _ALIAS_ZONES.get(ministack.region(), attributes["CanonicalHostedZoneID"])
        return made, {**attributes, "CanonicalHostedZoneID": zone}

    return making


def _with_certificate(create: Callable[..., Made]) -> Callable[..., Made]:
    def creating(title: str, props: Props, stack: str) -> Made:
        if props.get("Protocol") == "HTTPS" and not props.get("Certificates"):
            message = "A certificate must be specified for HTTPS listeners"
            raise ValueError(f"{message} (Service: ElasticLoadBalancingV2, Status Code: 400)")
        return create(title, props, stack)

    return creating


def _add_certificates(_title: str, props: Props, _stack: str) -> Made:
    listener = _listener(props)
    more = [one["CertificateArn"] for one in props["Certificates"]]
    listener["_more_certificates"] = sorted({*listener.get("_more_certificates", []), *more})
    return props["ListenerArn"], {"Id": props["ListenerArn"]}


def _remove_certificates(_listener_arn: str, props: Props) -> None:
    gone = {one["CertificateArn"] for one in props["Certificates"]}
    listener = _listener(props)
    listener["_more_certificates"] = sorted({*listener.get("_more_certificates", [])} - gone)


def _listener(props: Props) -> dict[str, Any]:
    listeners = ministack.store(ministack.elb, "_listeners")
    if props["ListenerArn"] not in listeners:
        message = f"Listener '{props['ListenerArn']}' not found"
        raise ValueError(f"{message} (Service: ElasticLoadBalancingV2, Status Code: 400)")
    found: dict[str, Any] = listeners[props["ListenerArn"]]
    return found


def _routed(emulator: Asgi) -> Asgi:
    """Handle these requests before MiniStack reads the path, which may equal one of its own."""

    async def routing(scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = ministack.headers_of(scope) if scope["type"] == "http" else {}
        host = headers.get("host", "")
        found = find(host)
        if found is None:
            await emulator(scope, receive, send)
            return
        body = await ministack.body_of(receive)
        query = scope["query_string"].decode("latin-1")
        port = _port(host, headers)
        headers = {**headers, "host": host.partition(":")[0]}
        with ministack.scope(found.account, found.region):
            answer = await ministack.elb.dispatch_request(
                found.balancer,
                scope["method"],
                scope["path"],
                headers,
                body,
                parse_qs(query, keep_blank_values=True),
                port,
                raw_query_string=query,
                raw_path=scope["raw_path"].decode("latin-1"),
            )
            await ministack.send_any(send, answer, receive)

    return routing


def _port(host: str, headers: dict[str, str]) -> int:
    if host.endswith(":443") or headers.get("x-forwarded-proto") == "https":
        return 443
    return 80


def find(host: str) -> _Found | None:
    """Return whose load balancer a client at *host* would reach."""
    name = host.partition(":")[0].lower()
    if not name or name.replace(".", "").isdigit() or name == "localhost":
        return None
    name = _alias(name)
    for (account, region, _), balancer in ministack.everywhere(
        ministack.store(ministack.elb, "_lbs")
    ):
        if balancer["DNSName"].lower() == name:
            return _Found(account, region, balancer)
    return None


def _alias(name: str) -> str:
    """Follow an alias record to what it names; `dualstack.` is another name for the same."""
    for _, records in ministack.everywhere(ministack.store(ministack.route53, "_records")):
        for record in records:
            if record["Name"].rstrip(".").lower() == name and "AliasTarget" in record:
                name = record["AliasTarget"]["DNSName"].rstrip(".").lower()
                return name.removeprefix("dualstack.")
    return name
