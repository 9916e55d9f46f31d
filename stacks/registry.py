"""Where the images of the backend are kept: scanned, immutable, and only so many."""

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

    kept_images: Annotated[int, fields.described("a number of images, 10 to 1000", ge=10, le=1000)]


@dataclass(frozen=True)
class Registry:
    """The repository a release pushes to and a task pulls from."""

    name: Value
    arn: Value
    uri: Value


def define(t: Template, env: Env, settings: Settings, *, released: Sequence[str]) -> Registry:
    """One repository; a tag, once pushed, names the same image for ever.

    *released* names the images that services run. For each there is a parameter, into which a
    release writes the digest. CloudFormation only says that there is none to begin with.
    """
    images = t.add_resource(
        ecr.Repository(
            "BackendImages",
            RepositoryName=_repository_name(env),
            ImageTagMutability="IMMUTABLE",
            ImageScanningConfiguration=ecr.ImageScanningConfiguration(ScanOnPush=True),
            LifecyclePolicy=ecr.LifecyclePolicy(
                LifecyclePolicyText=json.dumps(_lifecycle(settings.kept_images), indent=2)
            ),
            EmptyOnDelete=not env.protect,
            **retention_policies(env),
        )
    )
    for image in released:
        _none_released(t, env, image)
    return Registry(
        name=images.ref(),
        arn=images.get_att("Arn"),
        uri=images.get_att("RepositoryUri"),
    )


def repository_arn(env: Env) -> Sub:
    """Return the ARN that the repository will have: it does not depend on an export of a stack."""
    return arn("ecr", f"repository/{_repository_name(env)}")


def repository_uri(env: Env) -> Sub:
    """Return the URI that the repository will have, as `repository_arn` does."""
    host = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
    return Sub(f"{host}/{_repository_name(env)}")


def _repository_name(env: Env) -> str:
    return resource_name(env, "backend")


def _none_released(t: Template, env: Env, image: str) -> None:
    """Say that *image* was never released.

    Whatever is changed here makes CloudFormation write all of it, and so forget the release.
    """
    t.add_resource(
        ssm.Parameter(
            f"Released{image.title().replace('-', '')}",
            Name=image_parameter(env, image),
            Type="String",
            Value=ABSENT,
            Description="The digest of the image that was released last",
            **retention_policies(env),
        )
    )


def _lifecycle(kept: int) -> dict[str, object]:
    """Which images ECR throws away, once a day.

    It does not know which one is running: *kept* has to reach back to the last release one would
    still roll back to.
    """
    return {
        "rules": [
            _expire(1, "what lost its tag", tagStatus="untagged", **_after(days=14)),
            _expire(2, "old images", tagStatus="any", **_beyond(images=kept)),
        ]
    }


def _expire(priority: int, description: str, **selection: object) -> dict[str, object]:
    return {
        "rulePriority": priority,
        "description": description,
        "selection": selection,
        "action": {"type": "expire"},
    }


def _after(*, days: int) -> dict[str, object]:
    return {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}


def _beyond(*, images: int) -> dict[str, object]:
    return {"countType": "imageCountMoreThan", "countNumber": images}
