"""Do what ECS does with a task's execution role: read secrets, pull images and create log streams.

Each call is checked against the policies of the role. The messages are those of ECS.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from emulator.ministack import context, policies, services

_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_SERVICE_PRINCIPAL = "ecs-tasks.amazonaws.com"
_RETRIEVAL = "execution resource retrieval failed"
_NO_REGISTRY_AUTH = (
    f"ResourceInitializationError: unable to pull secrets or registry auth: {_RETRIEVAL}: unable "
    "to retrieve ecr registry auth: service call has been retried 1 time(s)"
)
_NO_SECRETS = (
    f"ResourceInitializationError: unable to pull secrets or registry auth: {_RETRIEVAL}: unable "
    "to retrieve secrets from ssm: service call has been retried 1 time(s)"
)
_NO_LOGGER = (
    "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 "
    "times: failed to create Cloudwatch log stream"
)


class StartError(Exception):
    """A task cannot start; the message is its stopped reason."""


@dataclass(frozen=True)
class ExecutionRole:
    """The execution role of a task; without an *arn* it permits nothing."""

    arn: str

    def check_pull(self, repository: str) -> None:
        """Raise StartError unless the role may pull images of *repository*."""
        self._check("ecr:GetAuthorizationToken", "*", _NO_REGISTRY_AUTH)
        resource = f"arn:aws:ecr:{context.region()}:{context.account()}:repository/{repository}"
        for action in _PULL:
            self._check(
                action, resource, "CannotPullContainerError: ref pull has been retried 1 time(s)"
            )

    def secrets(self, container: dict[str, Any]) -> dict[str, str]:
        """Return the values of the container's secrets by variable."""
        return {
            secret["name"]: self._secret(secret["valueFrom"])
            for secret in container.get("secrets", ())
        }

    def check_log_group(self, group: str) -> None:
        """Raise StartError unless the log *group* exists, and the role may write to it."""
        resource = f"arn:aws:logs:{context.region()}:{context.account()}:log-group:{group}:*"
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            self._check(action, resource, _NO_LOGGER)
        if group not in services.log_groups:
            reason = "ResourceNotFoundException: The specified log group does not exist."
            raise StartError(f"{_NO_LOGGER}: {reason}")

    def _secret(self, reference: str) -> str:
        """Return the value of a secret or parameter; *reference* is its ARN, or a parameter's name.

        After the seven parts of a secret's ARN, an eighth selects a key of its JSON value.
        """
        if ":secretsmanager:" in reference:
            arn, key = ":".join(reference.split(":")[:7]), (*reference.split(":"), "")[7]
            self._check("secretsmanager:GetSecretValue", arn, _NO_SECRETS)
            value = services.secret_string(arn)
            if value is not None and key:
                value = json.loads(value).get(key)
        else:
            arn = reference
            if not arn.startswith("arn:"):
                name = reference.removeprefix("/")
                arn = f"arn:aws:ssm:{context.region()}:{context.account()}:parameter/{name}"
            self._check("ssm:GetParameters", arn, _NO_SECRETS)
            value = services.parameter_value(arn, decrypt=True)
        if value is None:
            raise StartError(f"{_NO_SECRETS}: invalid parameters: {reference}")
        return value

    def _check(self, action: str, resource: str, problem: str) -> None:
        """Raise StartError, whose message begins with *problem*, unless the role allows *action*."""
        can_assume = self.arn and policies.can_assume(self.arn, _SERVICE_PRINCIPAL)
        if can_assume and policies.role_allows(self.arn, action, resource):
            return
        principal = self.arn or "the task has no execution role, which"
        raise StartError(
            f"{problem}: AccessDeniedException: {principal} is not authorized to perform: {action} "
            f"on resource: {resource}"
        )


def check_task_role(role: str) -> None:
    """Raise StartError if a task cannot assume *role*."""
    if not policies.can_assume(role, _SERVICE_PRINCIPAL):
        raise StartError(
            f"ECS was unable to assume the role '{role}' that was provided for this task. Please "
            "verify that the role being passed has the proper trust relationship and permissions "
            "and that your IAM user has permissions to pass this role."
        )
