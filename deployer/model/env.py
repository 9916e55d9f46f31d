"""The settings of an environment that any stack may use."""

from __future__ import annotations

from deployer.config.fields import AccountId, Domain, HostedZoneId, Name, Region, Settings
from deployer.ownership import Owner


class Env(Settings, frozen=True):
    """The `[env]` table of config/ENV.toml: settings of an environment that any stack may use."""

    project: Name
    prefix: Name
    name: Name
    account: AccountId
    region: Region
    domain: Domain
    hosted_zone: HostedZoneId
    protect: bool
    former_regions: tuple[Region, ...] = ()

    def stack_name(self, short_name: str) -> str:
        """Return the full name of the stack *short_name*, such as crd-dev-network."""
        return f"{self.prefix}-{self.name}-{short_name}"

    @property
    def owner(self) -> Owner:
        """The owner of the environment's stacks, which their tags identify."""
        return Owner(self.project, self.name, self.stack_name(""))
