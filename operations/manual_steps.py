"""Find the manual steps of docs/first-account.md that are still to do, in the order of that page.

A step is checked if its stack is deployed. If AWS refuses the check, the step is reported as one
that could not be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from deployer.errors import CloudError, UnreachableError
from operations import db, project, released_image, secret, subscriptions
from operations.target import Target, select_outputs

if TYPE_CHECKING:
    from deployer.aws.cloud import DeployedStack
    from deployer.report import ManualStep
    from operations.subscriptions import Subscription
    from stacks.service import Settings

_KEY_TYPES = ["RSA_2048", "EC_prime256v1"]  # By default ListCertificates returns RSA keys only.

Finding: TypeAlias = tuple[str, str]  # A fact, and the command or action that resolves it.


@dataclass(frozen=True)
class DeployedEnvironment:
    """An environment with its deployed stacks, by their short names."""

    target: Target
    stacks: dict[str, DeployedStack]

    def output(self, stack: str, name: str) -> str:
        """Return an output of a deployed stack; raise CloudError if it is missing."""
        return select_outputs(self.target.env, {stack: (name,)}, self.stacks.get)[stack, name]

    def command(self, task: str) -> str:
        """Return the command that runs a task for this environment."""
        return project.command(task, self.target.environment)

    @property
    def services(self) -> Iterator[tuple[str, Settings]]:
        """Yield the stack of each deployed service, and its settings.

        A stack that is being created, or was only reviewed, has no outputs and is left out.
        """
        for name, settings in project.services(self.target.environment).items():
            stack = self.stacks.get(name)
            if stack and stack.outputs:
                yield name, settings

    @cached_property
    def migrations(self) -> db.MigrationResult | None:
        """Return the migrations by state; None if the database users do not exist yet."""
        try:
            return db.invoke(self.target, self.output("users", "Migrate"), {"do": "status"})
        except CloudError as error:
            if db.is_missing_user(error):
                return None
            raise


@dataclass(frozen=True)
class Check:
    """The check of one manual step, with its *name* in docs/first-account.md.

    *find* yields what is still to do; *consequence* is what does not work until the step is done. If
    *early* is true, the check also runs while the stack is created for the first time. *in_emulator*
    is false if the step cannot be done in the emulator.
    """

    name: str
    stack: str
    consequence: str
    find: Callable[[DeployedEnvironment], Iterator[Finding]]
    early: bool = False
    in_emulator: bool = True


def pending(
    target: Target, deployed: Iterable[DeployedStack], names: Collection[str] = ()
) -> Iterator[ManualStep]:
    """Yield the manual steps to do for the *deployed* stacks; with *names*, check only these.

    Raise UnreachableError if AWS cannot be reached. A check that AWS refuses is yielded as a step.
    """
    from deployer.report import ManualStep

    prefix = target.environment.prefix
    stacks = {stack.name.removeprefix(prefix): stack for stack in deployed}
    environment = DeployedEnvironment(target, stacks)
    for check in CHECKS:
        stack = stacks.get(check.stack)
        if stack is None or not (stack.outputs or check.early):
            continue
        if names and check.name not in names:
            continue
        if target.environment.is_local and not check.in_emulator:
            continue
        try:
            for fact, action in check.find(environment):
                yield ManualStep(check.name, fact, check.consequence, action)
        except UnreachableError:
            raise
        except CloudError as error:
            fact = f"could not be checked: {error.message}"
            yield ManualStep(check.name, fact, check.consequence, error.hint)


def _zone(environment: DeployedEnvironment) -> Iterator[Finding]:
    """Find certificates that ACM has not validated: the domain is not delegated to the hosted zone."""
    target, env = environment.target, environment.target.env
    regions = {
        stack.region
        for name, stack in environment.stacks.items()
        if name in {"dns", "edge-certificate"}
    }
    for region in sorted(regions):
        response = target.account.client("acm", region).list_certificates(
            CertificateStatuses=["PENDING_VALIDATION"], Includes={"keyTypes": _KEY_TYPES}
        )
        domains = [certificate["DomainName"] for certificate in response["CertificateSummaryList"]]
        for domain in (name for name in domains if f".{name}".endswith(f".{env.domain}")):
            zone = target.client("route53").get_hosted_zone(Id=env.hosted_zone)
            servers = " ".join(zone["DelegationSet"]["NameServers"])
            yield (
                f"the certificate of {domain} is not validated",
                f"delegate {env.domain} to {servers}",
            )


def _alerts(environment: DeployedEnvironment) -> Iterator[Finding]:
    topic = environment.output("foundation", "Alerts")
    emails = project.settings(environment.target.environment).foundation.alert_emails
    yield from _unconfirmed(
        environment, subscriptions.find(environment.target, topic, "email", emails)
    )


def _secrets(environment: DeployedEnvironment) -> Iterator[Finding]:
    for name, changed in secret.last_changes(environment.target).items():
        if not changed:
            variable = name.rpartition("/")[2]
            yield f"{name} is missing", environment.command(f"secret.put --name={variable}")


def _users(environment: DeployedEnvironment) -> Iterator[Finding]:
    if environment.migrations is None:
        yield "the database has only its master user", environment.command("db.bootstrap")


def _migrations(environment: DeployedEnvironment) -> Iterator[Finding]:
    """Find pending migrations, and those that make db.migrate fail, with the reason."""
    for state, fact in (
        ("pending", "not applied"),
        ("changed", "changed after it was applied"),
        ("interrupted", "interrupted"),
    ):
        if names := (environment.migrations or {}).get(state):
            yield f"{', '.join(names)}: {fact}", environment.command("db.migrate")


def _image(environment: DeployedEnvironment) -> Iterator[Finding]:
    """Find images that were never released, and services deployed before the first release."""
    from deployer.model import ABSENT

    released = {
        settings.image: released_image.find(environment.target, settings.image)
        for _, settings in environment.services
    }
    for image, release in released.items():
        if release is None:
            record = environment.command("service.record --image=DIGEST")
            push = f"{environment.command('image.push')}, then {record}"
            yield f"no image of {image} is released", push
    for stack, settings in environment.services:
        if released[settings.image] and environment.output(stack, "Image") == ABSENT:
            deploy = environment.command(f"deploy --stack={stack}")
            yield f"{stack} was deployed before the first image", deploy


def _webhook(environment: DeployedEnvironment) -> Iterator[Finding]:
    """Find the subscription of the application, which exists from the first release on."""
    from deployer.model import ABSENT

    if environment.output("service", "Image") != ABSENT:
        yield from _unconfirmed(environment, [subscriptions.webhook(environment.target)])


def _connection(environment: DeployedEnvironment) -> Iterator[Finding]:
    arn = environment.output("pipeline", "Connection")
    client = environment.target.client("codeconnections")
    connection = client.get_connection(ConnectionArn=arn)["Connection"]
    if connection["ConnectionStatus"] != "AVAILABLE":
        region = environment.target.env.region
        yield (
            f"{connection['ConnectionName']} is {connection['ConnectionStatus']}",
            f"console of {region}, Developer Tools, Settings, Connections: Update pending connection",
        )


def _site(environment: DeployedEnvironment) -> Iterator[Finding]:
    bucket, owner = environment.output("cdn", "SiteBucket"), environment.target.env.account
    response = environment.target.client("s3").list_objects_v2(
        Bucket=bucket, Prefix="index.html", MaxKeys=1, ExpectedBucketOwner=owner
    )
    if not response["KeyCount"]:
        sync = environment.command("site.sync")
        is_local = environment.target.environment.is_local  # GitHub cannot reach the emulator.
        publish = sync if is_local else f"{sync}, or the GitHub workflow: docs/site.md"
        yield "nothing is published", publish


def _unconfirmed(
    environment: DeployedEnvironment, expected: Iterable[Subscription]
) -> Iterator[Finding]:
    """Find *expected* subscriptions that are not confirmed; SNS deletes them after 48 hours."""
    for subscription in expected:
        if subscription.state == subscriptions.CONFIRMED:
            continue
        options = f"--topic-arn {subscription.topic} --protocol {subscription.protocol}"
        options += f" --notification-endpoint {subscription.endpoint}"
        options += f" --region {environment.target.env.region}"
        action = f"to send the confirmation again: aws sns subscribe {options}"
        if environment.target.environment.is_local and subscription.protocol == "email":
            action = f"open the link that ./inv emulator.outbox prints, or, {action}"
        if subscription.state == subscriptions.ABSENT:
            yield f"{subscription.endpoint} has no subscription", action
        else:
            yield f"{subscription.endpoint} has not confirmed its subscription", action


CHECKS = (
    Check("zone", "dns", "the deploy waits until the certificate is valid", _zone, early=True),
    Check("alerts", "foundation", "it receives no alarms", _alerts),
    Check("secrets", "service", "no task starts without it", _secrets),
    Check("users", "users", "the application cannot connect", _users),
    Check("migrations", "users", "the application needs them", _migrations),
    Check("image", "service", "no task runs", _image),
    Check("webhook", "service", "the application is not notified of new avatars", _webhook),
    Check(
        "connection",
        "pipeline",
        "a push does not start the pipeline",
        _connection,
        in_emulator=False,
    ),
    Check("site", "cdn", "the site has no pages", _site),
)
