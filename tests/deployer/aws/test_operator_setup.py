"""Parts of an operator's AWS setup that are refused, ignored or shown."""

from __future__ import annotations

import json
import os
import re
import socket
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.loaders import Loader

from deployer.aws import clients, connect, operator_setup, sessions
from deployer.aws.account import Account
from deployer.aws.operator_setup import Setup
from deployer.errors import DeployError, GuardError, UnreachableError
from deployer.model import Env
from tests.loopback import Loopback, response

REGION = "ca-central-1"
ROOT = Path(__file__).parents[3]
ACCOUNT = "111111111111"
ENV = Env("cruddur", "crd", "dev", ACCOUNT, REGION, "cruddur.example", "Z1", protect=False)
STS = f"sts.{REGION}.amazonaws.com:443"
PARTITION_KEYS = ("partition", "partitionName", "regionRegex", "regions")


@dataclass
class Proxy:
    """A proxy that refuses every connection, and records the requested hosts."""

    url: str = ""
    hosts: list[str] = field(default_factory=list)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Yield the only proxy to other machines."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = Proxy(f"http://127.0.0.1:{server.getsockname()[1]}")

        def refuse() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:  # The test is over.
                    return
                with connection:
                    proxy.hosts.append(connection.recv(65536).split()[1].decode())
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        yield proxy
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture
def impostor() -> Iterator[Loopback]:
    """Yield a server that imitates the account, and records the session token."""
    with Loopback() as loopback:
        loopback.on("GetCallerIdentity", response(Account=ACCOUNT, Arn="arn:aws:iam::1:user/x"))
        yield loopback


