"""What a person has to do in an account, in the order of docs/first-account.md, and what is open.

Each step is asked for only where its stack is deployed. Where AWS does not say, that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from operations import functions
from operations.target import Target, outputs

if TYPE_CHECKING:
    from deployer.aws.cloud import DeployedStack
    from deployer.report import ManualStep
    from stacks.service import Settings

PENDING = "PendingConfirmation"  # What SNS says in target of an ARN.
_STRANGER = "authentication failed for user"  # PostgreSQL's words for one it does not know.
_KEYS = ["RSA_2048", "EC_prime256v1"]  # ACM lists no other kinds unless it is asked to.


@dataclass(frozen=True)
class Here:
    """An environment, its account, and what is deployed there, by layer."""

    target: Target
    deployed: dict[str, DeployedStack]

    def output(self, layer: str, title: str) -> str:
        """What a deployed layer says under *title*; raises CloudError if it says nothing."""
        return outputs(self.target.env, {layer: (title,)}, self.deployed.get)[layer, title]

    def invoke(self, task: str) -> str:
        """The command that runs a task for this environment."""
        return f"invoke {task} --env={self.target.env.name}"

    @property
    def services(self) -> Iterator[tuple[str, Settings]]:
        """The layer of each service that is deployed, and its settings.

        A stack that is still being made, or was only proposed, says nothing yet.
        """
        from operations import project

        for layer, settings in project.services(self.target.environment).items():
            stack = self.deployed.get(layer)
            if stack and stack.outputs:
                yield layer, settings

    @cached_property
    def migrations(self) -> dict[str, list[str]] | None:
        """What `db.status` says; None if the database does not know who asks."""
        from deployer.errors import CloudError

        function, region = self.output("users", "Migrate"), self.target.env.region
        try:
            answer: dict[str, list[str]] = functions.invoke(
                self.target.account,
                region,
                function,
                {"do": "status"},
                hint=functions.log_hint("migrate", self.target.env.name),
            )
        except CloudError as error:
            if _STRANGER in error.message:
                return None
            raise
        return answer


Open: TypeAlias = tuple[str, str]  # What is open, and how it is done.


@dataclass(frozen=True)
class Step:
    """A step by its *name* on the page. *early* says that it is asked for during a first deploy."""

    name: str
    layer: str
    why: str
    check: Callable[[Here], Iterator[Open]]
    early: bool = False


def left(target: Target, found: Iterable[DeployedStack]) -> Iterator[ManualStep]:
    """What is open of every step whose stack is among *found*.

    Raises UnreachableError if AWS is out of reach; what it refuses to tell is open.
    """
    from deployer.errors import CloudError, UnreachableError
    from deployer.report import ManualStep

    here = Here(target, {each.name.removeprefix(target.environment.prefix): each for each in found})
    for step in STEPS:
        stack = here.deployed.get(step.layer)
        if stack is None or not (stack.outputs or step.early):
            continue
        try:
            for what, how in step.check(here):
                yield ManualStep(step.name, what, step.why, how)
        except UnreachableError:
            raise
        except CloudError as error:
            yield ManualStep(
                step.name, f"could not be checked: {error.message}", step.why, error.hint
            )


def _zone(here: Here) -> Iterator[Open]:
    """A certificate waits until the world's DNS has a record that is in our zone."""
    env = here.target.env
    regions = {
        stack.region
        for layer, stack in here.deployed.items()
        if layer in {"dns", "edge-certificate"}
    }
    for region in sorted(regions):
        listed = here.target.account.client("acm", region).list_certificates(
            CertificateStatuses=["PENDING_VALIDATION"], Includes={"keyTypes": _KEYS}
        )
        waiting = [each["DomainName"] for each in listed["CertificateSummaryList"]]
        for name in (name for name in waiting if f".{name}".endswith(f".{env.domain}")):
            zone = here.target.client("route53").get_hosted_zone(Id=env.hosted_zone)
            servers = " ".join(zone["DelegationSet"]["NameServers"])
            yield f"the certificate of {name} waits", f"delegate {env.domain} to {servers}"


def _alerts(here: Here) -> Iterator[Open]:
    yield from _unconfirmed(here, here.output("foundation", "Alerts"), "email")


