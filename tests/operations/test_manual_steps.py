"""The manual steps that are still to do are found by checks of AWS."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from deployer.aws.cloud import DeployedStack
from deployer.errors import CloudError, UnreachableError
from operations import lambdas, manual_steps, project
from operations.target import Target
from tests.operations.fake_account import (
    ALERT_EMAIL,
    Account,
    Client,
    aws_error,
    deployed_stack,
    use_account,
)

DIGEST = f"sha256:{'a' * 64}"
RELEASED = datetime(2026, 1, 2, tzinfo=UTC)
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
EMPTY = {"KeyCount": 0}
UNCONFIRMED = "PendingConfirmation"  # SNS returns it in place of an ARN.
ENDPOINTS = {
    "email": ALERT_EMAIL,
    "https": "https://api.x.example/webhooks/avatar",
}


def subscriptions(**arns: str) -> list[dict[str, Any]]:
    """Return an empty page, and one with a subscription for each protocol."""
    listed = [
        {"Protocol": protocol, "Endpoint": ENDPOINTS[protocol], "SubscriptionArn": arn}
        for protocol, arn in arns.items()
    ]
    return [{"Subscriptions": []}, {"Subscriptions": listed}]


def clients(**changed: Client) -> dict[str, Client]:
    """Return clients of an account in which every step is done, except for those *changed*."""
    connection = {"ConnectionStatus": "AVAILABLE", "ConnectionName": "crd-x-github"}
    done = {
        "acm": Client(list_certificates={"CertificateSummaryList": []}),
        "route53": Client(get_hosted_zone={"DelegationSet": {"NameServers": SERVERS}}),
        "sns": Client(list_subscriptions_by_topic=subscriptions(email="arn:1", https="arn:2")),
        "ssm": Client(
            get_parameters={"Parameters": [], "InvalidParameters": []},
            get_parameter={"Parameter": {"Value": DIGEST, "LastModifiedDate": RELEASED}},
        ),
        "codeconnections": Client(get_connection={"Connection": connection}),
        "s3": Client(list_objects_v2={"KeyCount": 1}),
    }
    return done | changed


@pytest.fixture
def migrations(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replace the function `migrate`; "answer" is its response, or the error that it raises."""
    fake: dict[str, Any] = {"answer": {"applied": ["0001_users"], "pending": [], "missing": []}}

    def invoke(
        account: object, region: str, function: str, payload: object, *, hint: str
    ) -> object:
        assert (function, payload) == ("migrate", {"do": "status"})
        assert "./inv logs --function=migrate --env=x" in hint
        fake["calls"] = fake.get("calls", 0) + 1
        if isinstance(fake["answer"], Exception):
            raise fake["answer"]
        return fake["answer"]

    monkeypatch.setattr(lambdas, "invoke", invoke)
    return fake


def pending(
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, Client] | None = None,
    outputs: dict[str, dict[str, str]] = OUTPUTS,
    more: tuple[DeployedStack, ...] = (),
    **service: Any,
) -> list[tuple[str, str, str]]:
    """Return the name, fact and action of each pending step."""
    account = use_account(monkeypatch, Account(outputs, clients(**(changed or {}))), **service)
    stacks = [deployed_stack(f"crd-x-{name}", values) for name, values in outputs.items()]
    steps = manual_steps.pending(Target(project.environment(), account), [*stacks, *more])
    return [(step.step, step.fact, step.action) for step in steps]


@pytest.mark.usefixtures("migrations")
def test_all_done(monkeypatch) -> None:
    """If every step is done, none is pending."""
    assert pending(monkeypatch) == []


@pytest.mark.usefixtures("migrations")
def test_selected_checks(monkeypatch) -> None:
    """With names, only these steps are checked."""
    account = use_account(monkeypatch, Account(OUTPUTS, {"s3": Client(list_objects_v2=EMPTY)}))
    stacks = [deployed_stack(f"crd-x-{name}", values) for name, values in OUTPUTS.items()]

    target = Target(project.environment(), account)
    steps = manual_steps.pending(target, stacks, ("users", "site"))

    assert [step.step for step in steps] == ["site"]


@pytest.mark.usefixtures("migrations")
def test_the_local_site(monkeypatch) -> None:
    """GitHub cannot publish the site of the emulator, so the step names only the task."""
    account = use_account(monkeypatch, Account(OUTPUTS, {"s3": Client(list_objects_v2=EMPTY)}))
    environment = project.environment()
    local = replace(environment, env=msgspec.structs.replace(environment.env, name="local"))
    cdn = deployed_stack("crd-local-cdn", OUTPUTS["cdn"])

    [step] = manual_steps.pending(Target(local, account), [cdn])

    assert step.action == "./inv site.sync"