@dataclass
class Operator:
    """A logged-in operator whose setup the tests change."""

    home: Path
    monkeypatch: pytest.MonkeyPatch

    def variable(self, name: str, value: str) -> None:
        """Set an environment variable."""
        self.monkeypatch.setenv(name, value)

    def config(self, text: str) -> None:
        """Write the config file."""
        (self.home / ".aws" / "config").write_text(textwrap.dedent(text))

    def without_keys(self) -> None:
        """Remove the access keys, so that the config file has the credentials."""
        self.monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        self.monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: Proxy) -> Operator:
    """Return an operator with keys, a home directory and a proxy."""
    for name in os.environ:
        if name.startswith("AWS_") or name.lower().endswith(("_proxy", "_ca_bundle")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    # Read from HOME when botocore was imported.
    monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", str(tmp_path / ".aws" / "models"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    return Operator(tmp_path, monkeypatch)


def refused() -> GuardError:
    """Return the error of connecting with the current setup."""
    with pytest.raises(GuardError) as raised:
        connect.connect_account(ENV, os.environ)
    return raised.value


def write_rules(models: Path, url: str) -> None:
    """Write endpoint rules that send the requests of every service to *url*."""
    rules = {
        "version": "1.0",
        "parameters": {"Region": {"type": "String", "builtIn": "AWS::Region"}},
        "rules": [{"conditions": [], "type": "endpoint", "endpoint": {"url": url}}],
    }
    folder = models / "sts" / "2011-06-15"
    folder.mkdir(parents=True)
    (folder / "endpoint-rule-set-1.json").write_text(json.dumps(rules))


ENDPOINT = "sends requests to another address"
RULES = "replaces the endpoint rules of AWS"
VARIANT = "selects endpoints that the tasks do not use"

VARIABLES = {
    "AWS_ENDPOINT_URL": ("{url}", ENDPOINT),
    "AWS_ENDPOINT_URL_STS": ("{url}", ENDPOINT),
    "AWS_ENDPOINT_URL_CLOUDFORMATION": ("{url}", ENDPOINT),
    "AWS_DATA_PATH": ("{models}", RULES),
    "AWS_USE_FIPS_ENDPOINT": ("true", VARIANT),
    "AWS_USE_DUALSTACK_ENDPOINT": ("TRUE", VARIANT),
    "BOTOCORE_EXPERIMENTAL__PLUGINS": ("x=os", "adds other code to every AWS client"),
    "SSLKEYLOGFILE": ("{models}/keys", "writes the keys of encrypted connections to a file"),
}
KEYS = {
    "endpoint_url": ("{url}", ENDPOINT),
    "services": ("here", ENDPOINT),
    "data_path": ("{models}", RULES),
    "use_fips_endpoint": ("true", VARIANT),
    "use_dualstack_endpoint": ("true", VARIANT),
}


class TestRefused:
    """Settings that would redirect requests, refused before any request is sent."""

    @pytest.mark.parametrize("name", VARIABLES)
    def test_variable(
        self, operator: Operator, impostor: Loopback, proxy: Proxy, name: str
    ) -> None:
        """A variable that may redirect requests, or reveal their content, is refused."""
        models = operator.home / "elsewhere"
        write_rules(models, impostor.url)
        value, fact = VARIABLES[name]
        operator.variable(name, value.format(url=impostor.url, models=models))

        raised = refused()

        assert raised.message == f"dev: {name}: {fact}"
        assert "unset or remove each of them" in raised.hint
        assert (impostor.connections, proxy.hosts) == (0, [])

    @pytest.mark.parametrize("profile", ["default", "work"])
    @pytest.mark.parametrize("key", KEYS)
    def test_key_of_the_profile(
        self, operator: Operator, impostor: Loopback, proxy: Proxy, key: str, profile: str
    ) -> None:
        """The same settings are refused in the profile in use."""
        models = operator.home / "elsewhere"
        write_rules(models, impostor.url)
        value, fact = KEYS[key]
        head = "default" if profile == "default" else f"profile {profile}"
        operator.config(f"""
            [{head}]
            {key} = {value.format(url=impostor.url, models=models)}
            [services here]
            sts =
              endpoint_url = {impostor.url}
        """)
        if profile != "default":
            operator.variable("AWS_PROFILE", profile)

        raised = refused()

        assert raised.message == f"dev: AWS profile {profile}: {key}: {fact}"
        assert (impostor.connections, proxy.hosts) == (0, [])

    @pytest.mark.parametrize(
        "file", ["sts/2011-06-15/endpoint-rule-set-1.json", "endpoints.json", "partitions.json"]
    )
    def test_endpoint_rules_in_the_home(
        self, operator: Operator, impostor: Loopback, proxy: Proxy, file: str
    ) -> None:
        """Endpoint rules in ~/.aws/models, which the tools of AWS read, are refused."""
        path = operator.home / ".aws" / "models" / file
        path.parent.mkdir(parents=True)
        path.write_text("{}")

        raised = refused()

        assert raised.message == f"dev: {path}: {RULES}"
        assert (impostor.connections, proxy.hosts) == (0, [])

    @pytest.mark.parametrize(
        ("variables", "profile", "place"),
        [
            ({"AWS_REGION": "eu-west-1"}, REGION, "AWS_REGION"),
            ({"AWS_DEFAULT_REGION": "eu-west-1"}, REGION, "AWS_DEFAULT_REGION"),
            ({"AWS_REGION": REGION, "AWS_DEFAULT_REGION": "eu-west-1"}, "", "AWS_DEFAULT_REGION"),
            ({}, "eu-west-1", "AWS profile default"),
            ({"AWS_REGION": ""}, "eu-west-1", "AWS profile default"),
        ],
    )
    def test_another_region(
        self, operator: Operator, variables: dict[str, str], profile: str, place: str
    ) -> None:
        """A setting with another region is refused; the error has the place of the setting."""
        for name, value in variables.items():
            operator.variable(name, value)
        operator.config(f"[default]\n{f'region = {profile}' if profile else ''}\n")

        raised = refused()

        fact = f"the region is eu-west-1, but {REGION} in the config file"
        assert raised.message == f"dev: {place}: {fact}"

    @pytest.mark.parametrize("value", ["", " "])
    @pytest.mark.parametrize("place", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "ca_bundle"])
    def test_empty_ca_bundle(
        self, operator: Operator, proxy: Proxy, place: str, value: str
    ) -> None:
        """An empty CA bundle is refused by name, and not reported as an error of credentials."""
        if place.isupper():
            operator.variable(place, value)
        else:
            operator.config(f"[default]\n{place} = {value}\n")

        raised = refused()

        named = place if place.isupper() else f"AWS profile default: {place}"
        assert raised.message == f"dev: {named}: is empty; it must name a file of certificates"
        assert proxy.hosts == []

    @pytest.mark.parametrize("value", ["/nonexistent.pem", "\n  x = y"])
    def test_missing_ca_bundle(self, operator: Operator, proxy: Proxy, value: str) -> None:
        """No request is sent if the file of certificates is missing."""
        operator.config(f"[default]\nca_bundle = {value}\n")

        assert "dev: AWS profile default: ca_bundle: there is no file" in refused().message
        assert proxy.hosts == []

    def test_empty_credential_process(self, operator: Operator) -> None:
        """An empty credential_process of a source profile is refused, too."""
        operator.without_keys()
        operator.config("""
            [default]
            role_arn = arn:aws:iam::1:role/x
            source_profile = source
            [profile source]
            credential_process =
        """)

        assert refused().message == "dev: AWS profile source: credential_process: is empty"

    def test_all_together(self, operator: Operator, impostor: Loopback, proxy: Proxy) -> None:
        """One error has all refused settings."""
        operator.variable("AWS_ENDPOINT_URL", impostor.url)
        operator.variable("AWS_DATA_PATH", "/models")
        operator.variable("AWS_REGION", "eu-west-1")
        operator.config(f"[default]\nendpoint_url = {impostor.url}\n")

        raised = refused()

        assert raised.message.splitlines() == [
            f"dev: AWS_DATA_PATH: {RULES}",
            f"dev: AWS_ENDPOINT_URL: {ENDPOINT}",
            f"dev: AWS profile default: endpoint_url: {ENDPOINT}",
            f"dev: AWS_REGION: the region is eu-west-1, but {REGION} in the config file",
        ]
        assert (impostor.connections, proxy.hosts) == (0, [])


