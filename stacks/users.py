"""Sign-in of users: a Cognito user pool, its client, and functions that access the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from awacs import awslambda as lambda_actions
from awacs import cognito_idp
from troposphere import Sub, awslambda, cognito

from deployer.config import fields
from deployer.model import Env, Template, Value
from stacks.database import Database, allow_connect, connection_variables
from stacks.foundation import Foundation
from stacks.monitored_outputs import FunctionName, ScheduledFunctionName
from stacks.network import Network
from stacks.parts.database_access import database_access
from stacks.parts.functions import FunctionFactory, Functions, allow_invoke
from stacks.parts.iam import allow
from stacks.parts.names import resource_name
from stacks.parts.retention import retention_policies
from stacks.parts.schedules import invoke_at

# The attributes that a user enters at sign-up, and whether the user can change them later. Cognito
# can change neither in an existing pool. The handle is immutable, because posts, messages and
# links contain it.
ATTRIBUTES = {"email": True, "name": True, "preferred_username": False}
RECONCILIATION = (
    "rate(30 minutes)"  # The alarm of scheduled functions expects it at least as often.
)


class Settings(fields.Settings, frozen=True):
    """The `[users]` table."""

    tier: Literal["ESSENTIALS", "PLUS"]  # LITE has no rotation of refresh tokens.
    authenticator_app: bool
    token_minutes: Annotated[int, fields.described("5 to 1440 minutes", ge=5, le=1440)]
    session_days: Annotated[int, fields.described("1 to 3650 days", ge=1, le=3650)]
    email_sender: fields.Email | None = None  # An address of a domain that SES has verified.


@dataclass(frozen=True)
class Users:
    """The user pool, the issuer and client of its tokens, and the functions that use the database.

    The public keys for tokens are at <issuer>/.well-known/jwks.json.
    """

    pool: Value
    pool_arn: Value
    issuer: Value
    client: Value
    post_confirmation: FunctionName
    migrate: FunctionName
    reconcile_users: ScheduledFunctionName


def define(
    t: Template,
    env: Env,
    settings: Settings,
    functions: Functions,
    foundation: Foundation,
    *,
    network: Network,
    database: Database,
) -> Users:
    """Add the user pool and its client, the functions of users, and the migration function."""
    factory = functions.factory(t, env, foundation)
    placement = database_access(t, env, "users", network=network, database=database)
    post_confirmation = factory.function(
        "PostConfirmation",
        code="post_confirmation",
        timeout_seconds=5,  # The limit of Cognito.
        # Lambda adds CPU with memory, and a cold start in the VPC must fit into the five seconds.
        memory_mb=1024,
        variables=connection_variables(database.application, database),
        statements=[allow_connect(database.application, database)],
        placement=placement,
    )
    migrate = factory.function(
        "Migrate",
        code="migrate",
        timeout_seconds=300,
        memory_mb=512,
        variables=connection_variables(database.migrator, database)
        | {"APPLICATION_USER": database.application},
        statements=[allow_connect(database.migrator, database)],
        placement=placement,
    )
    pool = _pool(t, env, settings, post_confirmation=post_confirmation)
    allow_invoke(t, post_confirmation, "cognito-idp", pool.get_att("Arn"))
    client = _client(t, env, settings, pool=pool)
    reconcile_users = _reconcile_users(t, factory, pool, post_confirmation)
    return Users(
        pool=pool.ref(),
        pool_arn=pool.get_att("Arn"),
        issuer=Sub(f"https://${{{pool.title}.ProviderName}}"),
        client=client.ref(),
        post_confirmation=post_confirmation.ref(),
        migrate=migrate.ref(),
        reconcile_users=reconcile_users.ref(),
    )


def _reconcile_users(
    t: Template,
    factory: FunctionFactory,
    pool: cognito.UserPool,
    post_confirmation: awslambda.Function,
) -> awslambda.Function:
    """Add the function that finds users without a row; it also keeps *post_confirmation* active."""
    function = factory.function(
        "ReconcileUsers",
        code="reconcile_users",
        timeout_seconds=900,
        memory_mb=256,
        variables={"USER_POOL": pool.ref(), "POST_CONFIRMATION": post_confirmation.get_att("Arn")},
        statements=[
            allow("ListUsers", [cognito_idp.ListUsers], pool.get_att("Arn")),
            allow(
                "InvokePostConfirmation",
                [lambda_actions.InvokeFunction],
                post_confirmation.get_att("Arn"),
            ),
        ],
    )
    invoke_at(t, function, RECONCILIATION, "Add the rows of users that are missing")
    return function


def _pool(
    t: Template, env: Env, settings: Settings, *, post_confirmation: awslambda.Function
) -> cognito.UserPool:
    return t.add_resource(
        cognito.UserPool(
            "UserPool",
            UserPoolName=resource_name(env, "users"),
            UserPoolTier=settings.tier,
            UsernameAttributes=["email"],
            UsernameConfiguration=cognito.UsernameConfiguration(CaseSensitive=False),
            Schema=[_attribute(name, mutable) for name, mutable in ATTRIBUTES.items()],
            **_email_verification(),
            EmailConfiguration=_email_configuration(settings.email_sender),
            Policies=cognito.Policies(PasswordPolicy=_password_policy()),
            **_multi_factor_authentication(settings.authenticator_app),
            LambdaConfig=cognito.LambdaConfig(PostConfirmation=post_confirmation.get_att("Arn")),
            DeletionProtection="ACTIVE" if env.protect else "INACTIVE",
            **retention_policies(env),
        )
    )


def _attribute(name: str, mutable: bool) -> cognito.SchemaAttribute:  # noqa: FBT001
    return cognito.SchemaAttribute(
        Name=name, AttributeDataType="String", Required=True, Mutable=mutable
    )


def _email_verification() -> dict[str, Any]:
    """Require a code for each new email address, also before it replaces the previous one.

    A verified address is the only way to reset a forgotten password.
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


