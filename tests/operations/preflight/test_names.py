"""Names that another resource of the account has are found, whatever the type of the resource."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operations.preflight.accounts import refusal
from tests.operations.preflight.ready_account import preflight

POLICY = {"CachePolicy": {"CachePolicyConfig": {"Name": "crd-x-avatars"}}}
HEADERS = {"ResponseHeadersPolicy": {"ResponseHeadersPolicyConfig": {"Name": "crd-x-site"}}}
OTHER = {"CachePolicy": {"CachePolicyConfig": {"Name": "other"}}}

# Service, operation, the answer with the name, and the resource whose name is taken.
TAKEN = [
    pytest.param(
        "cloudcontrol",
        "get_resource",
        lambda call: (
            {}
            if call["Identifier"] == "crd-x-site-000000000000-ca-central-1-an"
            else refusal("ResourceNotFoundException")
        ),
        "Bucket: AWS::S3::Bucket crd-x-site-000000000000-ca-central-1-an",
        id="bucket",
    ),
    pytest.param(
        "codebuild",
        "batch_get_projects",
        {"projects": [{"name": "crd-x-image"}]},
        "Project: AWS::CodeBuild::Project crd-x-image",
        id="project",
    ),
    pytest.param(
        "codeconnections",
        "list_connections",
        lambda call: {
            "Connections": [{"ConnectionName": "crd-x-github" if call else "other"}],
            **({} if call else {"NextToken": "2"}),
        },
        "Connection: AWS::CodeConnections::Connection crd-x-github",
        id="connection on the second page",
    ),
    pytest.param(
        "servicediscovery",
        "list_namespaces",
        {"Namespaces": [{"Name": "crd-x-services"}]},
        "Namespace: AWS::ServiceDiscovery::HttpNamespace crd-x-services",
        id="namespace",
    ),
    pytest.param(
        "xray",
        "get_groups",
        {"Groups": [{"GroupName": "crd-x-service"}]},
        "TraceGroup: AWS::XRay::Group crd-x-service",
        id="trace group",
    ),
    pytest.param(
        "cognito-idp",
        "describe_user_pool_domain",
        {"DomainDescription": {"Domain": "crd-x"}},
        "SignIn: AWS::Cognito::UserPoolDomain crd-x",
        id="domain of a user pool",
    ),
    pytest.param(
        "budgets",
        "describe_budget",
        {},
        "Budget: AWS::Budgets::Budget crd-x-monthly",
        id="budget",
    ),
    pytest.param(
        "route53",
        "list_resource_record_sets",
        {"ResourceRecordSets": [{"Name": "x.example.", "Type": "A"}]},
        "Record: AWS::Route53::RecordSet x.example",
        id="record",
    ),
    pytest.param(
        "cloudfront",
        "list_distributions",
        {"DistributionList": {"Items": [{"Aliases": {"Items": ["x.example"]}}]}},
        "Distribution: AWS::CloudFront::Distribution x.example",
        id="alias of a distribution",
    ),
    pytest.param(
        "cloudfront",
        "describe_function",
        {},
        "EdgeFunction: AWS::CloudFront::Function crd-x-site",
        id="edge function",
    ),
    pytest.param(
        "cloudfront",
        "list_origin_access_controls",
        {"OriginAccessControlList": {"Items": [{"Name": "crd-x-buckets"}]}},
        "OriginAccess: AWS::CloudFront::OriginAccessControl crd-x-buckets",
        id="origin access control",
    ),
    pytest.param(
        "cloudfront",
        "list_cache_policies",
        lambda call: {
            "CachePolicyList": (
                {"Items": [POLICY]} if "Marker" in call else {"Items": [OTHER], "NextMarker": "2"}
            )
        },
        "CachePolicy: AWS::CloudFront::CachePolicy crd-x-avatars",
        id="cache policy on the second page",
    ),
    pytest.param(
        "cloudfront",
        "list_response_headers_policies",
        {"ResponseHeadersPolicyList": {"Items": [HEADERS]}},
        "HeadersPolicy: AWS::CloudFront::ResponseHeadersPolicy crd-x-site",
        id="response headers policy",
    ),
]


@pytest.mark.parametrize(("service", "operation", "answer", "resource"), TAKEN)
def test_a_taken_name(service: str, operation: str, answer: Any, resource: str) -> None:
    """Exactly this resource is reported."""
    found = preflight(service, operation, answer)

    assert [result[:3] for result in found] == [("names", "manual", f"network/{resource} exists")]


def test_the_way_out() -> None:
    """A budget can be imported; an alias has to be removed from the other distribution."""
    alias = {"DistributionList": {"Items": [{"Aliases": {"Items": ["x.example"]}}]}}

    ((*_, budget),) = preflight("budgets", "describe_budget", {})
    ((*_, distribution),) = preflight("cloudfront", "list_distributions", alias)

    assert budget.startswith("delete it, or import it into the stack")
    assert distribution == "remove the alias from the other distribution"


def test_a_refused_lookup() -> None:
    """Other names are looked up, and the names that were not are listed."""
    assert [found[:3] for found in preflight("xray", "get_groups", refusal("AccessDenied"))] == [
        ("names", "unknown", "whether the names of network/TraceGroup are free: AccessDenied")
    ]


def test_records_of_a_missing_zone() -> None:
    """The check of the domain reports the zone."""
    missing = refusal("NoSuchHostedZone")

    assert preflight("route53", "list_resource_record_sets", missing) == []
