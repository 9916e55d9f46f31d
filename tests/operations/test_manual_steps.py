"""What `status` says that a person still has to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployer.aws.cloud import DeployedStack
from deployer.errors import CloudError, UnreachableError
from operations import functions, manual_steps, project
from operations.target import Target
from tests.operations.answers import Account, Client, found, opened, refused

DIGEST = f"sha256:{'a' * 64}"
SERVERS = ["ns-1.awsdns-1.com", "ns-2.awsdns-2.net"]
OUTPUTS: dict[str, dict[str, str]] = {
    "foundation": {"Alerts": "arn:alerts"},
    "dns": {"Certificate": "arn:certificate"},
    "users": {"Migrate": "migrate"},
    "assets": {"AvatarTopic": "arn:avatars"},
    "cdn": {"SiteBucket": "site"},
    "service": {"Name": "backend-flask", "Image": DIGEST},
    "pipeline": {"Connection": "arn:connection"},
}
NOT_YET = manual_steps.PENDING


def subscriptions(**arns: str) -> list[dict[str, Any]]:
    """One page empty, one with an address by mail and one by HTTPS."""
    subs = [
        {"Protocol": protocol, "Endpoint": f"{protocol}@x", "SubscriptionArn": arn}
        for protocol, arn in arns.items()
    ]
    return [{"Subscriptions": []}, {"Subscriptions": subs}]


def clients(**changed: Client) -> dict[str, Client]:
    """AWS, where all is done, but for what is *changed*."""
    connection = {"ConnectionStatus": "AVAILABLE", "ConnectionName": "crd-x-github"}
    done = {
        "acm": Client(list_certificates={"CertificateSummaryList": []}),
        "route53": Client(get_hosted_zone={"DelegationSet": {"NameServers": SERVERS}}),
        "sns": Client(list_subscriptions_by_topic=subscriptions(email="arn:1", https="arn:2")),
        "ssm": Client(
            get_parameters={"Parameters": [], "InvalidParameters": []},
            get_parameter={"Parameter": {"Value": DIGEST}},
        ),
        "codeconnections": Client(get_connection={"Connection": connection}),
        "s3": Client(list_objects_v2={"KeyCount": 1}),
    }
    return done | changed


@pytest.fixture
def migrations(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the function answers; an error is raised."""
    answer: dict[str, Any] = {"says": {"applied": ["0001_users"], "pending": [], "missing": []}}

    def invoke(
        account: object, region: str, function: str, payload: object, *, hint: str
    ) -> object:
        assert ("migrate", {"do": "status"}) == (function, payload)
        assert "./inv logs --function=migrate --env=x" in hint
        answer["asked"] = answer.get("asked", 0) + 1
        if isinstance(answer["says"], Exception):
            raise answer["says"]
        return answer["says"]

    monkeypatch.setattr(functions, "invoke", invoke)
    return answer


def left(
    monkeypatch: pytest.MonkeyPatch,
    told: dict[str, Client] | None = None,
    outputs: dict[str, dict[str, str]] = OUTPUTS,
    more: tuple[DeployedStack, ...] = (),
    **service: Any,
) -> list[tuple[str, str, str]]:
    """What is open, as step, fact and way."""
    account = opened(monkeypatch, Account(outputs, clients(**(told or {}))), **service)
    stacks = [found(f"crd-x-{layer}", given) for layer, given in outputs.items()]
    place = Target(project.environment(), account)
    return [(each.step, each.what, each.how) for each in manual_steps.left(place, [*stacks, *more])]


@pytest.mark.usefixtures("migrations")
def test_all_done(monkeypatch) -> None:
    """Nothing is open where all is done."""
    assert [] == left(monkeypatch)


def test_nothing_deployed(monkeypatch) -> None:
    """Nobody is asked about what is not there."""
    assert [] == left(monkeypatch, {name: Client() for name in clients()}, {})


OPEN: dict[str, tuple[dict[str, Client], dict[str, Any], tuple[str, str]]] = {
    "alerts": (
        {"sns": Client(list_subscriptions_by_topic=subscriptions(email=NOT_YET, https="arn:2"))},
        {},
        ("email@x has not confirmed", "aws sns subscribe --topic-arn arn:alerts --protocol email"),
    ),
    "webhook": (
        {"sns": Client(list_subscriptions_by_topic=subscriptions(email="arn:1", https=NOT_YET))},
        {},
        ("https@x has not confirmed", "--topic-arn arn:avatars --protocol https"),
    ),
    "secrets": (
        {},
        {"secrets": ("ROLLBAR_ACCESS_TOKEN",)},
        (
            "/crd/x/backend-flask/ROLLBAR_ACCESS_TOKEN is missing",
            "invoke secret.put --name=ROLLBAR_ACCESS_TOKEN --env=x",
        ),
    ),
    "image": (
        {"ssm": Client(get_parameter={"Parameter": {"Value": "none"}})},
        {},
        ("no image of backend", "invoke image.push --env=x, then invoke service.record"),
    ),
    "connection": (
        {
            "codeconnections": Client(
                get_connection={
                    "Connection": {"ConnectionStatus": "PENDING", "ConnectionName": "crd-x-github"}
                }
            )
        },
        {},
        ("crd-x-github is PENDING", "Update pending connection"),
    ),
    "site": (
        {"s3": Client(list_objects_v2={"KeyCount": 0})},
        {},
        ("nothing is published", "invoke site.sync --env=x"),
    ),
}


