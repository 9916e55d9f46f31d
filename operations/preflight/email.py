"""Check that SES can send the emails of the user pool."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.errors import CloudError
from operations.preflight.checks import Finding, Planned
from operations.preflight.service_roles import sends_with_ses


def email(planned: Planned) -> Iterator[Finding]:
    """Find an identity of SES that is missing or not verified, and an account in the sandbox.

    In the sandbox SES sends only to verified addresses (SES developer guide, Request production
    access).
    """
    for pool in planned.resources:
        if not sends_with_ses(pool):
            continue
        sender = pool.properties["EmailConfiguration"]["From"]
        domain = sender.rpartition("@")[2]
        client = planned.target.account.client("sesv2", pool.region)
        try:
            identity = client.get_email_identity(EmailIdentity=domain)
        except CloudError as error:
            if error.aws_code != "NotFoundException":
                raise
            yield Finding(
                "command",
                f"SES has no identity {domain} in {pool.region}",
                f"aws sesv2 create-email-identity --email-identity {domain} --region {pool.region},"
                " then add its DKIM records to the hosted zone",
            )
            continue
        if not identity.get("VerifiedForSendingStatus"):
            yield Finding(
                "manual",
                f"SES has not verified the identity {domain} in {pool.region}",
                "add its DKIM records to the hosted zone, and wait",
            )
        if not client.get_account().get("ProductionAccessEnabled"):
            yield Finding(
                "manual",
                f"SES is in the sandbox in {pool.region}, and sends to verified addresses only",
                "request production access in the SES console: AWS answers within a day",
            )
