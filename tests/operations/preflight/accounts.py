"""A fake account whose answers are validated against the service models of botocore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.validate import validate_parameters

from deployer.aws.cloud import DeployedStack, Identity
from deployer.environment import Environment
from deployer.errors import CloudError
from deployer.model.desired import DesiredStack
from operations.target import Target
from tests.operations.fake_account import ENV
from tests.stacks.templates import config_of

_MODELS = botocore.session.get_session()
NEW_YEAR = datetime(2026, 1, 1, 12, tzinfo=UTC)
CALLER = "arn:aws:iam::000000000000:user/operator"


class Client:
    """A client of one service: an answer for each operation, a dict or a CloudError.

    A function as answer gets the parameters of the call.
    """

    def __init__(self, service: str, answers: Mapping[str, Any]) -> None:
        model = _MODELS.get_service_model(service)
        self._operations = {
            xform_name(name): model.operation_model(name) for name in model.operation_names
        }
        self._answers = answers

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> Any:
            model = self._operations[operation]
            if model.input_shape:
                validate_parameters(parameters, model.input_shape)
            answer = self._answers[operation]
            result = answer(parameters) if callable(answer) else answer
            if isinstance(result, CloudError):
                raise result
            metadata = {"ResponseMetadata": result.get("ResponseMetadata", {})}
            values = completed(
                {key: value for key, value in result.items() if key not in metadata},
                model.output_shape,
            )
            validate_parameters(values, model.output_shape)
            return values | metadata

        return call

    def get_paginator(self, operation: str) -> Any:
        """Return a paginator with one page, the answer of the operation."""
        return SimpleNamespace(paginate=lambda **kwargs: iter([getattr(self, operation)(**kwargs)]))


def completed(value: Any, shape: Any) -> Any:
    """Return an answer with a value for each required member of *shape* that it lacks."""
    match shape.type_name:
        case "structure":
            given = dict.fromkeys(shape.required_members) | (value or {})
            return {
                name: completed(item, shape.members[name]) if name in shape.members else item
                for name, item in given.items()
            }
        case "list":
            items = value or [None] * shape.metadata.get("min", 0)
            return [completed(item, shape.member) for item in items]
    if value is not None:
        return value
    match shape.type_name:
        case "string":
            return "x" * shape.metadata.get("min", 0)
        case "timestamp":
            return NEW_YEAR
        case "boolean":
            return False
    return 0


@dataclass
class Account:
    """An account with *deployed* stacks; *answers* are by service and operation."""

    answers: dict[str, dict[str, Any]]
    deployed: list[DeployedStack] = field(default_factory=list)
    arn: str = CALLER

    def client(self, service: str, region: str) -> Client:
        """Return the client of *service*, the same in every region."""
        assert region
        return Client(service, self.answers[service])

    def identity(self) -> Identity:
        """Return the caller."""
        return Identity(ENV.account, self.arn)

    def stacks(self, region: str) -> tuple[DeployedStack, ...]:
        """Return the deployed stacks of *region*."""
        return tuple(stack for stack in self.deployed if stack.region == region)


def refusal(code: str) -> CloudError:
    """Return the error of a call that AWS refuses with *code*."""
    return CloudError(f"place: Call: {code}: no", aws_code=code)


def resource(type_: str, **properties: Any) -> dict[str, Any]:
    """Return a resource of a template."""
    return {"Type": type_, "Properties": properties}


def target(account: Account, resources: Mapping[str, Any] | None = None) -> Target:
    """Return a target whose only stack, `network`, has *resources*."""
    stack = DesiredStack(
        "network", ENV.stack_name("network"), ENV.region, "", "", {"Resources": resources or {}}
    )
    return Target(Environment(ENV, (stack,), Path(), config_of("prod")), account)


def findings(found: Iterator[Any]) -> list[tuple[str, str, str]]:
    """Return verdict, fact and action of each finding."""
    return [(finding.verdict, finding.fact, finding.action) for finding in found]
