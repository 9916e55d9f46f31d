"""Who publishes the site: the workflow of one branch of one GitHub repository, without a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from awacs import cloudformation, cloudfront, sts
from awacs import s3 as storage
from awacs.aws import (
    Allow,
    Condition,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import iam

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.cdn import Cdn
from stacks.parts.buckets import bucket_arn, objects
from stacks.parts.iam import allow
from stacks.parts.names import arn, name_tag

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"  # What GitHub's tokens are asked for, and no other service takes.
SESSION_SECONDS = 60 * 60  # As long as IAM's shortest; a publication takes minutes.

# The layers whose outputs the workflow reads: what the site is built with, and where it goes.
READ = ("avatars", "cdn", "users")

Number = Annotated[int, fields.described("a number that GitHub gave, or 0", ge=0)]


class Settings(fields.Settings, frozen=True):
    """The `[site_publisher]` table."""

    repository: fields.GitHubRepository
    branch: fields.Branch
    oidc_provider: Literal["create", "reuse"]
    owner_id: Number = 0
    repository_id: Number = 0

    def __post_init__(self) -> None:
        """A token names both numbers or neither."""
        if bool(self.owner_id) != bool(self.repository_id):
            missing = "repository_id" if self.owner_id else "owner_id"
            fact = "owner_id and repository_id go together: give both, or leave both 0"
            raise fields.ConflictError((missing, fact))

    @property
    def subject(self) -> str:
        """What GitHub's token says of who comes.

        Repositories that are new or renamed since July 2026 are named with numbers that nobody
        else can ever have: docs.github.com, "Immutable subject claims".
        """
        owner, _, name = self.repository.partition("/")
        if self.owner_id:
            owner, name = f"{owner}@{self.owner_id}", f"{name}@{self.repository_id}"
        return f"repo:{owner}/{name}:ref:refs/heads/{self.branch}"


@dataclass(frozen=True)
class SitePublisher:
    """What the workflow takes on to publish."""

    role: Value


def define(t: Template, env: Env, settings: Settings, web: Cdn) -> SitePublisher:
    """A role for an hour, for a token that names repository, branch and audience.

    A person deploys this stack, never the pipeline: who may publish is no matter of a release. So
    its policy is its limit, and the boundary is for roles that releases make.
    """
    role = t.add_resource(
        iam.Role(
            "SitePublisher",
            AssumeRolePolicyDocument=_trust(settings, _provider(t, env, settings)),
            MaxSessionDuration=SESSION_SECONDS,
            Policies=[
                iam.Policy(
                    PolicyName="PublishSite",
                    PolicyDocument=PolicyDocument(
                        Version="2012-10-17", Statement=_publish(env, web)
                    ),
                )
            ],
        )
    )
    return SitePublisher(role=role.get_att("Arn"))


def _provider(t: Template, env: Env, settings: Settings) -> Value:
    """An account has one at most: where it is there already, a setting says so.

    No thumbprint: IAM knows the authorities that vouch for GitHub's keys.
    """
    if settings.oidc_provider == "reuse":
        return arn("iam", f"oidc-provider/{ISSUER}")
    provider = t.add_resource(
        iam.OIDCProvider(
            "GitHub",
            Url=f"https://{ISSUER}",
            ClientIdList=[AUDIENCE],
            Tags=name_tag(env, "github"),
        )
    )
    return provider.ref()


def _trust(settings: Settings, provider: Value) -> PolicyDocument:
    """Nothing like a pattern: a pull request, a tag or another branch has another subject."""
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            Statement(
                Effect=Allow,
                Principal=Principal("Federated", provider),
                Action=[sts.AssumeRoleWithWebIdentity],
                Condition=Condition(
                    StringEquals({f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": settings.subject})
                ),
            )
        ],
    )


def _publish(env: Env, web: Cdn) -> list[Statement]:
    """Look up where, compare, write, and invalidate one distribution.

    The ARN of the bucket comes from its name. A release chooses what the stack `cdn` exports, and
    the role could be given any bucket by it. With the export of the distribution the role can
    invalidate caches, and nothing else.
    """
    site = bucket_arn(env, "site")
    files = [storage.GetObject, storage.PutObject, storage.DeleteObject]
    outputs = [arn("cloudformation", f"stack/{env.stack_name(layer)}/*") for layer in READ]
    return [
        allow("ReadOutputs", [cloudformation.DescribeStacks], *outputs),
        allow("ListFiles", [storage.ListBucket], site),
        allow("ChangeFiles", files, objects(site)),
        allow("ForgetFiles", [cloudfront.CreateInvalidation], web.site_distribution_arn),
    ]
