"""Decide which settings of the operator's AWS setup are refused, and list those in use.

The setup consists of the environment variables and the files in ~/.aws that AWS's own tools read. A
task uses only the credentials, the proxy and the CA bundle. `deployer.aws` ignores all other
settings, and refuses those that would send requests to another address, because the operator would
expect that they have an effect.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

# Endpoint rules in a folder of service models. Other files in the folder are harmless and not read.
_ENDPOINT_RULES = ("endpoints.json*", "partitions.json*", "*/*/endpoint-rule-set-1.json*")
# The endpoints of services, including buckets, and the sign-in service of `aws login`. Other names
# below amazonaws.com are refused: ID.execute-api.REGION.amazonaws.com, for example, belongs to a
# customer.
_REGION = r"[a-z]{2}(?:-[a-z]+)+-[0-9]"
_AWS_HOST = re.compile(
    rf"(?:[a-z0-9.-]+\.s3|api\.ecr|portal\.sso|[a-z0-9-]+)(?:\.{_REGION})?\.amazonaws\.com"
    rf"|(?:{_REGION}\.)?signin\.aws\.amazon\.com"
)

_ADDRESS = "sends requests to another address"
_RULES = "replaces the endpoint rules of AWS"
_VARIANT = "selects endpoints that the tasks do not use"
_REFUSED_VARIABLES = {
    "AWS_DATA_PATH": _RULES,
    "BOTOCORE_EXPERIMENTAL__PLUGINS": "adds other code to every AWS client",
    "SSLKEYLOGFILE": "writes the keys of encrypted connections to a file",
}
_REFUSED_KEYS = {"endpoint_url": _ADDRESS, "services": _ADDRESS, "data_path": _RULES}
_REFUSED_IF_TRUE = {
    "AWS_USE_FIPS_ENDPOINT": _VARIANT,
    "AWS_USE_DUALSTACK_ENDPOINT": _VARIANT,
    "use_fips_endpoint": _VARIANT,
    "use_dualstack_endpoint": _VARIANT,
}

Settings: TypeAlias = Mapping[str, object]  # The keys of a section of an AWS config file.

_ACCESS_KEY = "AWS_ACCESS_KEY_ID"
_FILES = {
    "AWS_CONFIG_FILE": "config file",
    "AWS_SHARED_CREDENTIALS_FILE": "credentials file",
}
_CERTIFICATES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class Setup:
    """The AWS setup of the operator.

    *profile* is the name of the profile in use. *profiles* and *sso_sessions* map the name of each
    section to its keys. *models* is the folder that AWS's own tools search for service models.
    *proxies* maps the scheme of a URL to its proxy.
    """

    environ: Mapping[str, str]
    profile: str
    profiles: Mapping[str, Settings]
    models: Path
    sso_sessions: Mapping[str, Settings] = field(default_factory=dict)
    proxies: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The profile, as a place in an error."""
        return f"AWS profile {self.profile}"

    @property
    def settings(self) -> Settings:
        """The keys of the profile in use."""
        return self.profiles.get(self.profile, {})

    def chain(self) -> Iterator[tuple[str, Settings]]:
        """Yield the profile in use, then its source_profile, and so on."""
        name, seen = self.profile, set[str]()
        while name in self.profiles and name not in seen:
            seen.add(name)
            yield name, self.profiles[name]
            name = str(self.profiles[name].get("source_profile", ""))


def is_aws(url: str) -> bool:
    """Return whether *url* is the HTTPS address of an AWS service."""
    parts = urlsplit(url)
    return parts.scheme == "https" and _AWS_HOST.fullmatch(parts.hostname or "") is not None


def refusals(setup: Setup, region: str) -> tuple[str, ...]:
    """Return every part of *setup* that a task in *region* refuses, each as `place: fact`."""
    return (*_redirects(setup), *_other_regions(setup, region), *_unusable(setup))


def sources(setup: Setup) -> tuple[str, ...]:
    """Return the parts of *setup* that a run uses, in words, without any network request."""
    return (*_credentials(setup), *_files(setup), *_connection(setup))


def _redirects(setup: Setup) -> Iterator[str]:
    for name in sorted(setup.environ):
        fact = _ADDRESS if name.startswith("AWS_ENDPOINT_URL") else _REFUSED_VARIABLES.get(name, "")
        if fact or (fact := _if_true(name, setup.environ[name])):
            yield f"{name}: {fact}"
    for key, value in setup.settings.items():
        if fact := _REFUSED_KEYS.get(key, "") or _if_true(key, value):
            yield f"{setup.place}: {key}: {fact}"
    for pattern in _ENDPOINT_RULES:
        for file in sorted(setup.models.glob(pattern)):
            yield f"{file}: {_RULES}"


