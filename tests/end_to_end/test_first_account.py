"""The way of docs/first-account.md, in an account that lacks what AWS creates at the first use."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import emulator
from tests.end_to_end.full_deployment.release import prepare
from tests.end_to_end.full_deployment.test_destroy import resources

if TYPE_CHECKING:
    from tests.end_to_end.checkout import Checkout

ROLES = {
    "ecs.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "rds.amazonaws.com",
}


def preflight(checkout: Checkout, code: int) -> list[str]:
    """Return the actions of the preflight, which ends with exit code *code*."""
    results = json.loads(checkout.run("preflight", "--json", code=code).out)["results"]
    return [item["action"] for item in results if item["verdict"] in {"command", "manual"}]


def test_the_first_account(checkout: Checkout) -> None:
    """Preflight, deploy, first release and destroy, with weeks of waiting in between.

    Each command that the preflight prints fixes what it found; only the roles that AWS creates for
    its services remain at the end.
    """
    emulator.pause_autosave(checkout.endpoint)
    emulator.set_strict(checkout.endpoint)
    actions = preflight(checkout, code=3)
    for action in actions:
        checkout.client("iam").create_service_linked_role(AWSServiceName=shlex.split(action)[-1])
    ready = preflight(checkout, code=0)

    checkout.run("deploy")
    emulator.let_weeks_pass(checkout.endpoint)  # Before an operator goes on.
    checkout.run("db.bootstrap")

    release = prepare(checkout)
    digest = release.image("1" * 40)
    release.stage("Infrastructure")
    emulator.let_weeks_pass(checkout.endpoint)  # The approval takes a while.
    release.stage("Migrate")
    release.deploy_image()
    release.stage("RecordImage", IMAGE_DIGEST=digest)
    release.stage("UpdateServiceStack")
    verified = release.stage("VerifyService")
    version, webhooks = release.version, release.webhooks

    listed = checkout.run("destroy", "--dry-run", code=2).out
    checkout.run("destroy", "--yes")
    left = resources(checkout)

    assert {shlex.split(action)[-1] for action in actions} == ROLES
    assert ready == []
    assert "backend-flask runs at least 1 healthy task" in verified
    assert (version, len(webhooks)) == (1, 1)
    assert "kept" not in listed
    assert {*left} == {"roles"}
    assert {*left["roles"]} == {
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
        "AWSServiceRoleForECS",
        "AWSServiceRoleForElasticLoadBalancing",
        "AWSServiceRoleForRDS",
    }
