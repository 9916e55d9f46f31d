"""Rules for load balancers: TLS, headers and deletion protection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deployer.policy.model import Resource, Templates, Violation, for_each_resource
from deployer.policy.values import as_list, get, is_true, text

_POLICIES = ("ELBSecurityPolicy-TLS13-1-2-", "ELBSecurityPolicy-TLS13-1-3-")
_ENCRYPTED = ("HTTPS", "TLS")


def _attribute(balancer: Resource, key: str) -> Any:
    attributes = as_list(balancer.get("LoadBalancerAttributes"))
    return next(
        (get(attribute, "Value") for attribute in attributes if get(attribute, "Key") == key), None
    )


valid_headers = for_each_resource(
    "ElasticLoadBalancingV2::LoadBalancer",
    is_valid=lambda resource: (
        resource.get("Type") in ("network", "gateway")
        or is_true(_attribute(resource, "routing.http.drop_invalid_header_fields.enabled"))
    ),
    message="forwards invalid headers: drop_invalid_header_fields.enabled is not 'true'",
)
protected = for_each_resource(
    "ElasticLoadBalancingV2::LoadBalancer",
    is_valid=lambda resource: is_true(_attribute(resource, "deletion_protection.enabled")),
    message="can be deleted: deletion_protection.enabled is not 'true'",
    protected=True,
)
modern_tls = for_each_resource(
    "ElasticLoadBalancingV2::Listener",
    is_valid=lambda resource: (
        resource.get("Protocol") not in _ENCRYPTED or _is_modern(text(resource.get("SslPolicy")))
    ),
    message="allows old TLS versions: SslPolicy is not one of TLS13-1-2 or TLS13-1-3",
)


def _is_modern(policy: str) -> bool:
    """Return whether *policy* excludes old TLS and, as `-Ext` policies do not, weak ciphers."""
    return policy.startswith(_POLICIES) and "-Ext" not in policy


def only_redirects(templates: Templates) -> Iterator[Violation]:
    """HTTP listeners and their rules only redirect to HTTPS."""
    plain = {
        listener
        for listener in templates.of_type("ElasticLoadBalancingV2::Listener")
        if listener.get("Protocol") == "HTTP"
    }
    for listener in plain:
        if not _redirects(listener.get("DefaultActions")):
            yield listener.violation(
                "serves requests over HTTP: it does not redirect them to HTTPS"
            )
    for rule in templates.of_type("ElasticLoadBalancingV2::ListenerRule"):
        listeners = plain & {*templates.referenced(rule.stack, rule.get("ListenerArn"))}
        if listeners and not _redirects(rule.get("Actions")):
            yield rule.violation("serves requests over HTTP: it does not redirect them to HTTPS")


def _redirects(actions: Any) -> bool:
    return all(
        get(action, "RedirectConfig", "Protocol") == "HTTPS" for action in as_list(actions) or [{}]
    )
