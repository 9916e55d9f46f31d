"""Service Quotas returns defaults, and grants what is requested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.emulator_server import Aws

VPCS = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}


def test_default(aws: Aws) -> None:
    """A quota that was never requested has the default of AWS.

    AWS: GetServiceQuota, GetAWSDefaultServiceQuota (NoSuchResourceException).
    """
    quotas = aws.client("service-quotas")

    assert quotas.get_service_quota(**VPCS)["Quota"]["Value"] == 5
    assert quotas.get_aws_default_service_quota(**VPCS)["Quota"]["Value"] == 5
    with pytest.raises(ClientError, match="NoSuchResourceException"):
        quotas.get_service_quota(ServiceCode="vpc", QuotaCode="L-0")


def test_a_requested_quota(aws: Aws) -> None:
    """A requested value is that of the account and region from then on; the default stays."""
    quotas = aws.client("service-quotas")

    quotas.request_service_quota_increase(**VPCS, DesiredValue=9)

    assert quotas.get_service_quota(**VPCS)["Quota"]["Value"] == 9
    assert quotas.get_aws_default_service_quota(**VPCS)["Quota"]["Value"] == 5
    elsewhere = aws.client("service-quotas", "us-east-1")
    assert elsewhere.get_service_quota(**VPCS)["Quota"]["Value"] == 5


def test_quotas_of_a_service(aws: Aws) -> None:
    """The list has the values of the account and region.

    AWS: ListServiceQuotas.
    """
    quotas = aws.client("service-quotas")
    small = {"ServiceCode": "codebuild", "QuotaCode": "L-5ED1D25B"}
    quotas.request_service_quota_increase(**small, DesiredValue=2)

    listed = quotas.list_service_quotas(ServiceCode="codebuild")["Quotas"]

    values = {quota["QuotaName"].partition(" for ")[2]: quota["Value"] for quota in listed}
    assert values == {
        "ARM/Small environment": 2,
        "Linux/Small environment": 300,
        "Linux/Medium environment": 300,
    }
