"""Check that the hosted zone of the config is in the account, and that DNS delegates to it."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.errors import CloudError
from operations.preflight.checks import Finding, Planned
from operations.preflight.delegation import delegation


def domain(planned: Planned) -> Iterator[Finding]:
    """Find a hosted zone that is missing, private, of another domain, or not delegated.

    Public DNS does not have the zone of the emulator.
    """
    env = planned.target.env
    try:
        response = planned.target.client("route53").get_hosted_zone(Id=env.hosted_zone)
    except CloudError as error:
        if error.aws_code != "NoSuchHostedZone":
            raise
        create = f"aws route53 create-hosted-zone --name {env.domain} --caller-reference first"
        yield Finding(
            "command",
            f"the account has no hosted zone {env.hosted_zone}",
            f"{create}, then set hosted_zone in [env] to its id",
        )
        return
    name = response["HostedZone"]["Name"].rstrip(".")
    if not f".{env.domain}".endswith(f".{name}"):
        fact = f"the hosted zone {env.hosted_zone} is of {name}, not of {env.domain}"
        yield Finding("manual", fact, "correct hosted_zone or domain in [env]")
    elif response["HostedZone"].get("Config", {}).get("PrivateZone"):
        fact = f"the hosted zone {env.hosted_zone} is private, and certificates need public DNS"
        yield Finding("manual", fact, "create a public hosted zone")
    elif not planned.target.environment.is_local:
        yield from delegation(name, response["DelegationSet"]["NameServers"])