HARMLESS_VARIABLES = {
    "AWS_REGION": REGION,
    "AWS_USE_FIPS_ENDPOINT": "false",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    "AWS_STS_REGIONAL_ENDPOINTS": "legacy",
    "AWS_DEFAULTS_MODE": "auto",
    "AWS_RETRY_MODE": "nonsense",
    "AWS_MAX_ATTEMPTS": "nonsense",
    "AWS_ACCOUNT_ID": "222222222222",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "required",
    "AWS_SIGV4A_SIGNING_REGION_SET": "*",
    "AWS_AUTH_SCHEME_PREFERENCE": "noauth",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "nonsense",
    "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    "AWS_ENDPOINT_DISCOVERY_ENABLED": "true",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "legacy",
    "AWS_CSM_ENABLED": "true",
    "AWS_BEARER_TOKEN_STS": "token",
    "AWS_SDK_UA_APP_ID": "x",
    "AWS_EXECUTION_ENV": "x",
}
HARMLESS_KEYS = {
    "api_versions": "\n  sts = 1999-01-01",
    "parameter_validation": "false",
    "sts_regional_endpoints": "legacy",
    "defaults_mode": "auto",
    "csm_enabled": "true",
    "sts": "\n  signature_version = bearer",
    "s3": "\n  addressing_style = path\n  use_accelerate_endpoint = true",
    "proxies_config": "\n  proxy_use_forwarding_for_https = true",
    "account_id_endpoint_mode": "required",
    "plugins": "\n  x = os",
}


def requested_hosts(proxy: Proxy) -> list[str]:
    """Return the hosts that get GetCallerIdentity; the proxy refuses every connection."""
    with pytest.raises(UnreachableError, match="no response"):
        connect.connect_account(ENV, os.environ)
    return proxy.hosts