def test_nothing_deployed(monkeypatch) -> None:
    """Without stacks AWS is not called."""
    assert pending(monkeypatch, {name: Client() for name in clients()}, {}) == []


PENDING: dict[str, tuple[dict[str, Client], dict[str, Any], tuple[str, str]]] = {
    "alerts": (
        {
            "sns": Client(
                list_subscriptions_by_topic=subscriptions(email=UNCONFIRMED, https="arn:2")
            )
        },
        {},
        (
            "operators@cruddur.example has not confirmed its subscription",
            "aws sns subscribe --topic-arn arn:alerts --protocol email",
        ),
    ),
    "webhook": (
        {
            "sns": Client(
                list_subscriptions_by_topic=subscriptions(email="arn:1", https=UNCONFIRMED)
            )
        },
        {},
        (
            "https://api.x.example/webhooks/avatar has not confirmed its subscription",
            "--topic-arn arn:avatars --protocol https",
        ),
    ),
    "secrets": (
        {},
        {"secrets": ("ROLLBAR_ACCESS_TOKEN",)},
        (
            "/crd/x/backend-flask/ROLLBAR_ACCESS_TOKEN is missing",
            "./inv secret.put --name=ROLLBAR_ACCESS_TOKEN --env=x",
        ),
    ),
    "image": (
        {"ssm": Client(get_parameter={"Parameter": {"Value": "none"}})},
        {},
        (
            "no image of backend is released",
            "./inv image.push --env=x, then ./inv service.record",
        ),
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
        ("nothing is published", "./inv site.sync --env=x"),
    ),
}


@pytest.mark.usefixtures("migrations")
@pytest.mark.parametrize("step", PENDING)
def test_one_pending_step(monkeypatch, step: str) -> None:
    """Only the pending step is found, with the command to run."""
    changed, service, (fact, command) = PENDING[step]

    [(name, found_fact, action)] = pending(monkeypatch, changed, **service)

    assert (name, found_fact) == (step, fact)
    assert command in action


@pytest.mark.usefixtures("migrations")
def test_a_stack_that_was_deployed_before_the_image(monkeypatch) -> None:
    """An image is released; the service runs it once its stack is updated."""
    outputs = OUTPUTS | {"service": OUTPUTS["service"] | {"Image": "none"}}

    [(name, fact, action)] = pending(monkeypatch, outputs=outputs)

    assert (name, fact) == ("image", "service was deployed before the first image")
    assert action == "./inv deploy --stack=service --env=x"


@pytest.mark.usefixtures("migrations")
@pytest.mark.parametrize(
    "status", ["CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"]
)
def test_a_second_service_that_is_not_deployed_yet(monkeypatch, status: str) -> None:
    """The image of a second service is not checked before its stack has outputs."""
    second = replace(deployed_stack("crd-x-verifier", {}), status=status)

    assert pending(monkeypatch, more=(second,), verifier=True) == []


@pytest.mark.usefixtures("migrations")
def test_a_second_service_without_an_image(monkeypatch) -> None:
    """The step of a second service names its image and its stack."""
    outputs = OUTPUTS | {"verifier": {"Name": "verifier", "Image": "none"}}

    assert pending(monkeypatch, outputs=outputs, verifier=True) == (
        [
            (
                "image",
                "verifier was deployed before the first image",
                "./inv deploy --stack=verifier --env=x",
            )
        ]
    )


@pytest.mark.usefixtures("migrations")
def test_missing_outputs(monkeypatch) -> None:
    """If an old stack lacks an output, its step is pending, and other steps are checked."""
    outputs = OUTPUTS | {"service": {"Name": "backend-flask"}, "cdn": {"Other": "x"}}

    assert pending(monkeypatch, outputs=outputs) == [
        (
            "image",
            "could not be checked: crd-x-service is not deployed",
            "run ./inv deploy --stack=service --env=x",
        ),
        (
            "webhook",
            "could not be checked: crd-x-service is not deployed",
            "run ./inv deploy --stack=service --env=x",
        ),
        (
            "site",
            "could not be checked: crd-x-cdn is not deployed",
            "run ./inv deploy --stack=cdn --env=x",
        ),
    ]


