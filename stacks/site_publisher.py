"""The role of the GitHub workflow that publishes the site, without an access key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from awacs import cloudformation, cloudfront, sts
from awacs import s3 as s3_actions
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
AUDIENCE = "sts.amazonaws.com"  # The audience of GitHub's tokens for AWS.
SESSION_SECONDS = 60 * 60  # The minimum of IAM; publishing takes minutes.

# The stacks whose outputs the workflow reads: the configuration of the site, and the bucket.
OUTPUT_STACKS = ("avatars", "cdn", "users")

GitHubId = Annotated[int, fields.described("an id of GitHub, or 0", ge=0, le=2**63 - 1)]


class Settings(fields.Settings, frozen=True):
    """The `[site_publisher]` table."""

    repository: fields.GitHubRepository
    branch: fields.Branch
    oidc_provider: Literal["create", "reuse"]
    owner_id: GitHubId = 0
    repository_id: GitHubId = 0

    def __post_init__(self) -> None:
        """Raise ConflictError if only one of the ids is set: a token contains both or none."""
        if bool(self.owner_id) != bool(self.repository_id):
            missing = "repository_id" if self.owner_id else "owner_id"
            fact = "owner_id and repository_id go together: set both, or leave both 0"
            raise fields.ConflictError((missing, fact))

    @property
    def subject(self) -> str:
        """The `sub` claim of GitHub's tokens for the branch.

        Tokens of repositories that were created or renamed since July 2026 contain ids, which
        GitHub never assigns twice: docs.github.com, "Immutable subject claims".
        """
        owner, _, name = self.repository.partition("/")
        if self.owner_id:
            owner, name = f"{owner}@{self.owner_id}", f"{name}@{self.repository_id}"
        return f"repo:{owner}/{name}:ref:refs/heads/{self.branch}"


@dataclass(frozen=True)
class SitePublisher:
    """The role that the workflow assumes."""

    role: Value


def define(t: Template, env: Env, settings: Settings, cdn: Cdn) -> SitePublisher:
    """Add a role with sessions of an hour, for tokens of one repository, branch and audience.

    An administrator deploys this stack, never the pipeline. So the role needs no permissions
    boundary: the boundary limits the roles that releases create.
    """
    role = t.add_resource(
        iam.Role(
            "PublisherRole",
            AssumeRolePolicyDocument=_trust(settings, _provider(t, env, settings)),
            MaxSessionDuration=SESSION_SECONDS,
            Policies=[
                iam.Policy(
                    PolicyName="PublishSite",
                    PolicyDocument=PolicyDocument(
                        Version="2012-10-17", Statement=_publish(env, cdn)
                    ),
                )
            ],
        )
    )
    return SitePublisher(role=role.get_att("Arn"))


def _provider(t: Template, env: Env, settings: Settings) -> Value:
    """Return the OIDC provider of GitHub; an account has one at most, so it can be reused.

    It needs no thumbprint: IAM trusts the certificate authorities of GitHub's keys.
    """
    if settings.oidc_provider == "reuse":
        return arn("iam", f"oidc-provider/{ISSUER}")
    provider = t.add_resource(
        iam.OIDCProvider(
            "GitHubOidcProvider",
            Url=f"https://{ISSUER}",
            ClientIdList=[AUDIENCE],
            Tags=name_tag(env, "github"),
        )
    )
    return provider.ref()


def _trust(settings: Settings, provider: Value) -> PolicyDocument:
    """Trust one exact subject: pull requests, tags and other branches have other subjects."""
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


def _publish(env: Env, cdn: Cdn) -> list[Statement]:
    """Allow reads of outputs, writes of files, and invalidations of one distribution.

    The ARN of the bucket is built from its name, not imported: a release determines the exports of
    the stack `cdn`, and could grant the role access to any bucket. The exported ARN of the
    distribution can only grant invalidations.
    """
    site = bucket_arn(env, "site")
    files = [s3_actions.GetObject, s3_actions.PutObject, s3_actions.DeleteObject]
    outputs = [arn("cloudformation", f"stack/{env.stack_name(stack)}/*") for stack in OUTPUT_STACKS]
    return [
        allow("DescribeStacks", [cloudformation.DescribeStacks], *outputs),
        allow("ListFiles", [s3_actions.ListBucket], site),
        allow("WriteFiles", files, objects(site)),
        allow("InvalidateCache", [cloudfront.CreateInvalidation], cdn.site_distribution_arn),
    ]