@pytest.mark.usefixtures("migrations")
@pytest.mark.parametrize("step", OPEN)
def test_open(monkeypatch, step: str) -> None:
    """One thing is left: it is named, with the command, and nothing else is."""
    told, service, (what, how) = OPEN[step]

    [(name, open_, way)] = left(monkeypatch, told, **service)

    assert (step, what) == (name, open_)
    assert how in way


@pytest.mark.usefixtures("migrations")
def test_an_image_that_the_stack_has_not_seen(monkeypatch) -> None:
    """It is released, and the service still runs nothing until its stack is updated."""
    outputs = OUTPUTS | {"service": OUTPUTS["service"] | {"Image": "none"}}

    [(step, what, how)] = left(monkeypatch, outputs=outputs)

    assert ("image", "service knows of no image yet") == (step, what)
    assert "invoke deploy --stack=service --env=x" == how


@pytest.mark.usefixtures("migrations")
@pytest.mark.parametrize(
    "status", ["CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"]
)
def test_a_second_service_that_is_not_made_yet(monkeypatch, status: str) -> None:
    """Its stack says nothing of an image, and nobody asks it."""
    second = replace(found("crd-x-verifier", {}), status=status)

    assert [] == left(monkeypatch, more=(second,), verifier=True)


@pytest.mark.usefixtures("migrations")
def test_a_second_service_that_knows_of_no_image(monkeypatch) -> None:
    """It has an image of its own, and a command of its own."""
    outputs = OUTPUTS | {"verifier": {"Name": "verifier", "Image": "none"}}

    assert [
        ("image", "verifier knows of no image yet", "invoke deploy --stack=verifier --env=x")
    ] == (left(monkeypatch, outputs=outputs, verifier=True))


@pytest.mark.usefixtures("migrations")
def test_a_stack_that_says_less_than_expected(monkeypatch) -> None:
    """As one that was deployed long ago: that is told, and the other steps are checked."""
    outputs = OUTPUTS | {"service": {"Name": "backend-flask"}, "cdn": {"Other": "x"}}

    assert [
        (
            "image",
            "could not be checked: crd-x-service is not deployed",
            "./inv deploy --stack=service --env=x",
        ),
        (
            "site",
            "could not be checked: crd-x-cdn is not deployed",
            "./inv deploy --stack=cdn --env=x",
        ),
    ] == left(monkeypatch, outputs=outputs)


@pytest.mark.parametrize(
    ("says", "step", "what", "how"),
    [
        (
            {"applied": [], "pending": ["0001_users", "0002_more"], "missing": []},
            "migrations",
            "0001_users, 0002_more: not applied",
            "invoke db.migrate --env=x",
        ),
        (
            {"applied": ["0001_users"], "pending": [], "interrupted": ["0002_more"]},
            "migrations",
            "0002_more: interrupted",
            "invoke db.migrate --env=x",
        ),
        (
            {"applied": ["0001_users"], "pending": [], "changed": ["0001_users"]},
            "migrations",
            "0001_users: changed after it was applied",
            "invoke db.migrate --env=x",
        ),
        (
            CloudError('migrate: FATAL: password authentication failed for user "migrator"'),
            "users",
            "the database has its master only",
            "invoke db.bootstrap --env=x",
        ),
        (
            CloudError("migrate: connection timed out", hint="its log"),
            "users",
            "could not be checked: migrate: connection timed out",
            "its log",
        ),
    ],
    ids=["pending", "interrupted", "changed", "no users", "another failure"],
)
def test_the_database(monkeypatch, migrations, *, says, step: str, what: str, how: str) -> None:
    """The function that reaches it is asked; what it cannot say is not taken for done."""
    migrations["says"] = says

    assert (step, what, how) == left(monkeypatch)[0]


def test_the_function_is_called_once(monkeypatch, migrations) -> None:
    """Two steps, one call."""
    left(monkeypatch)

    assert 1 == migrations["asked"]


def test_the_zone_during_the_first_deploy(monkeypatch) -> None:
    """Its stack waits and has no outputs yet: just then it has to be said what it waits for."""
    waiting = replace(found("crd-x-dns", {}), status="CREATE_IN_PROGRESS")
    names = ["api.x.example", "x.example", "other.example", "api.notx.example"]
    listed = {"CertificateSummaryList": [{"DomainName": name} for name in names]}
    told = {"acm": Client(list_certificates=listed)}

    open_ = left(monkeypatch, told, {}, (waiting,))

    way = f"delegate x.example to {' '.join(SERVERS)}"
    assert [
        ("zone", "the certificate of api.x.example waits", way),
        ("zone", "the certificate of x.example waits", way),
    ] == open_


def test_a_stack_that_is_being_made(monkeypatch) -> None:
    """Without outputs there is nothing to ask about."""
    making = replace(found("crd-x-cdn", {}), status="CREATE_IN_PROGRESS")

    assert [] == left(monkeypatch, {"s3": Client()}, {}, (making,))


@pytest.mark.usefixtures("migrations")
def test_not_allowed(monkeypatch) -> None:
    """What AWS refuses to tell is open, and the other steps are checked."""
    told = {"s3": Client(list_objects_v2=[refused()]), **OPEN["connection"][0]}

    steps = {step: what for step, what, _ in left(monkeypatch, told)}

    assert ["connection", "site"] == list(steps)
    assert steps["site"].startswith("could not be checked: place: Ask: AccessDenied")


@pytest.mark.usefixtures("migrations")
def test_out_of_reach(monkeypatch) -> None:
    """Nobody waits nine times for a network that is not there."""
    told = {"s3": Client(list_objects_v2=[refused("ThrottlingException")])}

    with pytest.raises(UnreachableError):
        left(monkeypatch, told)
