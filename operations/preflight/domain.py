"""Check that the hosted zone of the config is in the account and serves the domain."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.errors import CloudError
from operations.preflight.checks import Finding, Planned


def domain(planned: Planned) -> Iterator[Finding]:
    """Find a hosted zone that is missing, private, or of another domain.

    Public DNS is not queried. For a zone that matches, a finding has the name servers to which the
    parent domain must delegate, and the command that shows whether it does.
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
    else:
        servers = " ".join(response["DelegationSet"]["NameServers"])
        yield Finding(
            "unknown",
            f"whether public DNS delegates {name} to {servers}",
            f"run: dig +short NS {name}",
        )
