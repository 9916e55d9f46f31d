"""The settings of an environment that every stack may need."""

from __future__ import annotations

from deployer.config.fields import AccountId, Domain, HostedZoneId, Name, Region, Settings
from deployer.ownership import Owner


class Env(Settings, frozen=True):
    """What every stack may need of its environment: the `[env]` table of config/ENV.toml."""

    project: Name
    prefix: Name
    name: Name
    account: AccountId
    region: Region
    domain: Domain
    hosted_zone: HostedZoneId
    protect: bool
    former_regions: tuple[Region, ...] = ()

    def stack_name(self, layer: str) -> str:
        """The CloudFormation name of a layer's stack, such as crd-dev-network."""
        return f"{self.prefix}-{self.name}-{layer}"

    @property
    def owner(self) -> Owner:
        """The environment as the tags of its stacks identify it."""
        return Owner(self.project, self.name, self.stack_name(""))
