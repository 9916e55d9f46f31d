"""Create botocore sessions that use only a known part of the operator's AWS setup."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import getproxies

import botocore.session
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.credentials import create_credential_resolver
from botocore.loaders import Loader

from deployer.aws.clients import refuse_other_hosts
from deployer.aws.operator_setup import Setup


def operator_session(region: str) -> botocore.session.Session:
    """Create a session that finds credentials with the operator's AWS setup.

    Some credential providers call AWS themselves: STS, IAM Identity Center, the sign-in service.
    Their endpoints are resolved by the rules of botocore, whatever the setup contains.
    """
    session = botocore.session.Session()
    session.register_component("data_loader", _bundled_models())
    providers = create_credential_resolver(session, region_name=region)
    # These providers read files of tools that are older than boto3.
    for obsolete in ("ec2-credentials-file", "boto-config"):
        providers.remove(obsolete)
    session.register_component("credential_provider", providers)
    session.set_config_variable("csm_enabled", value=False)
    session.set_config_variable("sts_regional_endpoints", "regional")
    _pin_endpoints(session)
    return session


def account_session(operator: botocore.session.Session) -> botocore.session.Session:
    """Create a session with only the credentials and the CA bundle of *operator*."""
    session = blank_session()
    session.register_component("credential_provider", operator.get_component("credential_provider"))
    session.set_config_variable("ca_bundle", operator.get_config_variable("ca_bundle"))
    # The account id in credentials is not verified, so endpoints must not depend on it.
    session.set_config_variable("account_id_endpoint_mode", "disabled")
    _pin_endpoints(session)
    return session


def blank_session() -> botocore.session.Session:
    """Create a session that reads no environment variable, profile or file of the operator."""
    variables = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    for file in ("config_file", "credentials_file"):
        variables[file] = (None, None, os.devnull, None)
    session = botocore.session.Session(session_vars=variables)
    session.get_component("config_store").set_config_variable("s3", {})
    session.register_component("data_loader", _bundled_models())
    return session


def read_setup(session: botocore.session.Session, environ: Mapping[str, str]) -> Setup:
    """Return the operator's AWS setup from *session* and *environ*.

    Raise ProfileNotFound if the profile in use does not exist.
    """
    session.get_scoped_config()
    return Setup(
        environ,
        session.profile or "default",
        session.full_config["profiles"],
        Path(os.path.expanduser("~/.aws/models")),  # noqa: PTH111  # Path raises without a home.
        session.full_config.get("sso_sessions", {}),
        getproxies(),
    )


def _pin_endpoints(session: botocore.session.Session) -> None:
    """Restrict the requests of *session* to the endpoints that botocore knows for AWS."""
    session.set_config_variable("ignore_configured_endpoint_urls", value=True)
    session.register("before-send", _refuse_other_endpoints)


def _refuse_other_endpoints(**event: Any) -> None:
    """Check the address right before a request is sent with its credentials."""
    refuse_other_hosts(event["request"].url)


@cache
def _bundled_models() -> Loader:
    """Return a loader of botocore's own service models, which ignores those in ~/.aws/models."""
    return Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
