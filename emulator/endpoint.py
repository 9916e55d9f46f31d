"""The address of the running emulator, and the credentials for one of its accounts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT = "000000000000"  # The default account.
_ADDRESS = "127.0.0.1"
_ALL_HOSTS = "*"  # In NO_PROXY.
AWS_CLI_FOLDER = Path(__file__).with_name("bin")
_AWS_CONFIG = Path(__file__).with_name("aws.ini")


@dataclass(frozen=True)
class Endpoint:
    """URL and credentials of the root user of one account."""

    url: str
    account: str
    access_key: str
    secret_key: str = field(repr=False)


def as_account(endpoint: Endpoint, account: str) -> Endpoint:
    """Return the endpoint of another account on the same server; accounts share no resources.

    An access key of twelve digits is the root user's access key of the account with that number.
    """
    return replace(endpoint, account=account, access_key=account)


def environment_variables(
    endpoint: Endpoint, *, region: str, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return environment variables that make the AWS CLI use *endpoint* and nothing else.

    The user's own AWS files are not read: a profile may contain an endpoint, a role or keys.
    AWS_PROFILE is set to the only profile in aws.ini, because no value of AWS_PROFILE means "no
    profile". The hosts in the NO_PROXY of *environ*, the user's environment, are kept. Host prefixes
    are disabled: `aws s3control` would send its requests to ACCOUNT.127.0.0.1.
    """
    no_proxy = _no_proxy(environ or {})
    return {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": endpoint.access_key,
        "AWS_SECRET_ACCESS_KEY": endpoint.secret_key,
        "AWS_SESSION_TOKEN": "",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_PROFILE": "default",
        "AWS_DEFAULT_PROFILE": "default",
        "AWS_CONFIG_FILE": str(_AWS_CONFIG),
        "AWS_SHARED_CREDENTIALS_FILE": str(_AWS_CONFIG),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def _no_proxy(environ: Mapping[str, str]) -> str:
    """Return the user's NO_PROXY with the endpoint's address added; `*` is kept as it is."""
    values = [environ.get(name, "").strip() for name in ("NO_PROXY", "no_proxy")]
    if _ALL_HOSTS in values:
        return _ALL_HOSTS
    hosts = [host.strip() for value in values for host in value.split(",")]
    return ",".join(dict.fromkeys(filter(None, [*hosts, _ADDRESS])))
