"""The errors of calls that fail, or that get no response."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from deployer.aws import connect
from deployer.aws.account import Account
from deployer.errors import ClockError, CloudError, CredentialsError, UnreachableError
from tests.deployer.aws.responses import (
    ENV,
    LOGIN_PAGE,
    ONCE,
    REGION,
    SKEWED,
    stack,
)
from tests.loopback import CLOSE_CONNECTION, Loopback, Response, error, response


class TestErrors:
    """The errors of failed calls."""

    @pytest.mark.parametrize(
        ("bad", "says"),
        [
            (error("Throttling", "Rate exceeded"), "Throttling: Rate exceeded"),
            (error("RequestLimitExceeded", "Too much", 503), "RequestLimitExceeded"),
            (error("ServiceUnavailable", "Later", 503), "ServiceUnavailable: Later"),
            (error("InternalFailure", "Oops", 500), "InternalFailure: Oops"),
            (Response("<html>Bad Gateway</html>", 502), "502"),
            (Response("", 503), "503"),
            (
                Response("<html>Log in to this login_page", 200),
                "no response: Unable to parse response",
            ),
            (LOGIN_PAGE, "no response: text/html that is not from AWS; is there a proxy"),
            (
                Response("<page/>", headers=(("Content-Type", "text/xml"),)),
                "no response: text/xml that is not from AWS",
            ),
            (Response("", 200), "no response: "),
            (CLOSE_CONNECTION, "no response: Connection was closed"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_no_response_is_unreachable(
        self, fake_account: Account, fake_aws: Loopback, bad: Response, says: str
    ) -> None:
        """A missing response does not mean that the operation failed."""
        fake_aws.on("DescribeStacks", bad)

        with pytest.raises(UnreachableError) as lost:
            fake_account.stack(REGION, "s")

        assert "s: " in lost.value.message
        assert says in lost.value.message
        assert lost.value.hint.endswith(", then rerun the command")
        assert "AWS" not in lost.value.hint  # An operation may not have started.

    @pytest.mark.parametrize(
        "bad", [error("Throttling", "Rate exceeded"), Response("", 503), CLOSE_CONNECTION]
    )
    def test_transient_errors_are_retried(self, fake_aws: Loopback, bad: Response) -> None:
        """Botocore retries, and a successful retry is not reported."""
        account = connect.connect_endpoint(fake_aws.url, REGION, ENV.account, "secret")
        fake_aws.on("DescribeStacks", bad, response(Stacks=[stack("a")]))

        found = account.stacks(REGION)

        assert [stack.name for stack in found] == ["a"]
        assert len(fake_aws.requests) == 2

    @pytest.mark.parametrize(
        "call",
        [
            lambda fake_account: fake_account.identity(),
            lambda fake_account: fake_account.stacks(REGION),
            lambda fake_account: fake_account.template(REGION, "s"),
            lambda fake_account: fake_account.parameter(REGION, "p"),
            lambda fake_account: fake_account.stored_object(REGION, "b", "k"),
            lambda fake_account: fake_account.upload(REGION, "b", "k", b"body"),
        ],
        ids=["identity", "stacks", "template", "parameter", "stored", "upload"],
    )
    @pytest.mark.parametrize("body", ["<html/>", "{}", "", "hello"])
    def test_a_response_of_a_proxy_is_no_response(
        self, fake_account: Account, fake_aws: Loopback, call: Any, body: str
    ) -> None:
        """A page of a proxy is not treated as a response of AWS, whatever the call is."""
        login_page = replace(LOGIN_PAGE, body=body)
        for action in ("GetCallerIdentity", "DescribeStacks", "GetTemplate", "POST", "HEAD", "PUT"):
            fake_aws.on(action, login_page)
        fake_account.__dict__["_id"] = ENV.account  # Or an upload would ask for it first.

        with pytest.raises(UnreachableError) as lost:
            call(fake_account)

        # botocore reports a text response to an upload as an error of S3.
        assert re.search("text/html that is not from AWS|PutObject: 500", str(lost.value))

    def test_an_upload_without_a_request_id(
        self, fake_account: Account, fake_aws: Loopback
    ) -> None:
        """An upload response without a request id is refused: S3 always sends one."""
        fake_account.__dict__["_id"] = ENV.account
        fake_aws.on("PUT", Response(headers=(("Content-Type", "application/xml"),)))

        with pytest.raises(UnreachableError, match="application/xml that is not from AWS"):
            fake_account.upload(REGION, "b", "k", b"body")

    @pytest.mark.parametrize(("code", "message"), SKEWED)
    def test_a_request_with_an_old_signature_is_signed_again(
        self, fake_account: Account, fake_aws: Loopback, code: str, message: str
    ) -> None:
        """A request with an old signature, such as after a suspended laptop, is signed again."""
        fake_aws.on("DescribeStacks", error(code, message, 403), response(Stacks=[stack("a")]))

        found = fake_account.stacks(REGION)

        assert [stack.name for stack in found] == ["a"]
        assert len(fake_aws.requests) == 2

    @pytest.mark.parametrize(("code", "message"), SKEWED)
    @pytest.mark.parametrize(
        ("minutes", "says"),
        [
            (-7, "7 min ahead of AWS"),
            (12, "12 min behind AWS"),
            (0, "correct now, but was wrong before"),
        ],
    )
    def test_a_wrong_clock_is_reported(  # noqa: PLR0917
        self,
        fake_account: Account,
        fake_aws: Loopback,
        code: str,
        message: str,
        minutes: int,
        says: str,
    ) -> None:
        """The error has the difference to the clock of AWS."""
        date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
        late = error(code, message, 403)
        fake_aws.on("DescribeStacks", replace(late, headers=(*late.headers, ("Date", date))))

        with pytest.raises(ClockError) as raised:
            fake_account.stacks(REGION)

        assert (
            f"DescribeStacks: {code}: the clock of this machine is {says}" in raised.value.message
        )
        assert raised.value.hint.startswith("set the clock")
        assert len(fake_aws.requests) == 2

    def test_a_wrong_clock_is_not_reported_as_missing_login(
        self, fake_account: Account, fake_aws: Loopback
    ) -> None:
        """The error is neither about credentials nor about the network."""
        fake_aws.on("GetCallerIdentity", error(*SKEWED[0], 403))

        with pytest.raises(ClockError, match="set the clock"):
            connect.check_credentials(ENV, fake_account)

    def test_a_wrong_key_is_not_reported_as_wrong_clock(
        self, fake_account: Account, fake_aws: Loopback
    ) -> None:
        """A wrong key is not reported as a wrong clock, although the error code is the same."""
        wrong = "The request signature we calculated does not match the signature you provided."
        fake_aws.on("DescribeStacks", error("SignatureDoesNotMatch", wrong, 403))

        with pytest.raises(CloudError, match="SignatureDoesNotMatch: The request") as raised:
            fake_account.stacks(REGION)

        assert not isinstance(raised.value, UnreachableError)
        assert len(fake_aws.requests) == 1

    @pytest.mark.parametrize("code", ["InvalidClientTokenId", "UnrecognizedClientException"])
    def test_revoked_credentials(
        self, fake_account: Account, fake_aws: Loopback, code: str
    ) -> None:
        """Credentials that AWS stops accepting during an operation do not end the operation."""
        fake_aws.on("DescribeStacks", error(code, "The security token is invalid", 403))

        with pytest.raises(CredentialsError) as lost:
            fake_account.stack(REGION, "s")

        assert lost.value.message == f"s: {code}: AWS no longer accepts the credentials"
        assert lost.value.hint == "log in again, then rerun the command"

    def test_expired_credentials_are_reported(
        self, fake_account: Account, fake_aws: Loopback
    ) -> None:
        """The hint is to log in; the text that an operation continues is added while one is followed."""
        fake_aws.on("DescribeStacks", error("ExpiredToken", "The security token is expired", 403))

        with pytest.raises(UnreachableError) as lost:
            fake_account.stacks(REGION)

        assert lost.value.message == f"AWS in {REGION}: the credentials have expired"
        assert lost.value.hint == "log in again, then rerun the command"

    def test_a_denied_call_is_reported(self, fake_account: Account, fake_aws: Loopback) -> None:
        """The error contains the message of AWS, which names the missing permission."""
        denied = "User: arn:x is not authorized to perform: cloudformation:DescribeStacks"
        fake_aws.on("DescribeStacks", error("AccessDenied", denied, 403))

        with pytest.raises(CloudError) as refused:
            fake_account.stack(REGION, "s")

        assert type(refused.value) is CloudError
        assert refused.value.message == f"s: DescribeStacks: AccessDenied: {denied}"

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("AccessDenied", "Stack with id s does not exist"),
            ("ValidationError", "Role arn:aws:iam::1:role/x does not exist"),
            ("ValidationError", "Stack with id s does not exist or you may not see it"),
        ],
    )
    def test_only_an_absent_stack_is_none(
        self, fake_account: Account, fake_aws: Loopback, code: str, message: str
    ) -> None:
        """An error with a similar message is not a missing stack, which would be created again."""
        fake_aws.on("DescribeStacks", error(code, message))

        with pytest.raises(CloudError, match=code):
            fake_account.stack(REGION, "s")

    def test_an_absent_stack_is_none(self, fake_account: Account, fake_aws: Loopback) -> None:
        """The exact message of AWS for a missing stack is recognised."""
        fake_aws.on("DescribeStacks", error("ValidationError", "Stack with id s does not exist"))

        assert fake_account.stack(REGION, "s") is None

    def test_a_refused_connection(self) -> None:
        """A refused connection is reported immediately."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            account = replace(
                connect.connect_endpoint(url, REGION, ENV.account, "secret"), config=ONCE
            )

            with pytest.raises(UnreachableError, match="no response: Could not connect"):
                account.stacks(REGION)
