"""The backend has the permissions that it needs, and no others.

The image is built by `./inv image.push`. For every action that the template grants to the task role,
a test removes only this action; then a request through the load balancer must fail.
"""

from __future__ import annotations

import itertools
import json
import uuid
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from tests.emulator.container_services import EXECUTION_ACTIONS
from tests.emulator.own_emulator import wait_until
from tests.end_to_end.full_deployment import roles
from tests.end_to_end.full_deployment.test_functions import sign_up, signed_in

if TYPE_CHECKING:
    from tests.end_to_end.deployed import Deployed

HOST = "api.cruddur.localhost"
CLUSTER, SERVICE = "crd-local-cluster", "backend-flask"
ANNA, BORIS = "anna@cruddur.example", "boris@cruddur.example"
# Actions that the emulator does not check, and the reason: see docs/emulator.md.
NOT_ENFORCED = {
    "ssmmessages:CreateControlChannel": "the emulator runs commands itself",
    "ssmmessages:CreateDataChannel": "the emulator runs commands itself",
    "ssmmessages:OpenControlChannel": "the emulator runs commands itself",
    "ssmmessages:OpenDataChannel": "the emulator runs commands itself",
    "xray:PutTelemetryRecords": "the collector does not run in the emulator",
    "xray:PutTraceSegments": "the collector does not run in the emulator",
}
GRANTED = list(dict.fromkeys(roles.granted("Task", "service")))
_numbers = itertools.count()


class Application:
    """The backend behind the load balancer, and the access token of one of its users."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self.token = ""

    def request(self, method: str, path: str, **body: Any) -> tuple[int, Any]:
        """Send a request; return the status and the JSON of the response."""
        address = self.deployed.endpoint.url.removeprefix("http://")
        connection = HTTPConnection(address, timeout=30)
        headers = {"Host": f"{HOST}:443", "Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        text = json.dumps(body) if body else None
        connection.request(method, path, text, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        is_json = response.status == 200 or response.status == 201  # noqa: PLR1714  Plain.
        return response.status, json.loads(content) if is_json else content

    @property
    def role(self) -> str:
        """The name of the task role."""
        ecs = self.deployed.client("ecs")
        [service] = ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"]
        task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
        return str(task["taskDefinition"]["taskRoleArn"]).rpartition("/")[2]

    def works(self) -> bool:
        """Return whether every feature that needs a permission works."""
        return self.reads_posts() and self.exchanges_messages() and self.confirms()

    def reads_posts(self) -> bool:
        """Return whether the backend connects to the database again after it was disconnected."""
        with self.deployed.master() as master:
            user = self.deployed.outputs["database"]["Application"]
            master.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [user]
            )
        return self.request("GET", "/api/activities/home")[0] == 200

    def exchanges_messages(self) -> bool:
        """Return whether messages are sent, to a user and in a conversation, and are read."""
        key = {"idempotency_key": str(uuid.uuid4())}
        status, sent = self.request("POST", "/api/messages", message="Hello", handle="boris", **key)
        if status != 200:
            return False
        group = {"message_group_uuid": sent["message_group_uuid"]}
        more = [
            self.request("POST", "/api/messages", message="Hello", handle="boris", **key),
            self.request("POST", "/api/messages", message="Again", **group),
            self.request("GET", f"/api/messages/{sent['message_group_uuid']}"),
            self.request("GET", "/api/message_groups"),
        ]
        return {200} == {status for status, _ in more}

    def confirms(self) -> bool:
        """Return whether the backend confirms its subscription to new avatars."""
        sns, topic = self.deployed.client("sns"), self.deployed.outputs["assets"]["AvatarTopic"]
        endpoint = f"https://{HOST}/webhooks/avatar?number={next(_numbers)}"
        sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=endpoint)

        def arn() -> str:
            found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
            return next(
                entry["SubscriptionArn"] for entry in found if entry["Endpoint"] == endpoint
            )

        try:
            wait_until(lambda: arn().startswith(topic), seconds=3)
        except AssertionError:
            return False
        return True


@pytest.fixture(scope="module")
def application(deployed: Deployed) -> Application:
    """Return the running backend, and sign up two users."""
    checkout, found = deployed.checkout, Application(deployed)
    digest = checkout.run("image.push").out.strip()
    checkout.run("service.record", f"--image={digest}")
    checkout.run("deploy", "--stack=service")
    wait_until(lambda: found.request("GET", "/api/health-check")[0] == 200, seconds=60)
    for mail in (ANNA, BORIS):
        handle = mail.partition("@")[0]
        sign_up(deployed, mail, name=handle.title(), handle=handle)
    found.token = signed_in(deployed, ANNA)["AccessToken"]
    return found


def test_unenforced_actions_are_granted():
    """Every action that is not enforced is granted to the task."""
    assert NOT_ENFORCED.keys() <= {*GRANTED}


def test_the_execution_role_has_only_actions_that_ecs_needs():
    """ECS needs every action of the execution role; test_tasks.py in tests/emulator/ removes each."""
    assert {*roles.granted("Execution", "service")} <= {*EXECUTION_ACTIONS}


def test_works_with_its_role(application):
    """The backend works with the permissions of its role."""
    assert [
        application.reads_posts(),
        application.exchanges_messages(),
        application.confirms(),
    ] == [True, True, True]


@pytest.mark.parametrize("action", [action for action in GRANTED if action not in NOT_ENFORCED])
def test_needs_every_permission(application, action):
    """A request to the backend fails without this action."""
    with roles.without(application.deployed, application.role, action):
        assert not application.works()

    assert application.works()


@pytest.mark.parametrize("forbidden", [roles.scans, roles.connects_as("Migrator")])
def test_other_actions_are_denied(application, forbidden):
    """The task role is denied an action that another role is allowed."""
    with pytest.raises((ClientError, psycopg.OperationalError)) as refused:
        forbidden(application.deployed, roles.session(application.deployed, application.role))

    reasons = ("AccessDenied", "PAM authentication failed")
    assert any(reason in str(refused.value) for reason in reasons)
