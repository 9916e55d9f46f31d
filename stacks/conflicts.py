"""Settings that are valid separately, but not together or not in the region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from stacks.parts import postgresql
from stacks.parts.containers import COLLECTOR
from stacks.parts.names import budget_name, email_title

if TYPE_CHECKING:
    from stacks import Config

Conflict = tuple[str, str]  # The dotted key of a setting, and a fact about it.

BUCKET_NAME_LENGTH = 63
BUDGET_NAME_LENGTH = 100
COMMON_NAME_LENGTH = 64  # The maximum of the first domain name of a certificate.
LONGEST_BUCKET = "access-logs"  # The longest bucket name of the stacks, which a test checks.
# Beginnings of names that a service reserves. The names of all resources begin with env.prefix.
RESERVED_BEGINNINGS = {
    "aws": "Parameter Store",
    "ssm": "Parameter Store",
    "internal-": "Elastic Load Balancing",
    "sthree-": "S3",
    "amzn-s3-demo-": "S3",
}
# The variables that the stacks set in tasks, except those that the pattern of SecretName refuses, such
# as PGHOST. A test compares them with the stacks.
TASK_VARIABLES = frozenset(
    {
        *("FRONTEND_URL", "BACKEND_URL", "ASSETS_URL", "AVATAR_TOPIC_ARN"),
        *("WEB_CONCURRENCY", "KEEP_ALIVE_SECONDS", "GRACEFUL_TIMEOUT_SECONDS"),
        *("DDB_MESSAGE_TABLE", "OTEL_SERVICE_NAME", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    }
)
PROTECTED_BACKUP_DAYS = 7  # As the policy rule C804 requires.

_BUDGETS, _BUILD, _CONNECTIONS = "AWS Budgets", "CodeBuild", "CodeConnections"

# Regions whose third zone most accounts cannot use.
TWO_ZONES = frozenset({"us-west-1"})

# Regions without a service that the stacks need. A test compares the table with cfn-lint.
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
    """Yield every setting that contradicts another setting."""
    yield from _region(config)
    yield from _instance_class(config.database.instance_class, config.env.region)
    yield from _names(config)
    yield from _recipients(config)
    yield from _services(config)
    if config.env.protect:
        yield from _protected(config)


def _region(config: Config) -> Iterator[Conflict]:
    missing = MISSING_SERVICES.get(config.env.region, ())
    if not config.foundation.alert_emails:  # Without recipients there is no budget.
        missing = tuple(service for service in missing if service != _BUDGETS)
    if missing:
        fact = f"{config.env.region} does not have {', '.join(missing)}; choose another region"
        yield "env.region", fact
    if config.env.region in config.env.former_regions:
        yield "env.former_regions", f"{config.env.region} is env.region"
    if config.env.region in TWO_ZONES and config.network.zones > 2:
        fact = f"most accounts can use only two zones of {config.env.region}; use 2"
        yield "network.zones", fact


def _instance_class(instance_class: str, region: str) -> Iterator[Conflict]:
    """Yield an instance class that RDS does not offer in *region*, with a similar class."""
    classes = postgresql.CLASSES_BY_REGION[region]
    if instance_class not in classes:
        family, size = instance_class[: len("db.m")], instance_class.rsplit(".", 1)[-1]
        similar = [
            name for name in classes if name.startswith(family) and name.endswith(f".{size}")
        ]
        hint = f"; did you mean {similar[-1]!r}?" if similar else ""
        yield "database.instance_class", f"RDS does not offer {instance_class} in {region}{hint}"


def _names(config: Config) -> Iterator[Conflict]:
    """Yield a reserved prefix, and names of a bucket and a certificate that are too long.

    The names of buckets end with account, region and "an".
    """
    env = config.env
    for beginning, service in RESERVED_BEGINNINGS.items():
        if f"{env.prefix}-".startswith(beginning):
            yield "env.prefix", f"{service} does not allow names that start with {beginning}"
    name = f"{env.stack_name(LONGEST_BUCKET)}-{env.account}-{env.region}-an"
    if (excess := len(name) - BUCKET_NAME_LENGTH) > 0:
        fact = (
            f"the bucket {name} would have {len(name)} characters, and S3 allows"
            f" {BUCKET_NAME_LENGTH}; shorten env.prefix or env.name by {excess}"
        )
        yield "env.prefix", fact
    host = f"api.{env.domain}"
    if (excess := len(host) - COMMON_NAME_LENGTH) > 0:
        fact = (
            f"{host} would have {len(host)} characters, and a certificate allows"
            f" {COMMON_NAME_LENGTH}; use a domain that is shorter by {excess}"
        )
        yield "env.domain", fact


def _recipients(config: Config) -> Iterator[Conflict]:
    """Yield addresses with the same title in the template, or with a budget whose name is too long."""
    emails: dict[str, str] = {}
    for email in config.foundation.alert_emails:
        other = emails.get(email_title(email))
        if other == email:
            yield "foundation.alert_emails", f"{email} is listed twice"
        elif other:
            fact = f"{other} and {email} differ only in case or punctuation; list one of them"
            yield "foundation.alert_emails", fact
        emails[email_title(email)] = email
        budget = budget_name(config.env, email)
        if config.monitoring.monthly_budget_usd and len(budget) > BUDGET_NAME_LENGTH:
            fact = (
                f"{email} is too long: the budget {budget} would have {len(budget)} characters,"
                f" and AWS Budgets allows {BUDGET_NAME_LENGTH}"
            )
            yield "foundation.alert_emails", fact


def _services(config: Config) -> Iterator[Conflict]:
    service, verifier = config.service, config.verifier
    if service.port != config.cluster.port:
        fact = (
            f"is {service.port}, and cluster.port is {config.cluster.port}:"
            " the load balancer could not reach the service"
        )
        yield "service.port", fact
    for key, settings in (("service", service), ("verifier", verifier)):
        yield from _secrets(key, settings.secrets if settings else ())
        if settings and settings.name == COLLECTOR:
            yield f"{key}.name", f"{COLLECTOR} is the name of another container of the task"
    if verifier and verifier.name == service.name:
        yield "verifier.name", f"service and verifier have the same name {service.name}"


def _secrets(key: str, secrets: Sequence[str]) -> Iterator[Conflict]:
    """Yield names that occur twice among the variables of a task; ECS does not allow that."""
    for name in dict.fromkeys(secrets):
        if name in TASK_VARIABLES:
            yield f"{key}.secrets", f"{name} is a variable that the stack sets; use another name"
        if secrets.count(name) > 1:
            yield f"{key}.secrets", f"{name} is listed twice"


def _protected(config: Config) -> Iterator[Conflict]:
    days = config.database.backup_retention_days
    if days < PROTECTED_BACKUP_DAYS:
        fact = f"{days} is too few if env.protect is true; use {PROTECTED_BACKUP_DAYS} or more"
        yield "database.backup_retention_days", fact
    for key, service in (("service", config.service), ("verifier", config.verifier)):
        if service and service.enable_exec:
            yield (
                f"{key}.enable_exec",
                "is true while env.protect is true; set one of them to false",
            )