class TestWithoutEffect:
    """Settings that the clients ignore: GetCallerIdentity is sent to AWS only."""

    @pytest.mark.parametrize("name", HARMLESS_VARIABLES)
    def test_variable(self, operator: Operator, proxy: Proxy, name: str) -> None:
        """Variables that botocore would read have no effect."""
        operator.variable(name, HARMLESS_VARIABLES[name])

        assert requested_hosts(proxy) == [STS]

    @pytest.mark.parametrize("key", HARMLESS_KEYS)
    def test_key_of_the_profile(self, operator: Operator, proxy: Proxy, key: str) -> None:
        """Keys that botocore would read from the profile have no effect."""
        operator.config(f"[default]\n{key} = {HARMLESS_KEYS[key]}\n")

        assert requested_hosts(proxy) == [STS]

    def test_models_in_the_home(self, operator: Operator, proxy: Proxy) -> None:
        """Service models in ~/.aws/models are not read."""
        model = operator.home / ".aws" / "models" / "sts" / "2011-06-15" / "service-2.json"
        model.parent.mkdir(parents=True)
        model.write_text("{}")

        assert requested_hosts(proxy) == [STS]

    def test_another_profile(self, operator: Operator, impostor: Loopback, proxy: Proxy) -> None:
        """A profile that is not in use may have any setting."""
        operator.config(f"[profile other]\nendpoint_url = {impostor.url}\n")

        assert requested_hosts(proxy) == [STS]
        assert impostor.connections == 0

    @pytest.mark.parametrize("source", ["endpoint_url = {url}", "data_path = {models}"])
    def test_source_of_an_assumed_role(
        self, operator: Operator, impostor: Loopback, proxy: Proxy, source: str
    ) -> None:
        """The request to assume a role is sent to AWS, whatever the source profile contains."""
        models = operator.home / "elsewhere"
        write_rules(models, impostor.url)
        operator.without_keys()
        operator.variable("AWS_MAX_ATTEMPTS", "1")
        operator.config(f"""
            [default]
            role_arn = arn:aws:iam::{ACCOUNT}:role/x
            source_profile = source
            sts_regional_endpoints = legacy
            [profile source]
            aws_access_key_id = key
            aws_secret_access_key = secret
            {source.format(url=impostor.url, models=models)}
        """)

        with pytest.raises(DeployError):
            connect.connect_account(ENV, os.environ)

        assert {*proxy.hosts} == {STS}
        assert impostor.connections == 0

    def test_old_credential_files(self, operator: Operator, proxy: Proxy) -> None:
        """Credentials of tools before boto3 are not used."""
        operator.without_keys()
        file = operator.home / "boto"
        file.write_text("[Credentials]\naws_access_key_id = key\naws_secret_access_key = secret\n")
        operator.variable("BOTO_CONFIG", str(file))
        operator.variable("AWS_CREDENTIAL_FILE", str(file))

        assert "Unable to locate credentials" in refused().message
        assert proxy.hosts == []


class TestLastCheck:
    """The check of the address right before a request is sent."""

    def test_request(self, operator: Operator, impostor: Loopback) -> None:
        """A request to another host is not sent."""
        session = sessions.account_session(sessions.operator_session(REGION))
        account = Account(session, REGION, clients.SINGLE_ATTEMPT)

        def redirect(request: Any, **_: Any) -> None:
            request.url = impostor.url

        session.register("before-sign", redirect)

        with pytest.raises(GuardError) as raised:
            account.identity()

        assert (
            str(raised.value.message)
            == f"{impostor.url}: not the HTTPS address of an AWS service; nothing was sent"
        )
        assert impostor.connections == 0

    def test_client(self, operator: Operator, impostor: Loopback, monkeypatch: Any) -> None:
        """A client with an endpoint outside of AWS is not created."""
        session = sessions.account_session(sessions.operator_session(REGION))
        session.set_config_variable("ignore_configured_endpoint_urls", value=False)
        monkeypatch.setenv("AWS_ENDPOINT_URL", impostor.url)

        with pytest.raises(GuardError, match="not the HTTPS address"):
            Account(session, REGION, clients.SINGLE_ATTEMPT).client("sts", REGION)

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("https://sts.ca-central-1.amazonaws.com/", True),
            ("https://crd-dev.s3.ca-central-1.amazonaws.com/key?versionId=1", True),
            ("https://store.with.dots.s3.ca-central-1.amazonaws.com/key", True),
            ("https://s3.amazonaws.com/store/key", True),
            ("https://iam.amazonaws.com/", True),
            ("https://api.ecr.ca-central-1.amazonaws.com/", True),
            ("https://portal.sso.us-gov-west-1.amazonaws.com/", True),
            ("https://ca-central-1.signin.aws.amazon.com/v1/token", True),
            ("https://abcde12345.execute-api.ca-central-1.amazonaws.com/", False),
            ("https://search-x.ca-central-1.es.amazonaws.com/", False),
            ("https://x.appsync-api.ca-central-1.amazonaws.com/", False),
            ("https://x.elb.ca-central-1.amazonaws.com/", False),
            ("https://vpce-1.sts.ca-central-1.vpce.amazonaws.com/", False),
            ("https://store.s3-website.ca-central-1.amazonaws.com/", False),
            ("http://sts.ca-central-1.amazonaws.com/", False),
            ("https://amazonaws.com/", False),
            ("https://amazonaws.com.example/", False),
            ("https://evilamazonaws.com/", False),
            ("https://sts.amazonaws.com@evil.example/", False),
            ("https://evil.example/sts.amazonaws.com", False),
            ("https://evil.example?.amazonaws.com", False),
            ("https://evil.example#.amazonaws.com", False),
            ("https://aws.amazon.com.evil.example/", False),
            ("https://127.0.0.1/", False),
            ("", False),
        ],
    )
    def test_is_aws(self, url: str, expected: bool) -> None:
        """Scheme and host of a URL decide whether it belongs to AWS."""
        assert expected == operator_setup.is_aws(url)