def _secrets(here: Here) -> Iterator[Open]:
    from operations import secret

    for name, at in secret.changed(here.target).items():
        if not at:
            yield f"{name} is missing", here.invoke(f"secret.put --name={name.rpartition('/')[2]}")


def _users(here: Here) -> Iterator[Open]:
    if here.migrations is None:
        yield "the database has its master only", here.invoke("db.bootstrap")


def _migrations(here: Here) -> Iterator[Open]:
    """Yield the migrations to apply, and those that make db.migrate fail, with the reason."""
    for state, fact in (
        ("pending", "not applied"),
        ("changed", "changed after it was applied"),
        ("interrupted", "interrupted"),
    ):
        if names := (here.migrations or {}).get(state):
            yield f"{', '.join(names)}: {fact}", here.invoke("db.migrate")


def _image(here: Here) -> Iterator[Open]:
    """The stack makes room for tasks once it has seen that there is an image."""
    from deployer.model import ABSENT

    released = {settings.image: _released(here, settings.image) for _, settings in here.services}
    for image, digest in released.items():
        if digest == ABSENT:
            note = here.invoke("service.record --image=DIGEST")
            push = f"{here.invoke('image.push')}, then "  # The emulator takes any digest.
            how = note if here.target.environment.is_local else push + note
            yield f"no image of {image}", how
    for layer, settings in here.services:
        if released[settings.image] != ABSENT == here.output(layer, "Image"):
            yield f"{layer} knows of no image yet", here.invoke(f"deploy --stack={layer}")


def _released(here: Here, image: str) -> str:
    """What the parameter of *image* says."""
    from stacks.parts.names import image_parameter

    name = image_parameter(here.target.env, image)
    found = here.target.client("ssm").get_parameter(Name=name)
    return str(found["Parameter"]["Value"])


def _webhook(here: Here) -> Iterator[Open]:
    yield from _unconfirmed(here, here.output("assets", "AvatarTopic"), "https")


def _connection(here: Here) -> Iterator[Open]:

    arn = here.output("pipeline", "Connection")
    client = here.target.client("codeconnections")
    found = client.get_connection(ConnectionArn=arn)["Connection"]
    if found["ConnectionStatus"] != "AVAILABLE":
        where = f"console of {here.target.env.region}, Developer Tools, Settings, Connections"
        what = f"{found['ConnectionName']} is {found['ConnectionStatus']}"
        yield what, f"{where}: Update pending connection"


def _site(here: Here) -> Iterator[Open]:

    bucket, owner = here.output("cdn", "SiteBucket"), here.target.env.account
    listed = here.target.client("s3").list_objects_v2(
        Bucket=bucket, Prefix="index.html", MaxKeys=1, ExpectedBucketOwner=owner
    )
    if not listed["KeyCount"]:
        yield "nothing is published", f"{here.invoke('site.sync')}, or the workflow: docs/site.md"


def _unconfirmed(here: Here, topic: str, protocol: str) -> Iterator[Open]:
    """Whoever is to hear of *topic* and has not said yes. SNS forgets them after three days."""
    client: Any = here.target.client("sns")
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    listed = [each for page in pages for each in page["Subscriptions"]]
    for each in listed:
        if each["SubscriptionArn"] == PENDING and each["Protocol"] == protocol:
            ask = f"--topic-arn {topic} --protocol {protocol}"
            ask += f" --notification-endpoint {each['Endpoint']} --region {here.target.env.region}"
            yield (
                f"{each['Endpoint']} has not confirmed",
                f"to be asked again: aws sns subscribe {ask}",
            )


STEPS = (
    Step("zone", "dns", "the deploy goes on when the domain leads to our zone", _zone, early=True),
    Step("alerts", "foundation", "alarms do not reach it", _alerts),
    Step("secrets", "service", "no task starts without it", _secrets),
    Step("users", "users", "nobody else can come with a token", _users),
    Step("migrations", "users", "the application expects them", _migrations),
    Step("image", "service", "no task runs", _image),
    Step("webhook", "service", "the application hears of no new avatar", _webhook),
    Step("connection", "pipeline", "no push starts the pipeline", _connection),
    Step("site", "cdn", "there is no page to see", _site),
)
