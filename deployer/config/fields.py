"""The types of settings, each with its valid values and a description of them.

A `Settings` class is one table of config/ENV.toml. Settings are frozen, unknown keys are errors,
and units are part of the name (`log_retention_days`).

The description of a type completes the sentence "VALUE is not DESCRIPTION" in errors. Editors show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import msgspec
from msgspec import Meta


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a config file; subclasses (`frozen=True`) add typed fields.

    A rule about several fields is checked in `__post_init__`, which raises ConflictError.
    """


class ConflictError(ValueError):
    """Raised for settings that are each valid, but not together.

    Each of *conflicts* has the key of a setting, relative to its table, and the fact about it.
    """

    def __init__(self, *conflicts: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {fact}" for key, fact in conflicts))
        self.conflicts = conflicts


# "This network", loopback, link-local, multicast and reserved addresses (RFC 6890).
_NOT_OF_HOSTS = tuple(
    map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"))
)


class Cidr(IPv4Network):
    """An IPv4 network that AWS accepts for a VPC: no host bits set, /16 to /28.

    Networks of different environments must not overlap, so a Cidr setting has no default.
    """

    words: ClassVar[str] = "an IPv4 network of /16 to /28, such as 10.0.0.0/16"
    pattern: ClassVar[str] = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/(1[6-9]|2[0-8])$"

    def __init__(self, address: object) -> None:
        """Parse *address*, such as 10.0.0.0/16; raise ValueError with the reason if it is invalid."""
        super().__init__(address, strict=False)
        if isinstance(address, str) and address.partition("/")[0] != str(self.network_address):
            raise ValueError(f"{address} has host bits set; did you mean '{self}'?")
        if not 16 <= self.prefixlen <= 28:
            raise ValueError(f"a VPC network is /16 to /28, not /{self.prefixlen}")
        if any(map(self.overlaps, _NOT_OF_HOSTS)):
            raise ValueError(f"{self} has no addresses for hosts; use one such as 10.0.0.0/16")


def described(words: str, **limits: Any) -> Meta:
    """Return the annotation of a type: *words* describe its values, *limits* are those of msgspec.Meta."""
    return Meta(description=words, extra={"words": words}, **limits)


def one_of(words: str, options: Sequence[str]) -> Meta:
    """Return the annotation of a type with more *options* than a Literal should list."""
    return Meta(
        description=words,
        extra={"words": words, "options": tuple(options)},
        extra_json_schema={"enum": list(options)},
    )


# Parts of the patterns of URLs: a host, in lower case or in both cases, and a port of at most 65535.
_LABEL = "[{0}0-9]([{0}0-9-]{{0,61}}[{0}0-9])?"
_LOWER_LABEL, _LABEL_OF_BOTH_CASES = _LABEL.format("a-z"), _LABEL.format("A-Za-z")
LOWER_HOST = rf"({_LOWER_LABEL}\.)*{_LOWER_LABEL}"
HOST = rf"({_LABEL_OF_BOTH_CASES}\.)*{_LABEL_OF_BOTH_CASES}"
PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"

Name: TypeAlias = Annotated[
    str,
    described(
        "a name of up to 20 lower-case letters, digits and single hyphens within, a letter first",
        pattern=r"^[a-z](-?[a-z0-9])*$",
        max_length=20,
    ),
]
AccountId: TypeAlias = Annotated[str, described("a 12-digit account id", pattern=r"^[0-9]{12}$")]
HostedZoneId: TypeAlias = Annotated[
    str,
    described(
        "the id of a hosted zone, such as Z0123456789ABCDEFGHIJ",
        pattern=r"^Z[A-Z0-9]{1,31}$",
    ),
]
Domain: TypeAlias = Annotated[
    str,
    described(
        "a domain name in lower case and without www., such as cruddur.com",
        pattern=r"^(?!www\.)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$",
        max_length=253,
    ),
]
Email: TypeAlias = Annotated[
    str,
    described(
        "an email address",
        pattern=r"^(?=[^@]{1,64}@)[A-Za-z0-9_%+'-]+(\.[A-Za-z0-9_%+'-]+)*"
        r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])$",
        max_length=254,
    ),
]
GitHubRepository: TypeAlias = Annotated[
    str,
    described(
        "a GitHub repository, owner/name",
        pattern=r"^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}/(?!\.{1,2}$|.*\.git$)[A-Za-z0-9._-]{1,100}$",
    ),
]
Branch: TypeAlias = Annotated[
    str,
    described(
        "the name of a branch, without refs/heads/ and wildcards",
        pattern=r"^(?!refs/)(?!.*(\.\.|//|/\.|\./|\.lock(/|$)|[./]$))[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$",
    ),
]
Port: TypeAlias = Annotated[int, described("a port from 1 to 65535", ge=1, le=65535)]
Gibibytes: TypeAlias = Annotated[int, described("a size from 1 to 65536 GiB", ge=1, le=65536)]

# fmt: off
# The retention periods of CloudWatch Logs; a test compares them with botocore.
LogRetentionDays: TypeAlias = Annotated[
    Literal[
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,
        1096, 1827, 2192, 2557, 2922, 3288, 3653,
    ],
    described("a number of days that CloudWatch Logs can keep"),
]

# The regions of the partition `aws`; a test compares them with botocore.
Region: TypeAlias = Annotated[
    Literal[
        "af-south-1",
        "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
        "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
        "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
        "ca-central-1", "ca-west-1",
        "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2",
        "eu-west-1", "eu-west-2", "eu-west-3",
        "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1",
        "us-east-1", "us-east-2", "us-west-1", "us-west-2",
    ],
    described("an AWS region"),
]
# fmt: on


# The memory sizes of each Fargate CPU size; a test compares them with cfn-lint.
FARGATE_MEMORY_MIB = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
}


class FargateSize(Settings, frozen=True):
    """CPU units (1024 are one vCPU) and memory of a Fargate task; only some pairs are valid."""

    cpu: Annotated[
        Literal[256, 512, 1024, 2048, 4096, 8192, 16384], described("a CPU size of Fargate")
    ]
    memory_mib: Annotated[int, described("a memory size in MiB", ge=512, le=122880)]

    def __post_init__(self) -> None:
        """Raise ConflictError if Fargate does not offer this pair."""
        sizes = FARGATE_MEMORY_MIB[self.cpu]
        if self.memory_mib not in sizes:
            near = min(sizes, key=lambda size: abs(size - self.memory_mib))
            fact = (
                f"{self.cpu} CPU units go with {sizes[0]} to {sizes[-1]} MiB of memory, in steps,"
                f" not {self.memory_mib}; did you mean {near}?"
            )
            raise ConflictError(("memory_mib", fact))
