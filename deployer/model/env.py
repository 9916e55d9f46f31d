"""The settings of an environment that any stack may use."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, Literal, TypeAlias

from deployer.config.fields import (
    AccountId,
    ConflictError,
    Domain,
    HostedZoneId,
    Name,
    Region,
    Settings,
    described,
)
from deployer.ownership import Owner

_ResourcePath: TypeAlias = Annotated[
    str,
    described(
        "a stack and a resource, with the nested stacks between them, such as messages/Table",
        pattern=r"^[a-z][a-z0-9-]*(/[A-Za-z0-9]+)+$",
    ),
]
_Reason: TypeAlias = Annotated[str, described("a sentence that says why", min_length=10)]


class AcceptedDataLoss(Settings, frozen=True):
    """A loss of data that reviewers accept, for one kind of change of one resource."""

    resource: _ResourcePath
    change: Literal["removed", "replaced", "weakened"]
    reason: _Reason
    date: Annotated[str, described("a date such as 2026-12-01", pattern=r"^20\d\d-[01]\d-[0-3]\d$")]

    def __post_init__(self) -> None:
        """Raise ConflictError for a date that does not exist."""
        _refuse_unknown_date("date", self.date)

    @property
    def stack(self) -> str:
        """The short name of the stack."""
        return self.resource.partition("/")[0]


class IgnoredDrift(Settings, frozen=True):
    """A difference between a resource and its template that reviewers accept for some time."""

    resource: _ResourcePath
    property: Annotated[
        str,
        described("the path of a property and all below it, such as /Tags", pattern=r"^(/[^/]+)+$"),
    ]
    reason: _Reason
    until: Annotated[
        str, described("a date such as 2027-03-01", pattern=r"^20\d\d-[01]\d-[0-3]\d$")
    ]

    def __post_init__(self) -> None:
        """Raise ConflictError for a date that does not exist."""
        _refuse_unknown_date("until", self.until)


def _refuse_unknown_date(key: str, text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ConflictError((key, f"{text} does not exist")) from None


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
    accepted_data_losses: tuple[AcceptedDataLoss, ...] = ()
    ignored_drifts: tuple[IgnoredDrift, ...] = ()

    def __post_init__(self) -> None:
        """Raise ConflictError for a former region that is listed twice."""
        conflicts = [
            ("former_regions", f"{region} is listed twice")
            for region, count in Counter(self.former_regions).items()
            if count > 1
        ]
        if conflicts:
            raise ConflictError(*conflicts)

    def stack_name(self, short_name: str) -> str:
        """Return the full name of the stack *short_name*, such as crd-dev-network."""
        return f"{self.prefix}-{self.name}-{short_name}"

    @property
    def owner(self) -> Owner:
        """The owner of the environment's stacks, which their tags identify."""
        return Owner(self.project, self.name, self.stack_name(""))
