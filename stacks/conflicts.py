"""Settings of an environment that are valid one by one, but not together or not in its region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from stacks.parts import postgresql

if TYPE_CHECKING:
    from stacks import Config

Conflict = tuple[str, str]  # The dotted key of a setting, and a fact about it.

BUCKET_NAME_LENGTH = 63
LONGEST_BUCKET = "access-logs"  # A test compares it with the stacks.
PROTECTED_BACKUP_DAYS = 7  # As the policy rule C804 requires.

_BUDGETS, _BUILD, _CONNECTIONS = "AWS Budgets", "CodeBuild", "CodeConnections"

# The services without which the stacks cannot be deployed; a test compares it with cfn-lint.
MISSING_SERVICES: Mapping[str, tuple[str, ...]] = {
    "af-south-1": (_BUDGETS, _CONNECTIONS),
    "ap-east-1": (_BUDGETS, _CONNECTIONS),
    "ap-east-2": (_BUDGETS, _BUILD, _CONNECTIONS),
    "ap-northeast-3": (_BUDGETS, _CONNECTIONS),
    "ap-south-2": (_BUDGETS, _CONNECTIONS),
    "ap-southeast-3": (_BUDGETS, _CONNECTIONS),
    "ap-southeast-4": (_BUDGETS, _CONNECTIONS),
    "ap-southeast-5": (_BUDGETS, _CONNECTIONS),
    "ap-southeast-6": (_BUDGETS, _CONNECTIONS),
    "ap-southeast-7": (_BUDGETS, _CONNECTIONS),
    "ca-west-1": (_BUDGETS, _BUILD, _CONNECTIONS),
    "eu-central-2": (_BUDGETS, _CONNECTIONS),
    "eu-north-1": (_BUDGETS,),
    "eu-south-1": (_BUDGETS,),
    "eu-south-2": (_BUDGETS, _CONNECTIONS),
    "il-central-1": (_BUDGETS, _CONNECTIONS),
    "me-central-1": (_BUDGETS, _CONNECTIONS),
    "mx-central-1": (_BUDGETS, _BUILD, _CONNECTIONS),
}


def conflicts(config: Config) -> Iterator[Conflict]:
    """Yield every setting that another setting rules out."""
    yield from _region(config)
    yield from _instance_class(config.database.instance_class, config.env.region)
    yield from _names(config)
    yield from _services(config)
    if config.env.protect:
        yield from _protected(config)


def _region(config: Config) -> Iterator[Conflict]:
    missing = MISSING_SERVICES.get(config.env.region, ())
    if not config.foundation.alert_emails:  # Nobody is notified, so there is no budget.
        missing = tuple(service for service in missing if service != _BUDGETS)
    if missing:
        fact = f"{config.env.region} does not have {', '.join(missing)}; choose another region"
        yield "env.region", fact


def _instance_class(instance_class: str, region: str) -> Iterator[Conflict]:
    """Yield a class that RDS does not have in *region*, with the nearest one of its size."""
    classes = postgresql.CLASSES_BY_REGION[region]
    if instance_class not in classes:
        family, size = instance_class[: len("db.m")], instance_class.rsplit(".", 1)[-1]
        near = [name for name in classes if name.startswith(family) and name.endswith(f".{size}")]
        meant = f"; did you mean {near[-1]!r}?" if near else ""
        yield "database.instance_class", f"RDS has no {instance_class} in {region}{meant}"


def _names(config: Config) -> Iterator[Conflict]:
    """The name of a bucket ends with the account, the region and "an"."""
    env = config.env
    name = f"{env.stack_name(LONGEST_BUCKET)}-{env.account}-{env.region}-an"
    if (excess := len(name) - BUCKET_NAME_LENGTH) > 0:
        fact = (
            f"the bucket {name} would have {len(name)} characters, and S3 takes"
            f" {BUCKET_NAME_LENGTH}; shorten env.prefix or env.name by {excess}"
        )
        yield "env.prefix", fact


def _services(config: Config) -> Iterator[Conflict]:
    service, verifier = config.service, config.verifier
    if service.port != config.cluster.port:
        fact = (
            f"is {service.port}, and cluster.port is {config.cluster.port}:"
            " the load balancer would not find it"
        )
        yield "service.port", fact
    if verifier and verifier.name == service.name:
        yield "verifier.name", f"service and verifier are both called {service.name}"


def _protected(config: Config) -> Iterator[Conflict]:
    days = config.database.backup_days
    if days < PROTECTED_BACKUP_DAYS:
        fact = f"{days} is too few where env.protect is true; take {PROTECTED_BACKUP_DAYS} or more"
        yield "database.backup_days", fact
    for key, service in (("service", config.service), ("verifier", config.verifier)):
        if service and service.exec:
            yield f"{key}.exec", "is true where env.protect is true; set one of them to false"