def _if_true(name: str, value: object) -> str:
    """Return why *name* is refused; empty if it is not refused, or its *value* is false or empty."""
    is_off = isinstance(value, str) and value.strip().lower() in {"", "false"}
    return "" if is_off else _REFUSED_IF_TRUE.get(name, "")


def _other_regions(setup: Setup, region: str) -> Iterator[str]:
    """Yield each region in the setup that is not *region*: the operator may expect that it is used."""
    places = {name: setup.environ.get(name) for name in ("AWS_REGION", "AWS_DEFAULT_REGION")}
    regions: Mapping[str, object] = places
    if not any(places.values()):
        regions = {setup.place: setup.settings.get("region")}
    for place, other in regions.items():
        if other and other != region:
            yield f"{place}: the region is {other}, but {region} in the config file"


def _unusable(setup: Setup) -> Iterator[str]:
    """Yield the CA bundles and credential programs in the setup that botocore cannot use."""
    place, bundle = _bundle(setup)
    if bundle is not None and not str(bundle).strip():
        yield f"{place}: is empty; it must name a file of certificates"
    elif bundle is not None and not (isinstance(bundle, str) and Path(bundle).exists()):
        yield f"{place}: there is no file {bundle}"
    for name, settings in setup.chain():
        if not str(settings.get("credential_process", "unset")).strip():
            yield f"AWS profile {name}: credential_process: is empty"


def _bundle(setup: Setup) -> tuple[str, object]:
    """Return the place of the setting and the CA bundle that botocore uses, even if it is empty."""
    first, last = _CERTIFICATES
    places: Mapping[str, object] = {
        first: setup.environ.get(first),
        f"{setup.place}: ca_bundle": setup.settings.get("ca_bundle"),
        last: setup.environ.get(last),
    }
    bundles = ((place, bundle) for place, bundle in places.items() if bundle is not None)
    return next(bundles, ("", None))


def _credentials(setup: Setup) -> Iterator[str]:
    """Yield the sources of credentials; botocore uses the first one that exists, in this order."""
    if setup.environ.get(_ACCESS_KEY):
        yield f"access key from {_ACCESS_KEY}"
        return
    for name, settings in setup.chain():
        yield f"profile {name}"
        yield from _profile_credentials(settings, setup)
    yield from _machine_credentials(setup)


def _profile_credentials(settings: Settings, setup: Setup) -> Iterator[str]:
    if role := settings.get("role_arn"):
        source = settings.get("credential_source") or settings.get("web_identity_token_file")
        yield f"role {role}" + (f" by {source}" if source else "")
    if command := settings.get("credential_process"):
        yield f"credential_process {_program(str(command))}"
    if session := settings.get("sso_session"):
        settings = {**settings, **setup.sso_sessions.get(str(session), {})}
    if session or "sso_start_url" in settings:
        yield f"SSO {_without_password(str(settings.get('sso_start_url', session)))}"
    if login := settings.get("login_session"):
        folder = setup.environ.get("AWS_LOGIN_CACHE_DIRECTORY")
        yield f"login {login}" + (f" by {folder}" if folder else "")


def _machine_credentials(setup: Setup) -> Iterator[str]:
    environ = setup.environ
    if file := environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        yield f"role {environ.get('AWS_ROLE_ARN', '')} by {file}"
    token = environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    sent = f" by {token}" if token else ""
    if path := environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        yield f"container credentials {path}{sent}"
    elif url := environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        yield f"container credentials {_without_password(url)}{sent}"
    key = "ec2_metadata_service_endpoint"
    if metadata := environ.get(f"AWS_{key.upper()}") or setup.settings.get(key):
        yield f"instance metadata {_without_password(str(metadata))}"


def _files(setup: Setup) -> Iterator[str]:
    for name, kind in _FILES.items():
        if file := setup.environ.get(name):
            yield f"{kind} {file}"


def _connection(setup: Setup) -> Iterator[str]:
    proxies = [setup.proxies[scheme] for scheme in ("https", "http") if setup.proxies.get(scheme)]
    for proxy in dict.fromkeys(proxies):
        yield f"proxy {_without_password(proxy)}"
    _, bundle = _bundle(setup)
    if bundle:
        yield f"CA bundle {bundle}"


def _program(command: str) -> str:
    """Return the program of *command* without its arguments, which may contain a secret."""
    try:
        return next(iter(shlex.split(command)), "")
    except ValueError:
        return command.split(maxsplit=1)[0]


def _without_password(url: str) -> str:
    """Return *url* without user, password and query."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
    except ValueError:
        return "(not a URL)"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else f"{host}{parts.path}"