DECISION = ROOT / "docs" / "decisions" / "0034-verify-endpoints-and-deployed-objects.md"
BOTOCORE = Path(botocore.__file__).parent
VARIABLE = re.compile(
    r"""["']((?:AWS|BOTO|BOTOCORE)_[A-Z0-9_]+|_X_AMZN[A-Z_]+|REQUESTS_[A-Z_]+|SSLKEYLOGFILE)["']"""
)


def test_the_decision_lists_all_settings_of_botocore() -> None:
    """DECISION lists all settings of botocore; a new version may read more."""
    rows = [line for line in DECISION.read_text().splitlines() if line.startswith("| ")]
    ways = "\n".join(row.rsplit("|", 2)[0] for row in rows)
    listed = {*re.findall(r"`([A-Za-z_0-9]+)`", ways)}
    families = tuple(re.findall(r"`([A-Z_0-9]+_)\*`", ways))
    files = [*BOTOCORE.glob("*.py"), *BOTOCORE.glob("*/*.py")]
    variables = {name for file in files for name in VARIABLE.findall(file.read_text())}
    keys = {
        key: f"AWS_{key.upper()}"
        for key, *_ in BOTOCORE_DEFAUT_SESSION_VARIABLES.values()
        if key is not None
    }

    assert len(variables) > 40
    assert sorted(variables - listed - {n for n in variables if n.startswith(families)}) == []
    assert (
        sorted(
            key
            for key, name in keys.items()
            if not {key, name} & listed and not name.startswith(families)
        )
        == []
    )


SERVICES = set(
    re.findall(
        r'client\(\s*"([a-z0-9-]+)"',
        "\n".join(
            file.read_text()
            for folder in ("deployer", "operations")
            for file in (ROOT / folder).rglob("*.py")
            if "emulator" not in file.parts
        ),
    )
) | {"sso", "sso-oidc", "signin"}


@pytest.mark.parametrize("region", [REGION, "us-east-1"])
@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_service_in_use_has_an_endpoint_of_aws(
    operator: Operator, service: str, region: str
) -> None:
    """Every service in use has an endpoint of AWS, including those that credential providers call."""
    session = sessions.account_session(sessions.operator_session(REGION))

    client = Account(session, REGION, clients.SINGLE_ATTEMPT).client(service, region)

    assert client.meta.endpoint_url.startswith("https://")


def origins(
    environ: dict[str, str] | None = None,
    profiles: dict[str, Any] | None = None,
    *,
    profile: str = "default",
    **more: Any,
) -> list[str]:
    """Return the parts of the setup in the first line of a run."""
    setup = Setup(environ or {}, profile, profiles or {}, Path("/none"), **more)
    return list(operator_setup.sources(setup))