def _email_configuration(sender: str | None) -> cognito.EmailConfiguration:
    """Send emails with the SES identity of the domain of *sender*, if there is one.

    Cognito's own sender is limited to about 50 emails a day (Cognito developer guide, Quotas).
    """
    if sender is None:
        return cognito.EmailConfiguration(EmailSendingAccount="COGNITO_DEFAULT")
    domain = sender.rpartition("@")[2]
    return cognito.EmailConfiguration(
        EmailSendingAccount="DEVELOPER",
        From=sender,
        SourceArn=Sub(
            f"arn:${{AWS::Partition}}:ses:${{AWS::Region}}:${{AWS::AccountId}}:identity/{domain}"
        ),
    )


def _password_policy() -> cognito.PasswordPolicy:
    return cognito.PasswordPolicy(
        MinimumLength=12,
        RequireLowercase=True,
        RequireUppercase=True,
        RequireNumbers=True,
        RequireSymbols=True,
        TemporaryPasswordValidityDays=1,
    )


def _multi_factor_authentication(authenticator_app: bool) -> dict[str, Any]:  # noqa: FBT001
    """Let each user add an authenticator app; SMS is not offered: phone numbers can be hijacked."""
    if not authenticator_app:
        return {"MfaConfiguration": "OFF"}
    return {"MfaConfiguration": "OPTIONAL", "EnabledMfas": ["SOFTWARE_TOKEN_MFA"]}


def _client(
    t: Template, env: Env, settings: Settings, *, pool: cognito.UserPool
) -> cognito.UserPoolClient:
    """Add a client without a secret, as a browser cannot keep one, and with SRP sign-in.

    SRP never sends the password. A refresh invalidates the previous refresh token, so a stolen
    token can be used at most once. Token rotation requires GetTokensFromRefreshToken and excludes
    the older authentication flow.
    """
    return t.add_resource(
        cognito.UserPoolClient(
            "UserPoolClient",
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
