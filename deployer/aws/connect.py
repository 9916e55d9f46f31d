"""Connect to the AWS account of an environment, after checking that it is the right one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import botocore.session
from botocore.exceptions import BotoCoreError

from deployer.aws import operator_setup
from deployer.aws.account import Account
from deployer.aws.clients import LOCAL, SINGLE_ATTEMPT, STANDARD
from deployer.aws.cloud import Identity
from deployer.aws.errors import translate_errors
from deployer.aws.sessions import account_session, blank_session, operator_session, read_setup
from deployer.errors import ClockError, CloudError, CredentialsError, GuardError, UnreachableError

if TYPE_CHECKING:
    from deployer.model import Env


def connect_account(env: Env, environ: Mapping[str, str]) -> Account:
    """Return the AWS account of *env*, with the operator's credentials.

    Of the operator's AWS setup (environment variables and files) only credentials, a proxy and a CA
    bundle are used. Service models and endpoint rules are those of botocore. Requests are sent only
    by HTTPS, and only to AWS. Raise GuardError if the setup, the credentials or the account must not
    be used.
    """
    try:
        with translate_errors("AWS setup"):
            operator = operator_session(env.region)
            setup = read_setup(operator, environ)
    except (CloudError, ValueError) as error:  # ValueError: a setting that is not a number.
        raise _not_logged_in(env, error) from error
    if refusals := operator_setup.refusals(setup, env.region):
        raise GuardError(
            "\n".join(f"{env.name}: {refusal}" for refusal in refusals),
            hint="unset or remove each of them, or correct the config file; for the emulator "
            "use --env=local, without an endpoint",
        )
    session, profile = account_session(operator), operator.profile or ""
    check_credentials(env, Account(session, env.region, SINGLE_ATTEMPT, profile=profile))
    return Account(session, env.region, STANDARD, profile=profile)


def connect_emulator(env: Env, url: str, access_key: str, secret_key: str) -> Account:
    """Return the account of *env* in the emulator at *url*, without the operator's AWS setup.

    Raise GuardError if the emulator has another account.
    """
    account = connect_endpoint(url, env.region, access_key, secret_key)
    _refuse_other_account(env, account.identity())
    return account


def connect_endpoint(url: str, region: str, access_key: str, secret_key: str) -> Account:
    """Return the account of these keys at *url*, without the operator's AWS setup."""
    session = blank_session()
    session.set_credentials(access_key, secret_key)
    return Account(session, region, LOCAL, url)


def check_credentials(env: Env, account: Account) -> None:
    """Raise GuardError for missing or broken credentials, and for those of another account.

    Raise UnreachableError if AWS does not respond. The only request is GetCallerIdentity.
    """
    try:
        identity = account.identity()
    except ClockError:
        raise
    except CredentialsError as error:
        raise _not_logged_in(env, error) from error
    except UnreachableError as error:
        raise UnreachableError(
            f"{env.name}: {error.message}",
            hint="check the network, and HTTPS_PROXY if a proxy is needed; nothing was changed",
        ) from error
    except (CloudError, OSError, ValueError) as error:  # The last two: credential_process.
        raise _not_logged_in(env, error) from error
    _refuse_other_account(env, identity)


def sources_in_use(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the parts of the operator's AWS setup that a run uses, without a network request.

    Return nothing for a setup that cannot be read: `connect_account` raises the reason.
    """
    try:
        return operator_setup.sources(read_setup(botocore.session.Session(), environ))
    except BotoCoreError:
        return ()


def _not_logged_in(env: Env, error: Exception) -> GuardError:
    return GuardError(
        f"{env.name}: not logged in: {getattr(error, 'message', error)}",
        hint=f"log in to account {env.account} (aws sso login, or AWS_PROFILE) and try again",
    )


def _refuse_other_account(env: Env, identity: Identity) -> None:
    if identity.account != env.account:
        raise GuardError(
            f"{env.name}: these are credentials of account {identity.account}, "
            f"not of {env.account}",
            hint=f"they belong to {identity.arn}; log in to the right account, or set AWS_PROFILE",
        )
