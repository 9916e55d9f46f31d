"""The ECR repository of the backend: immutable tags, scans and a lifecycle policy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from troposphere import Sub, ecr, ssm

from deployer.config import fields
from deployer.model import ABSENT, Env, Template, Value
from stacks.parts.names import arn, image_parameter, resource_name
from stacks.parts.retention import retention_policies


class Settings(fields.Settings, frozen=True):
    """The `[registry]` table."""

    max_images: Annotated[int, fields.described("a number of images, 10 to 1000", ge=10, le=1000)]


@dataclass(frozen=True)
class Registry:
    """The repository that a release pushes to and that tasks pull from."""

    name: Value
    arn: Value
    uri: Value


def define(t: Template, env: Env, settings: Settings, *, released: Sequence[str]) -> Registry:
    """Add the repository, and a parameter for the digest of each *released* image.

    *released* are the names of the images that services run. A release writes the digest of an
    image to its parameter. CloudFormation sets only the initial value, `none`.
    """
    repository = t.add_resource(
        ecr.Repository(
            "BackendRepository",
            RepositoryName=_repository_name(env),
            ImageTagMutability="IMMUTABLE",
            ImageScanningConfiguration=ecr.ImageScanningConfiguration(ScanOnPush=True),
            LifecyclePolicy=ecr.LifecyclePolicy(
                LifecyclePolicyText=json.dumps(_lifecycle(settings.max_images), indent=2)
            ),
            EmptyOnDelete=not env.protect,
            **retention_policies(env),
        )
    )
    for image in released:
        _image_parameter(t, env, image)
    return Registry(
        name=repository.ref(),
        arn=repository.get_att("Arn"),
        uri=repository.get_att("RepositoryUri"),
    )


def repository_arn(env: Env) -> Sub:
    """Return the ARN that the repository will have: it does not depend on an export of a stack."""
    return arn("ecr", f"repository/{_repository_name(env)}")


def repository_uri(env: Env) -> Sub:
    """Return the URI that the repository will have; like `repository_arn`, it uses no export."""
    host = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
    return Sub(f"{host}/{_repository_name(env)}")


def _repository_name(env: Env) -> str:
    return resource_name(env, "backend")


def _image_parameter(t: Template, env: Env, image: str) -> None:
    """Add the parameter of *image*, with the value for an image that was never released.

    Do not change any property of the parameter: CloudFormation would write all of them, including
    the value, and the digest of the last release would be lost.
    """
    t.add_resource(
        ssm.Parameter(
            f"{image.title().replace('-', '')}ImageParameter",
            Name=image_parameter(env, image),
            Type="String",
            Value=ABSENT,
            Description="Digest of the image of the last release",
            **retention_policies(env),
        )
    )


def _lifecycle(max_images: int) -> dict[str, object]:
    """Return the lifecycle policy, which ECR applies once a day.

    ECR also deletes images that are running, so the last *max_images* must include every release
    that an operator may roll back to.
    """
    return {
        "rules": [
            _expire(1, "untagged images", tagStatus="untagged", **_older_than(days=14)),
            _expire(2, "old images", tagStatus="any", **_more_than(images=max_images)),
        ]
    }


def _expire(priority: int, description: str, **selection: object) -> dict[str, object]:
    return {
        "rulePriority": priority,
        "description": description,
        "selection": selection,
        "action": {"type": "expire"},
    }


def _older_than(*, days: int) -> dict[str, object]:
    return {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}


def _more_than(*, images: int) -> dict[str, object]:
    return {"countType": "imageCountMoreThan", "countNumber": images}
