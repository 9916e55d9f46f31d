"""Respond to Service Quotas with AWS's default values; an increase is granted at once."""

from __future__ import annotations

from emulator.ministack import context
from emulator.patches.differences import Difference
from emulator.patches.recorded import Call, Data, Refusal, add_calls

DIFFERENCES = (
    Difference(
        "GetServiceQuota and ListServiceQuotas return the quotas of the account.",
        source="API reference of Service Quotas",
        ministack="Unknown service. With the patch, a few quotas; only those of CodeBuild are listed.",
        test="test_service_quotas.py::test_default",
    ),
    Difference(
        "AWS reviews a requested increase, which can take days, and never lowers a quota.",
        source="Service Quotas user guide, Requesting a quota increase",
        ministack="RequestServiceQuotaIncrease sets the value, also a lower one, until the emulator "
        "stops.",
        consequence="Nothing here enforces a quota.",
    ),
)

# Defaults of AWS for an account of some age, by service and code (Service Quotas console).
_DEFAULTS = {
    ("vpc", "L-F678F1CE"): 5.0,
    ("ec2", "L-0263D0A3"): 5.0,
    ("elasticloadbalancing", "L-53DA6B97"): 50.0,
    ("rds", "L-7B6409FD"): 40.0,
    ("fargate", "L-3032A538"): 6.0,
    ("fargate", "L-36FBB829"): 6.0,
    ("lambda", "L-B99A9384"): 1000.0,
    ("cloudfront", "L-24B04930"): 200.0,
    ("iam", "L-0DA4ABF3"): 10.0,
    ("codebuild", "L-9D07B6EF"): 300.0,
    ("codebuild", "L-2DC20C30"): 300.0,
    ("codebuild", "L-5ED1D25B"): 300.0,
}
_NAMES = {
    "L-9D07B6EF": "Concurrently running builds for Linux/Small environment",
    "L-2DC20C30": "Concurrently running builds for Linux/Medium environment",
    "L-5ED1D25B": "Concurrently running builds for ARM/Small environment",
}
_requested: dict[tuple[str, str, str, str], float] = {}  # By account, region, service and code.


def install() -> None:
    """Install the patch."""
    calls: dict[str, Call] = {
        "GetServiceQuota": _get,
        "ListServiceQuotas": _list,
        "GetAWSDefaultServiceQuota": _get_default,
        "RequestServiceQuotaIncrease": _request,
    }
    add_calls("servicequotas", calls)


def _get(data: Data) -> Data | Refusal:
    return _quota(data, _requested.get(_key(data)))


def _list(data: Data) -> Data:
    """Return the quotas of a service that have a name here."""
    codes = [code for service, code in _DEFAULTS if service == data["ServiceCode"]]
    found = [(code, _get({**data, "QuotaCode": code})) for code in codes if code in _NAMES]
    return {
        "Quotas": [
            {**quota["Quota"], "QuotaName": _NAMES[code]}
            for code, quota in found
            if isinstance(quota, dict)
        ]
    }


def _get_default(data: Data) -> Data | Refusal:
    return _quota(data, None)


def _request(data: Data) -> Data:
    _requested[_key(data)] = float(data["DesiredValue"])
    return {"RequestedQuota": {**_codes(data), "DesiredValue": data["DesiredValue"]}}


def _quota(data: Data, requested: float | None) -> Data | Refusal:
    default = _DEFAULTS.get((data["ServiceCode"], data["QuotaCode"]))
    if default is None:
        return "NoSuchResourceException", f"no quota {data['QuotaCode']} of {data['ServiceCode']}"
    return {"Quota": {**_codes(data), "Value": default if requested is None else requested}}


def _codes(data: Data) -> Data:
    return {"ServiceCode": data["ServiceCode"], "QuotaCode": data["QuotaCode"]}


def _key(data: Data) -> tuple[str, str, str, str]:
    return context.account(), context.region(), data["ServiceCode"], data["QuotaCode"]