@pytest.mark.parametrize(
    ("answer", "name", "fact", "action"),
    [
        (
            {"applied": [], "pending": ["0001_users", "0002_more"], "missing": []},
            "migrations",
            "0001_users, 0002_more: not applied",
            "./inv db.migrate --env=x",
        ),
        (
            {"applied": ["0001_users"], "pending": [], "interrupted": ["0002_more"]},
            "migrations",
            "0002_more: interrupted",
            "./inv db.migrate --env=x",
        ),
        (
            {"applied": ["0001_users"], "pending": [], "changed": ["0001_users"]},
            "migrations",
            "0001_users: changed after it was applied",
            "./inv db.migrate --env=x",
        ),
        (
            CloudError('migrate: FATAL: password authentication failed for user "migrator"'),
            "users",
            "the database has only its master user",
            "./inv db.bootstrap --env=x",
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
def test_the_database(
    monkeypatch, migrations, *, answer, name: str, fact: str, action: str
) -> None:
    """The function `migrate` is invoked; if it fails, the step is pending."""
    migrations["answer"] = answer

    assert pending(monkeypatch)[0] == (name, fact, action)


def test_the_function_is_called_once(monkeypatch, migrations) -> None:
    """Two checks share one call."""
    pending(monkeypatch)

    assert migrations["calls"] == 1


def test_the_zone_during_the_first_deploy(monkeypatch) -> None:
    """The step of the hosted zone is pending while the stack waits for its certificates."""
    waiting = replace(deployed_stack("crd-x-dns", {}), status="CREATE_IN_PROGRESS")
    names = ["api.x.example", "x.example", "other.example", "api.notx.example"]
    listed = {"CertificateSummaryList": [{"DomainName": name} for name in names]}
    changed = {"acm": Client(list_certificates=listed)}

    steps = pending(monkeypatch, changed, {}, (waiting,))

    action = f"delegate x.example to {' '.join(SERVERS)}"
    assert steps == [
        ("zone", "the certificate of api.x.example is not validated", action),
        ("zone", "the certificate of x.example is not validated", action),
    ]


def test_a_stack_that_is_being_created(monkeypatch) -> None:
    """The steps of a stack that has no outputs yet are not checked."""
    creating = replace(deployed_stack("crd-x-cdn", {}), status="CREATE_IN_PROGRESS")

    assert pending(monkeypatch, {"s3": Client()}, {}, (creating,)) == []


@pytest.mark.usefixtures("migrations")
def test_a_check_that_aws_refuses(monkeypatch) -> None:
    """A step whose check AWS refuses is pending, and the other steps are checked."""
    changed = {"s3": Client(list_objects_v2=[aws_error()]), **PENDING["connection"][0]}

    steps = {name: fact for name, fact, _ in pending(monkeypatch, changed)}

    assert list(steps) == ["connection", "site"]
    assert steps["site"].startswith("could not be checked: place: Ask: AccessDenied")


@pytest.mark.usefixtures("migrations")
def test_deleted_subscriptions(monkeypatch) -> None:
    """A subscription that SNS has deleted, because it was not confirmed, is a pending step."""
    changed = {"sns": Client(list_subscriptions_by_topic=subscriptions())}

    found = pending(monkeypatch, changed)

    assert [(name, fact) for name, fact, _ in found] == [
        ("alerts", "operators@cruddur.example has no subscription"),
        ("webhook", "https://api.x.example/webhooks/avatar has no subscription"),
    ]


@pytest.mark.usefixtures("migrations")
def test_aws_is_unreachable(monkeypatch) -> None:
    """The first failure ends all checks."""
    changed = {"s3": Client(list_objects_v2=[aws_error("ThrottlingException")])}

    with pytest.raises(UnreachableError):
        pending(monkeypatch, changed)


@pytest.mark.usefixtures("migrations")
def test_steps_that_the_emulator_cannot_do(monkeypatch) -> None:
    """In the emulator, only the subscription is a step, and the outbox has its link."""
    unconfirmed = subscriptions(email=UNCONFIRMED, https="arn:2")
    found = {"Connection": {"ConnectionStatus": "PENDING", "ConnectionName": "crd-local-github"}}
    changed = {
        "sns": Client(list_subscriptions_by_topic=unconfirmed),
        "codeconnections": Client(get_connection=found),
    }
    account = use_account(monkeypatch, Account(OUTPUTS, clients(**changed)))
    environment = project.environment()
    local = replace(environment, env=msgspec.structs.replace(environment.env, name="local"))
    stacks = [
        deployed_stack(f"crd-local-{name}", OUTPUTS[name]) for name in ("foundation", "pipeline")
    ]

    [step] = manual_steps.pending(Target(local, account), stacks)

    assert step.step == "alerts"
    assert step.action.startswith("open the link that ./inv emulator.outbox prints")