class TestShown:
    """Allowed settings with an effect, shown before the first request."""

    @pytest.mark.parametrize(
        ("environ", "expected"),
        [
            ({}, []),
            ({"AWS_ACCESS_KEY_ID": "k"}, ["access key from AWS_ACCESS_KEY_ID"]),
            ({"AWS_CA_BUNDLE": "/ca.pem"}, ["CA bundle /ca.pem"]),
            ({"REQUESTS_CA_BUNDLE": "/ca.pem"}, ["CA bundle /ca.pem"]),
            ({"AWS_CA_BUNDLE": "", "REQUESTS_CA_BUNDLE": "/ca.pem"}, []),
            (
                {"AWS_CA_BUNDLE": "/ours.pem", "REQUESTS_CA_BUNDLE": "/ca.pem"},
                ["CA bundle /ours.pem"],
            ),
            ({"AWS_CONFIG_FILE": "/config"}, ["config file /config"]),
            ({"AWS_SHARED_CREDENTIALS_FILE": "/file"}, ["credentials file /file"]),
            (
                {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:role"},
                ["role arn:role by /token"],
            ),
            (
                {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost:1338/latest?x"},
                ["container credentials http://localhost:1338/latest"],
            ),
            (
                {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1"},
                ["container credentials /v2/credentials/1"],
            ),
            (
                {
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "https://keys.example/x",
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/token",
                },
                ["container credentials https://keys.example/x by /token"],
            ),
            (
                {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://metadata.example"},
                ["instance metadata http://metadata.example"],
            ),
        ],
    )
    def test_environment(self, environ: dict[str, str], expected: list[str]) -> None:
        """The text says what a variable means."""
        assert expected == origins(environ)

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({}, []),
            ({"ca_bundle": "/ca.pem"}, ["CA bundle /ca.pem"]),
            (
                {"credential_process": "/usr/bin/vault --token s3cret"},
                ["credential_process /usr/bin/vault"],
            ),
            ({"credential_process": "'broken"}, ["credential_process 'broken"]),
            ({"sso_start_url": "https://old.example/start"}, ["SSO https://old.example/start"]),
            ({"sso_session": "s"}, ["SSO https://acme.awsapps.com/start"]),
            ({"sso_session": "unknown"}, ["SSO unknown"]),
            (
                {"role_arn": "arn:role", "credential_source": "Ec2InstanceMetadata"},
                ["role arn:role by Ec2InstanceMetadata"],
            ),
            (
                {"role_arn": "arn:role", "web_identity_token_file": "/token"},
                ["role arn:role by /token"],
            ),
            ({"login_session": "arn:user"}, ["login arn:user"]),
        ],
    )
    def test_profile(self, settings: dict[str, Any], expected: list[str]) -> None:
        """The sources of credentials are shown without arguments, which may be secret."""
        sessions = {"s": {"sso_start_url": "https://acme.awsapps.com/start"}}

        sources = origins({}, {"work": settings}, profile="work", sso_sessions=sessions)

        assert ["profile work", *expected] == sources

    def test_folder_of_a_login(self) -> None:
        """The text has the folder in which the tokens of the login are read and written."""
        environ = {"AWS_LOGIN_CACHE_DIRECTORY": "/cache"}

        sources = origins(environ, {"work": {"login_session": "arn:user"}}, profile="work")

        assert sources == ["profile work", "login arn:user by /cache"]

    def test_chain_of_profiles(self) -> None:
        """The credential_process of a source profile is shown, too; a cycle ends."""
        profiles = {
            "a": {"role_arn": "arn:a", "source_profile": "b"},
            "b": {"role_arn": "arn:b", "source_profile": "a", "credential_process": "p"},
        }

        assert origins({}, profiles, profile="a") == [
            "profile a",
            "role arn:a",
            "profile b",
            "role arn:b",
            "credential_process p",
        ]

    @pytest.mark.parametrize(
        ("proxies", "expected"),
        [
            ({"https": "http://proxy:3128"}, ["proxy http://proxy:3128"]),
            ({"https": "http://me:secret@proxy:3128/"}, ["proxy http://proxy:3128/"]),
            ({"https": "proxy:3128"}, ["proxy proxy:3128"]),
            ({"https": "http://a", "http": "http://a"}, ["proxy http://a"]),
            ({"https": "http://a", "http": "http://b"}, ["proxy http://a", "proxy http://b"]),
            ({"https": "http://[::"}, ["proxy (not a URL)"]),
        ],
    )
    def test_proxies(self, proxies: dict[str, str], expected: list[str]) -> None:
        """The password of a proxy is not shown."""
        assert expected == origins(proxies=proxies)

    def test_as_botocore_sees_it(self, operator: Operator, proxy: Proxy) -> None:
        """The files are read as by a run, without any request."""
        operator.without_keys()
        operator.config("[profile dev]\ncredential_process = /bin/keys --all\n")
        operator.variable("AWS_PROFILE", "dev")

        sources = connect.sources_in_use(os.environ)

        assert sources == ("profile dev", "credential_process /bin/keys", f"proxy {proxy.url}")
        assert proxy.hosts == []

    @pytest.mark.parametrize("config", ["[default\n", "[profile other]\n"])
    def test_setup_that_cannot_be_read(self, operator: Operator, config: str) -> None:
        """The reason is reported when the account is connected."""
        operator.config(config)
        operator.variable("AWS_PROFILE", "dev")

        assert connect.sources_in_use(os.environ) == ()
