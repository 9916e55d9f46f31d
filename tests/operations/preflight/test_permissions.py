"""The permissions of the caller are simulated, if the caller is a user or a role."""

from __future__ import annotations

from typing import Any

from operations.preflight import CHECKS, run
from operations.preflight.permissions import DEPLOYER_ACTIONS
from stacks.permissions import build_roles
from tests.operations.fake_account import ENV
from tests.operations.preflight.accounts import Account, refusal, resource, target
from tests.operations.preflight.ready_account import ROLE, preflight, ready, simulation


def test_the_root_user() -> None:
    """The root user is reported: its permissions cannot be simulated, and it should not deploy."""
    found = preflight(arn="arn:aws:iam::000000000000:root")

    assert [result[:3] for result in found if result[0] == "permissions"] == [
        (
            "permissions",
            "manual",
            "the caller is the root user, whose permissions cannot be limited",
        )
    ]


SESSION = "arn:aws:sts::000000000000:assumed-role/name/operator@example"


def test_the_role_of_a_session_is_simulated() -> None:
    """The ARN of a session lacks the path of the role, so the role is read."""
    simulated: set[str] = set()

    def simulate(parameters: dict[str, Any]) -> dict[str, Any]:
        simulated.add(parameters["PolicySourceArn"])
        return simulation()(parameters)

    preflight("iam", "simulate_principal_policy", simulate, arn=SESSION)

    assert simulated == {ROLE["Role"]["Arn"]}


def test_a_role_that_cannot_be_read() -> None:
    """The path of the role is not guessed."""
    found = preflight("iam", "get_role", refusal("AccessDenied"), arn=SESSION)

    assert [result[:3] for result in found if result[0] == "permissions"] == [
        ("permissions", "unknown", "place: Call: AccessDenied: no")
    ]


def test_a_federated_user() -> None:
    """The simulator knows users and roles only."""
    arn = "arn:aws:sts::000000000000:federated-user/operator"

    assert [result[:3] for result in preflight(arn=arn)] == [
        (
            "permissions",
            "unknown",
            f"whether {arn} may do everything: IAM simulates users and roles only",
        )
    ]


def test_a_type_without_handlers() -> None:
    """It is said that the actions of the type are not simulated."""
    resources = {"Thing": resource("AWS::New::Thing")}

    found = list(run(target(Account(ready()), resources), CHECKS))

    assert [(r.verdict, r.fact) for r in found if r.check == "permissions"] == [
        ("unknown", "which actions AWS::New::Thing needs: the registry lists none")
    ]


def test_the_actions_of_the_deployer() -> None:
    """They contain the calls to CloudFormation that the roles of the pipeline may make."""
    of_pipeline = {
        action.JSONrepr()
        for statement in [
            *build_roles.change_stacks(ENV, "role", "*"),
            *build_roles.read_stacks(ENV),
        ]
        for action in statement.Action
    }

    assert {action for action in of_pipeline if action.startswith("cloudformation:")} == {
        action for action in DEPLOYER_ACTIONS if action.startswith("cloudformation:")
    }
