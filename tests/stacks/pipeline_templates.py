"""The templates of the pipeline, emitted for fixed settings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from msgspec import convert

from deployer.model import Env, Layers
from stacks import pipeline
from stacks.foundation import Foundation
from tests.stacks.templates import statements

ENV = Env(
    project="cruddur",
    prefix="crd",
    name="prod",
    account="222222222222",
    region="ca-central-1",
    domain="cruddur.example",
    hosted_zone="Z0PRODEXAMPLE",
    protect=True,
)
FOUNDATION = Foundation(
    "the-artifacts", "arn:artifacts", "arn:alerts", "arn:release", "arn:boundary"
)
SETTINGS: dict[str, Any] = {
    "repository": "someone/cruddur",
    "branch": "prod",
    "approval": True,
    "artifact_retention_days": 30,
    "log_retention_days": 90,
}
SERVICE = {"service": "backend-flask", "image": "backend", "architecture": "ARM64"}

# The build actions. Each has its own project, role and log group.
BUILDS = (
    "Test",
    "Image",
    "Diff",
    "Plan",
    "Infrastructure",
    "Migrate",
    "RecordImage",
    "UpdateServiceStack",
    "VerifyService",
)
PROJECT_NAMES = {title: f"crd-prod-pipeline-{title.lower()}" for title in BUILDS} | {
    "RecordImage": "crd-prod-pipeline-record-image",
    "UpdateServiceStack": "crd-prod-pipeline-update-service-stack",
    "VerifyService": "crd-prod-pipeline-verify-service",
}
ROLES = ("PipelineRole", *(f"{title}Role" for title in BUILDS))


@dataclass(frozen=True)
class PipelineTemplates:
    """The templates of the stack and of its nested stack."""

    outer: dict[str, Any]
    inner: dict[str, Any]

    def of(self, type_: str) -> dict[str, dict[str, Any]]:
        """Return the properties of every resource of *type_* in both templates, by title."""
        return {
            title: resource["Properties"]
            for template in (self.outer, self.inner)
            for title, resource in template["Resources"].items()
            if resource["Type"] == type_
        }

    def one(self, type_: str) -> dict[str, Any]:
        """Return the properties of the only resource of *type_*."""
        (found,) = self.of(type_).values()
        return found

    def statements(self, role: str) -> dict[str, dict[str, Any]]:
        """Return the statements of *role* by statement id."""
        (policy,) = self.of("AWS::IAM::Role")[role]["Policies"]
        return statements(policy["PolicyDocument"])

    @property
    def actions(self) -> dict[str, dict[str, Any]]:
        """The actions of the pipeline by name, in order."""
        stages = self.one("AWS::CodePipeline::Pipeline")["Stages"]
        return {action["Name"]: action for stage in stages for action in stage["Actions"]}


def emit_pipeline(**changes: Any) -> PipelineTemplates:
    """Return the templates with *changes* to the settings or the service."""
    service = {key: changes.pop(key, value) for key, value in SERVICE.items()}
    layers = Layers(ENV)
    settings = convert(SETTINGS | changes, pipeline.Settings)
    layers.add("pipeline", pipeline.define, settings, FOUNDATION, **service)
    (stack,) = layers
    (nested,) = stack.template.nested
    return PipelineTemplates(
        json.loads(stack.template.to_json()), json.loads(nested.template.to_json())
    )


EMITTED = emit_pipeline()
