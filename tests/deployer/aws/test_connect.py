"""Connecting to the account of an environment, and refusing others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import botocore.session
import pytest
from botocore.config import Config

import emulator
from deployer.aws import clients, connect
from deployer.aws.account import Account
from deployer.errors import GuardError, UnreachableError
from tests.deployer.aws.responses import (
    ENV,
    OWN_IDENTITY,
    REGION,
    log_in,
)
from tests.loopback import CLOSE_CONNECTION, Loopback, Response, error, response

ROOT = Path(__file__).parents[3]


OTHER_IDENTITY = {"Account": "222222222222", "Arn": "arn:aws:iam::222222222222:user/stranger"}


SSO = """
[default]
sso_session = s
sso_account_id = 111111111111
sso_role_name = engineer
[sso-session s]
sso_region = ca-central-1
sso_start_url = https://sso.invalid
"""


def write_config(text: str) -> None:
    """Write the operator's AWS config file."""
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(textwrap.dedent(text))


def credentials_error(account: Account) -> GuardError:
    """Return the error of checking the credentials of *account*."""
    with pytest.raises(GuardError) as raised:
        connect.check_credentials(ENV, account)
    return raised.value


def connection_error() -> GuardError:
    """Return the error of connecting with the AWS setup of the operator."""
    with pytest.raises(GuardError) as raised:
        connect.connect_account(ENV, os.environ)
    return raised.value


class TestCredentials:
    """The checks before anything else: credentials, account, endpoints."""

    def test_the_right_account_passes(
        self, user: pytest.MonkeyPatch, fake_account: Account, fake_aws: Loopback
    ) -> None:
        """The only call is GetCallerIdentity."""
        fake_aws.on("GetCallerIdentity", response(**OWN_IDENTITY))

        connect.check_credentials(ENV, fake_account)

        assert fake_aws.actions == ["GetCallerIdentity"]

    def test_another_account_is_refused(self, fake_account: Account, fake_aws: Loopback) -> None:
        """The error has both accounts and the role of the credentials."""
        fake_aws.on("GetCallerIdentity", response(**OTHER_IDENTITY))

        raised = credentials_error(fake_account)

        expected = "dev: these are credentials of account 222222222222, not of 111111111111"
        assert expected == raised.message
        assert OTHER_IDENTITY["Arn"] in raised.hint
        assert fake_aws.actions == ["GetCallerIdentity"]

    @pytest.mark.parametrize(
        ("environment", "config", "fragment"),
        [
            ({}, "", "Unable to locate credentials"),
            ({"AWS_ACCESS_KEY_ID": "a"}, "", "Partial credentials found in env"),
            ({}, "[default]\naws_access_key_id = a\n", "Partial credentials found in"),
            ({"AWS_PROFILE": "missing"}, "", "The config profile (missing) could not be found"),
            ({}, "[default\n", "Unable to parse config file"),
            ({}, "[default]\ncredential_process = /no/such/program\n", "/no/such/program"),
            ({}, "[default]\ncredential_process = false\n", "custom-process"),
            ({}, "[default]\ncredential_process = echo no-json\n", "Expecting value"),
            ({}, "[default]\nmetadata_service_timeout = soon\n", "invalid literal"),
            (
                {},
                SSO,
                "Token for s does not exist",
            ),
        ],
        ids=[
            "none", "no secret key", "no secret key in a file", "unknown profile", "broken file",
            "missing program", "program fails", "program prints no JSON", "timeout is not a number",
            "not logged in",
        ],
    )  # fmt: skip
    def test_no_credentials(
        self, user: pytest.MonkeyPatch, environment: dict[str, str], config: str, fragment: str
    ) -> None:
        """The hint has the account to log in to; no request is sent."""
        for name, value in environment.items():
            user.setenv(name, value)
        write_config(config)

        raised = connection_error()

        assert raised.message.startswith("dev: not logged in: ")
        assert fragment in raised.message
        assert "log in to account 111111111111 (aws sso login" in raised.hint

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("ExpiredToken", "The security token included in the request is expired"),
            ("InvalidClientTokenId", "The security token included in the request is invalid."),
            ("SignatureDoesNotMatch", "The request signature we calculated does not match"),
        ],
    )
    def test_rejected_credentials(
        self, fake_account: Account, fake_aws: Loopback, code: str, message: str
    ) -> None:
        """The hint is to log in."""
        fake_aws.on("GetCallerIdentity", error(code, message, 403))

        raised = credentials_error(fake_account)

        assert raised.message.startswith(f"dev: not logged in: AWS in {REGION}: ")
        assert "log in to account" in raised.hint
        assert fake_aws.actions == ["GetCallerIdentity"]

    @pytest.mark.parametrize(
        ("url", "fragment"),
        [
            (f"https://sts.{REGION}.invalid", "Could not connect to the endpoint URL"),
            ("https://127.0.0.1:9", "Could not connect to the endpoint URL"),
        ],
        ids=["no such name", "refused"],
    )
    def test_unreachable_aws(self, user: pytest.MonkeyPatch, url: str, fragment: str) -> None:
        """An offline machine is reported after one attempt."""
        log_in(user)
        session = botocore.session.Session()
        attempts: list[str] = []
        session.register("before-send.sts", lambda request, **_: attempts.append(request.url))

        with pytest.raises(UnreachableError) as raised:
            connect.check_credentials(ENV, Account(session, REGION, clients.SINGLE_ATTEMPT, url))

        assert attempts == [f"{url}/"]
        assert raised.value.message.startswith(f"dev: AWS in {REGION}: no response: {fragment}")
        assert "check the network" in raised.value.hint

    def test_aws_hangs(self, user: pytest.MonkeyPatch, fake_aws: Loopback) -> None:
        """A check of credentials makes one attempt with a short timeout."""
        log_in(user)
        fake_aws.on("GetCallerIdentity", Response(seconds=10))
        config = clients.SINGLE_ATTEMPT.merge(Config(read_timeout=0.2))
        session = botocore.session.Session()

        with pytest.raises(UnreachableError, match="no response: Read timeout"):
            connect.check_credentials(ENV, Account(session, REGION, config, fake_aws.url))

        assert fake_aws.actions == ["GetCallerIdentity"]
        assert (
            clients.SINGLE_ATTEMPT.connect_timeout,
            clients.SINGLE_ATTEMPT.read_timeout,
        ) == (3, 5)

    @pytest.mark.parametrize(
        "bad", [error("Throttling", "Rate exceeded"), Response("", 503), CLOSE_CONNECTION]
    )
    def test_no_response_is_not_a_wrong_account(
        self, fake_account: Account, fake_aws: Loopback, bad: Response
    ) -> None:
        """A throttled call is reported as unreachable, not as wrong credentials."""
        fake_aws.on("GetCallerIdentity", bad)

        with pytest.raises(UnreachableError, match=f"dev: AWS in {REGION}: "):
            connect.check_credentials(ENV, fake_account)

        assert len(fake_aws.requests) == 1


