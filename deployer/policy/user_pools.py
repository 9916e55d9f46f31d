"""Cognito: who signs up is not given away."""

from __future__ import annotations

from deployer.policy.model import Resource, each
from deployer.policy.values import get, many, number, true

_CLASSES = ("RequireLowercase", "RequireNumbers", "RequireSymbols", "RequireUppercase")
_FLOWS = {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
_POOL, _CLIENT = "Cognito::UserPool", "Cognito::UserPoolClient"


def _strong(pool: Resource) -> bool:
    policy = pool.get("Policies", "PasswordPolicy")
    length = number(get(policy, "MinimumLength"))
    return length is not None and length >= 12 and all(true(get(policy, c)) for c in _CLASSES)


def _only_srp(client: Resource) -> bool:
    flows = set(map(str, many(client.get("ExplicitAuthFlows"))))
    return "ALLOW_USER_SRP_AUTH" in flows and flows <= _FLOWS


strong_passwords = each(
    _POOL, ok=_strong, message="takes passwords of fewer than 12 letters, or of one kind"
)
verified_mail = each(
    _POOL,
    ok=lambda one: "email" in many(one.get("AutoVerifiedAttributes")),
    message="does not see that an address is its owner's",
)
protected = each(
    _POOL,
    ok=lambda one: one.get("DeletionProtection") == "ACTIVE",
    message="can be deleted: DeletionProtection is not ACTIVE",
    protected=True,
)
silent = each(
    _CLIENT,
    ok=lambda one: one.get("PreventUserExistenceErrors") == "ENABLED",
    message="tells strangers who has an account",
)
only_srp = each(_CLIENT, ok=_only_srp, message="lets a password travel: more flows than SRP")
without_secret = each(
    _CLIENT,
    ok=lambda one: not true(one.get("GenerateSecret")),
    message="has a secret, which a browser would have to know",
)
revocable = each(
    _CLIENT,
    ok=lambda one: true(one.get("EnableTokenRevocation")),
    message="cannot take a token back",
)
