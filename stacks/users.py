"""Who may sign in: a user pool, its client, and the functions that know people in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from troposphere import Sub, awslambda, cognito, ec2

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.database import Database, connect_as, reached_as
from stacks.foundation import Foundation
from stacks.monitored_outputs import FunctionName
from stacks.network import Network
from stacks.parts.functions import Functions, VpcPlacement, allow_invoke
from stacks.parts.names import name_tag, resource_name
from stacks.parts.retention import retention_policies
from stacks.parts.security_groups import allow_ingress

# What a person says of themselves when signing up, and whether they can change it later. Cognito
# can change neither this list nor these answers in a pool that exists. The handle stays: posts,
# messages and links carry it.
ATTRIBUTES = {"email": True, "name": True, "preferred_username": False}


class Settings(fields.Settings, frozen=True):
    """The `[users]` table."""

    tier: Literal["LITE", "ESSENTIALS"]
    authenticator_app: bool
    token_minutes: Annotated[int, fields.described("5 to 1440 minutes", ge=5, le=1440)]
    session_days: Annotated[int, fields.described("1 to 3650 days", ge=1, le=3650)]


@dataclass(frozen=True)
class Users:
    """What a page signs in with, and what a token has to say to be believed.

    The public keys of tokens are at <issuer>/.well-known/jwks.json. *post_confirmation* and
    *migrate* are the functions that reach the database.
    """

    pool: Value
    pool_arn: Value
    issuer: Value
    client: Value
    post_confirmation: FunctionName
    migrate: FunctionName


def define(
    t: Template,
    env: Env,
    settings: Settings,
    functions: Functions,
    base: Foundation,
    *,
    net: Network,
    data: Database,
) -> Users:
    """One pool and one client; what confirms a person is called by the pool."""
    factory = functions.factory(t, env, base)
    placement = _beside_the_database(t, env, net=net, data=data)
    person = factory.function(
        "PostConfirmation",
        code="post_confirmation",
        timeout_seconds=5,  # Cognito waits no longer.
        memory_mb=512,
        variables=reached_as(data.application, data),
        statements=[connect_as(data.application, data)],
        placement=placement,
    )
    migrate = factory.function(
        "Migrate",
        code="migrate",
        timeout_seconds=300,
        memory_mb=512,
        variables=reached_as(data.migrator, data) | {"APPLICATION_USER": data.application},
        statements=[connect_as(data.migrator, data)],
        placement=placement,
    )
    pool = _pool(t, env, settings, confirmed=person)
    allow_invoke(t, person, "cognito-idp", pool.get_att("Arn"))
    client = _client(t, env, settings, pool=pool)
    return Users(
        pool=pool.ref(),
        pool_arn=pool.get_att("Arn"),
        issuer=Sub(f"https://${{{pool.title}.ProviderName}}"),
        client=client.ref(),
        post_confirmation=person.ref(),
        migrate=migrate.ref(),
    )


def _beside_the_database(t: Template, env: Env, *, net: Network, data: Database) -> VpcPlacement:
    """A place in the private subnets from where there is one way: to the database."""
    firewall = t.add_resource(
        ec2.SecurityGroup(
            "FunctionsFirewall",
            GroupDescription="Functions that reach the database, and nothing else",
            VpcId=net.vpc,
            SecurityGroupEgress=[  # Without a rule there would be AWS's own, to everywhere.
                ec2.SecurityGroupRule(
                    DestinationSecurityGroupId=data.firewall,
                    Description="To the database",
                    FromPort=data.port,
                    ToPort=data.port,
                    IpProtocol="tcp",
                )
            ],
            Tags=name_tag(env, "functions"),
        )
    )
    allow_ingress(
        t,
        "FromFunctions",
        group=data.firewall,
        source=firewall.get_att("GroupId"),
        port=data.port,
        description="From the functions of the users layer",
    )
    return VpcPlacement(net.private_subnets, firewall)


def _pool(
    t: Template, env: Env, settings: Settings, *, confirmed: awslambda.Function
) -> cognito.UserPool:
    return t.add_resource(
        cognito.UserPool(
            "People",
            UserPoolName=resource_name(env, "users"),
            UserPoolTier=settings.tier,
            UsernameAttributes=["email"],
            UsernameConfiguration=cognito.UsernameConfiguration(CaseSensitive=False),
            Schema=[_attribute(name, mutable) for name, mutable in ATTRIBUTES.items()],
            **_verified_address(),
            Policies=cognito.Policies(PasswordPolicy=_password_policy()),
            **_second_factor(settings.authenticator_app),
            LambdaConfig=cognito.LambdaConfig(PostConfirmation=confirmed.get_att("Arn")),
            DeletionProtection="ACTIVE" if env.protect else "INACTIVE",
            **retention_policies(env),
        )
    )


def _attribute(name: str, mutable: bool) -> cognito.SchemaAttribute:  # noqa: FBT001
    return cognito.SchemaAttribute(
        Name=name, AttributeDataType="String", Required=True, Mutable=mutable
    )


def _verified_address() -> dict[str, Any]:
    """A mail address is proven by a code, before it is used and before another takes its place.

    It is also the only way back in for who forgot the password.
    """
    return {
        "AutoVerifiedAttributes": ["email"],
        "UserAttributeUpdateSettings": cognito.UserAttributeUpdateSettings(
            AttributesRequireVerificationBeforeUpdate=["email"]
        ),
        "AccountRecoverySetting": cognito.AccountRecoverySetting(
            RecoveryMechanisms=[cognito.RecoveryOption(Name="verified_email", Priority=1)]
        ),
    }


def _password_policy() -> cognito.PasswordPolicy:
    return cognito.PasswordPolicy(
        MinimumLength=12,
        RequireLowercase=True,
        RequireUppercase=True,
        RequireNumbers=True,
        RequireSymbols=True,
        TemporaryPasswordValidityDays=1,
    )


def _second_factor(authenticator_app: bool) -> dict[str, Any]:  # noqa: FBT001
    """Each person may add an authenticator app; there is none by SMS, which can be taken over."""
    if not authenticator_app:
        return {"MfaConfiguration": "OFF"}
    return {"MfaConfiguration": "OPTIONAL", "EnabledMfas": ["SOFTWARE_TOKEN_MFA"]}


def _client(
    t: Template, env: Env, settings: Settings, *, pool: cognito.UserPool
) -> cognito.UserPoolClient:
    """A browser keeps no secret, so the client has none, and a password never leaves the page.

    Each refresh takes the old refresh token out of use: a stolen one is good once at most. For
    that there is one call, GetTokensFromRefreshToken; the older flow must not be allowed.
    """
    return t.add_resource(
        cognito.UserPoolClient(
            "Site",
            ClientName=resource_name(env, "site"),
            UserPoolId=pool.ref(),
            GenerateSecret=False,
            ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"],
            SupportedIdentityProviders=["COGNITO"],
            PreventUserExistenceErrors="ENABLED",
            EnableTokenRevocation=True,
            RefreshTokenRotation=cognito.RefreshTokenRotation(
                Feature="ENABLED", RetryGracePeriodSeconds=10
            ),
            AccessTokenValidity=settings.token_minutes,
            IdTokenValidity=settings.token_minutes,
            RefreshTokenValidity=settings.session_days,
            TokenValidityUnits=cognito.TokenValidityUnits(
                AccessToken="minutes", IdToken="minutes", RefreshToken="days"
            ),
            ReadAttributes=[*ATTRIBUTES, "email_verified"],
            WriteAttributes=list(ATTRIBUTES),
        )
    )