def test_the_emulator_is_used_without_the_operators_setup(
    endpoint: emulator.Endpoint, tmp_path: Path, fake_aws: Loopback
) -> None:
    """Profiles, keys, endpoints, proxies and models of the operator are neither read nor used."""
    marker = tmp_path / "helper-ran"
    home = hostile_home(tmp_path / "home", url=fake_aws.url, marker=marker)

    done = subprocess.run(
        [sys.executable, "-c", AUDITED_SCRIPT, *map(str, (endpoint.url, endpoint.account, home))],
        env=hostile_environment(home, fake_aws.url),
        cwd=ROOT,
        input=endpoint.secret_key,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")
    seen = json.loads(done.stdout)
    assert endpoint.account == seen["account"]
    assert seen["opened"] == []
    assert seen["started"] == []
    assert [["127.0.0.1", int(endpoint.url.rpartition(":")[2])]] == seen["connected"]
    assert not marker.exists()
    assert fake_aws.connections == 0


AUDITED_SCRIPT = """
import json, sys
url, account, home = sys.argv[1:]
opened, started, connected = [], [], set()

def record(event, arguments):
    if event in {"open", "os.listdir", "os.scandir"} and str(arguments[0]).startswith(home):
        opened.append(str(arguments[0]))
    if event in {"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec"}:
        started.append(str(arguments))
    if event == "socket.connect":
        connected.add(arguments[1])

sys.addaudithook(record)
from deployer.aws.connect import connect_endpoint
from deployer.errors import CloudError

here = connect_endpoint(url, "ca-central-1", account, sys.stdin.read())
found = here.identity().account
here.stacks("ca-central-1")
try:
    here.upload("ca-central-1", "missing-bucket", "key", b"")
except CloudError as error:
    assert "NoSuchBucket" in error.message, error
seen = {"account": found, "opened": opened, "started": started, "connected": sorted(connected)}
print(json.dumps(seen))
"""


def hostile_home(home: Path, *, url: str, marker: Path) -> Path:
    """Create a home directory whose AWS setup would send requests elsewhere."""
    folder = home / ".aws"
    model = folder / "models" / "cloudformation" / "2010-05-15"
    model.mkdir(parents=True)
    (model / "service-2.json").write_text("{}")
    (folder / "config").write_text(
        textwrap.dedent(f"""
            [default]
            region = eu-west-1
            endpoint_url = {url}
            services = elsewhere
            credential_process = touch {marker}
            s3 =
              use_accelerate_endpoint = true
            [profile mine]
            region = eu-west-1
            endpoint_url = {url}
            role_arn = arn:aws:iam::222222222222:role/mine
            source_profile = default
            credential_process = touch {marker}
            [services elsewhere]
            cloudformation =
              endpoint_url = {url}
        """)
    )
    (folder / "credentials").write_text(
        "[default]\naws_access_key_id = mine\naws_secret_access_key = mine\n"
    )
    return home


def hostile_environment(home: Path, url: str) -> dict[str, str]:
    """Return every variable that botocore reads, with values that must not be used."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_PROFILE": "mine",
        "AWS_DEFAULT_PROFILE": "mine",
        "AWS_ACCESS_KEY_ID": "mine",
        "AWS_SECRET_ACCESS_KEY": "mine",
        "AWS_SESSION_TOKEN": "mine",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": url,
        "AWS_ENDPOINT_URL_STS": url,
        "AWS_ENDPOINT_URL_CLOUDFORMATION": url,
        "AWS_ENDPOINT_URL_S3": url,
        "HTTP_PROXY": url,
        "HTTPS_PROXY": url,
        "ALL_PROXY": url,
        "http_proxy": url,
        "https_proxy": url,
        "all_proxy": url,
        "AWS_CA_BUNDLE": str(home / "missing.pem"),
        "REQUESTS_CA_BUNDLE": str(home / "missing.pem"),
        "AWS_DATA_PATH": str(home / ".aws" / "models"),
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_MAX_ATTEMPTS": "nonsense",
        "AWS_RETRY_MODE": "nonsense",
        "AWS_DEFAULTS_MODE": "nonsense",
        "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "nonsense",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "nonsense",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "nonsense",
        "AWS_STS_REGIONAL_ENDPOINTS": "nonsense",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": url,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": url,
        "AWS_CSM_ENABLED": "true",
        "BOTOCORE_EXPERIMENTAL__PLUGINS": "x=this",  # Importing the module `this` prints text.
    }
