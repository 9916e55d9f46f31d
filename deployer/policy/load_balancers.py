"""Load balancers: TLS as it should be, and nothing in the clear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, each
from deployer.policy.values import get, many, text, true

_POLICIES = ("ELBSecurityPolicy-TLS13-1-2-", "ELBSecurityPolicy-TLS13-1-3-")
_ENCRYPTED = ("HTTPS", "TLS")


def _attribute(balancer: Resource, key: str) -> Any:
    said = many(balancer.get("LoadBalancerAttributes"))
    return next((get(one, "Value") for one in said if get(one, "Key") == key), None)


valid_headers = each(
    "ElasticLoadBalancingV2::LoadBalancer",
    ok=lambda one: (
        one.get("Type") in ("network", "gateway")
        or true(_attribute(one, "routing.http.drop_invalid_header_fields.enabled"))
    ),
    message="passes invalid headers on",
)
protected = each(
    "ElasticLoadBalancingV2::LoadBalancer",
    ok=lambda one: true(_attribute(one, "deletion_protection.enabled")),
    message="can be deleted: deletion_protection.enabled is not 'true'",
    protected=True,
)
modern_tls = each(
    "ElasticLoadBalancingV2::Listener",
    ok=lambda one: one.get("Protocol") not in _ENCRYPTED or _modern(text(one.get("SslPolicy"))),
    message="speaks older TLS: SslPolicy is none of TLS13-1-2 or TLS13-1-3",
)


def _modern(policy: str) -> bool:
    """The extended ones let in ciphers without forward secrecy."""
    return policy.startswith(_POLICIES) and "-Ext" not in policy


def only_redirects(templates: Templates) -> Iterator[Violation]:
    """On port 80 nothing is served, by the listener or by a rule of it."""
    plain = {
        one
        for one in templates.of("ElasticLoadBalancingV2::Listener")
        if one.get("Protocol") == "HTTP"
    }
    for one in plain:
        if not _redirects(one.get("DefaultActions")):
            yield one.found("serves in the clear: it does not redirect to HTTPS")
    for rule in templates.of("ElasticLoadBalancingV2::ListenerRule"):
        served = plain & {*templates.reached(rule.stack, rule.get("ListenerArn"))}
        if served and not _redirects(rule.get("Actions")):
            yield rule.found("serves in the clear: it does not redirect to HTTPS")


def _redirects(actions: Any) -> bool:
    return all(get(one, "RedirectConfig", "Protocol") == "HTTPS" for one in many(actions) or [{}])
