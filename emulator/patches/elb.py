"""Route requests to load balancers by DNS name or alias, in any account, to a listener by port.

A client sends its request to the emulator. The Host header is the DNS name of the load balancer, or
a domain with an alias record for it. A request with `Host: NAME:443` or `X-Forwarded-Proto: https` is
for the listener on port 443; other requests are for the one on port 80. There is no TLS here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from emulator.containers import proxy
from emulator.ministack import (
    asgi,
    cloudformation,
    context,
    load_balancers,
    lookup,
    services,
)
from emulator.ministack.cloudformation import Created, Props, ResourceType
from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "A request to the DNS name of a load balancer, or to an alias record for it, is handled by "
        "the listener on the port of the request.",
        source="load balancer user guide, Listeners",
        ministack="Only in one account and region, always the first listener.",
        test="test_routing",
    ),
    Difference(
        "A load balancer needs subnets in two Availability Zones, and an HTTPS listener needs a "
        "certificate.",
        source="API reference of CreateLoadBalancer and CreateListener",
        ministack="Accepted.",
        test="test_invalid_load_balancer",
    ),
    Difference(
        "ListenerCertificate adds certificates to a listener.",
        source="AWS::ElasticLoadBalancingV2::ListenerCertificate",
        ministack="Unknown type.",
        test="test_routing",
    ),
    Difference(
        "Load balancers, CloudFront and APIs accept TLS connections.",
        source="their user guides",
        ministack="Plain HTTP on one port; the Host or X-Forwarded-Proto header selects the listener.",
        consequence="Certificates and TLS policies are tested in the template only.",
    ),
)

_LOAD_BALANCER = ResourceType("AWS::ElasticLoadBalancingV2::LoadBalancer")
_LISTENER = ResourceType("AWS::ElasticLoadBalancingV2::Listener")
_SERVICE = "ElasticLoadBalancingV2"
_HOSTED_ZONE_IDS = {"us-east-1": "Z35SXDOTRQ7X7K", "ca-central-1": "ZQSVJUPU6J1EY"}
_MIN_AVAILABILITY_ZONES = 2
_ADDITIONAL_CERTIFICATES = "_more_certificates"

_load_balancers: Any = lookup.attribute(services.alb, "_lbs")
_listeners: Any = lookup.attribute(services.alb, "_listeners")
_dispatch: Any = lookup.attribute(services.alb, "dispatch_request")


@dataclass(frozen=True)
class _Match:
    """A load balancer that a client requested."""

    account: str
    region: str
    load_balancer: dict[str, Any]


def install() -> None:
    """Install the patch."""
    _LOAD_BALANCER.create.before(_check_availability_zones)
    _LOAD_BALANCER.create.after(_set_hosted_zone_id)
    _LOAD_BALANCER.update.after(_set_hosted_zone_id)
    _LISTENER.create.before(_check_certificate)
    cloudformation.add_type(
        "AWS::ElasticLoadBalancingV2::ListenerCertificate",
        create=_add_certificates,
        update=lambda listener, _old, new, stack: _add_certificates(listener, new, stack),
        delete=_remove_certificates,
    )
    asgi.application.around(_route)


def _check_availability_zones(_title: str, props: Props, _stack: str) -> Created | None:
    subnets = props.get("Subnets") or []
    known = [services.subnets[subnet] for subnet in subnets if subnet in services.subnets]
    zones = {subnet["AvailabilityZone"] for subnet in known}
    if subnets and len(zones) < _MIN_AVAILABILITY_ZONES:
        message = "At least two subnets in two different Availability Zones must be specified"
        raise services.refusal(message, _SERVICE)
    return None


def _set_hosted_zone_id(created: Created, *_args: Any) -> Created:
    """Set the hosted zone id that alias records of the region's load balancers need."""
    arn, attributes = created
    zone = _HOSTED_ZONE_IDS.get(context.region(), attributes["CanonicalHostedZoneID"])
    return arn, {**attributes, "CanonicalHostedZoneID": zone}


def _check_certificate(_title: str, props: Props, _stack: str) -> Created | None:
    if props.get("Protocol") == "HTTPS" and not props.get("Certificates"):
        raise services.refusal("A certificate must be specified for HTTPS listeners", _SERVICE)
    return None


def _add_certificates(_title: str, props: Props, _stack: str) -> Created:
    listener = _listener(props)
    certificates = [certificate["CertificateArn"] for certificate in props["Certificates"]]
    listener[_ADDITIONAL_CERTIFICATES] = sorted(
        {*listener.get(_ADDITIONAL_CERTIFICATES, []), *certificates}
    )
    return props["ListenerArn"], {"Id": props["ListenerArn"]}


def _remove_certificates(_listener_arn: str, props: Props) -> None:
    removed = {certificate["CertificateArn"] for certificate in props["Certificates"]}
    listener = _listener(props)
    listener[_ADDITIONAL_CERTIFICATES] = sorted(
        {*listener.get(_ADDITIONAL_CERTIFICATES, [])} - removed
    )


def _listener(props: Props) -> dict[str, Any]:
    if props["ListenerArn"] not in _listeners:
        raise services.refusal(f"Listener '{props['ListenerArn']}' not found", _SERVICE)
    listener: dict[str, Any] = _listeners[props["ListenerArn"]]
    return listener


async def _route(
    application: asgi.Application, scope: dict[str, Any], receive: Any, send: Any
) -> None:
    """Handle requests to load balancers before MiniStack, which uses some of the paths itself."""
    headers = asgi.request_headers(scope) if scope["type"] == "http" else {}
    host = headers.get("host", "")
    match = find(host)
    if match is None:
        await application(scope, receive, send)
        return
    body = await asgi.read_body(receive)
    query = scope["query_string"].decode("latin-1")
    with context.scope(match.account, match.region):
        arn = match.load_balancer["LoadBalancerArn"]
        proxy.IDLE_SECONDS.set(load_balancers.idle_timeout_seconds(arn))
        response = await _dispatch(
            match.load_balancer,
            scope["method"],
            scope["path"],
            {**headers, "host": host.partition(":")[0]},
            body,
            parse_qs(query, keep_blank_values=True),
            _port(host, headers),
            raw_query_string=query,
            raw_path=scope["raw_path"].decode("latin-1"),
        )
        await asgi.send_response_or_stream(send, response, receive)


def _port(host: str, headers: dict[str, str]) -> int:
    if host.endswith(":443") or headers.get("x-forwarded-proto") == "https":
        return 443
    return 80


def find(host: str) -> _Match | None:
    """Return the load balancer that a client reaches at *host*, with its account and region."""
    name = asgi.resource_name(host)
    if not name:
        return None
    name = _alias_target(name)
    for (account, region, _), load_balancer in context.items_of_all_accounts(_load_balancers):
        if load_balancer["DNSName"].lower() == name:
            return _Match(account, region, load_balancer)
    return None


def names() -> list[str]:
    """Return the names of the alias records for load balancers, in lower case."""
    records = [
        record["Name"].rstrip(".").lower()
        for _, records in context.items_of_all_accounts(services.records)
        for record in records
        if "AliasTarget" in record
    ]
    return sorted({name for name in records if find(name)})


def _alias_target(name: str) -> str:
    """Return the target of the alias record *name* without `dualstack.`, or *name* without one."""
    for _, records in context.items_of_all_accounts(services.records):
        for record in records:
            if record["Name"].rstrip(".").lower() == name and "AliasTarget" in record:
                target: str = record["AliasTarget"]["DNSName"].rstrip(".").lower()
                return target.removeprefix("dualstack.")
    return name
