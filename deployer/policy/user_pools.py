"""Rules for Cognito user pools and their clients."""

from __future__ import annotations

from deployer.policy.model import Resource, for_each_resource
from deployer.policy.values import as_int, as_list, get, is_false, is_true

_CLASSES = ("RequireLowercase", "RequireNumbers", "RequireSymbols", "RequireUppercase")
_FLOWS = {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
_POOL, _CLIENT = "Cognito::UserPool", "Cognito::UserPoolClient"


def _has_strong_passwords(pool: Resource) -> bool:
    policy = pool.get("Policies", "PasswordPolicy")
    length = as_int(get(policy, "MinimumLength"))
    return (
        length is not None and length >= 12 and all(is_true(get(policy, key)) for key in _CLASSES)
    )


def _is_of_service(client: Resource) -> bool:
    """Return whether *client* is for a service: it authenticates itself with a secret, and no user."""
    return as_list(client.get("AllowedOAuthFlows")) == ["client_credentials"]


def _allows_only_srp(client: Resource) -> bool:
    if _is_of_service(client):
        return not as_list(client.get("ExplicitAuthFlows"))
    flows = set(map(str, as_list(client.get("ExplicitAuthFlows"))))
    return "ALLOW_USER_SRP_AUTH" in flows and flows <= _FLOWS


strong_passwords = for_each_resource(
    _POOL,
    is_valid=_has_strong_passwords,
    message="allows passwords of fewer than 12 characters or fewer than four character classes",
)
verified_email = for_each_resource(
    _POOL,
    is_valid=lambda pool: "email" in as_list(pool.get("AutoVerifiedAttributes")),
    message="does not verify email addresses: AutoVerifiedAttributes has no email",
)
protected = for_each_resource(
    _POOL,
    is_valid=lambda pool: pool.get("DeletionProtection") == "ACTIVE",
    message="can be deleted: DeletionProtection is not ACTIVE",
    protected=True,
)
hides_users = for_each_resource(
    _CLIENT,
    is_valid=lambda client: client.get("PreventUserExistenceErrors") == "ENABLED",
    message="reveals which users exist: PreventUserExistenceErrors is not ENABLED",
)
only_srp = for_each_resource(
    _CLIENT,
    is_valid=_allows_only_srp,
    message="allows other authentication flows than SRP and refresh tokens",
)
without_secret = for_each_resource(
    _CLIENT,
    is_valid=lambda client: _is_of_service(client) or not is_true(client.get("GenerateSecret")),
    message="has a client secret, which a browser cannot keep",
)
revocable = for_each_resource(
    _CLIENT,
    # Cognito enables it by default.
    is_valid=lambda client: not is_false(client.get("EnableTokenRevocation")),
    message="cannot revoke tokens: EnableTokenRevocation is false",
)
