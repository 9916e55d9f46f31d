"""Find names in the account that the primary identifier of a resource type does not contain.

The API reference of each service says that the name must be unique: in the account and region, in
the account for CloudFront and Budgets, in a hosted zone for records, and in AWS for domains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.errors import CloudError
from operations.preflight.checks import Planned, PlannedResource

GLOBAL_REGION = "us-east-1"  # The only endpoint of CloudFront and Budgets.
DELETE_OR_IMPORT = (
    "delete it, or import it into the stack (aws cloudformation create-change-set"
    " --change-set-type IMPORT)"
)


@dataclass(frozen=True)
class Lookup:
    """The *path* of the property that holds a name or a list of names, and how to find a name.

    *exists* returns whether a resource of the account has the name. *action* resolves the conflict.
    """

    path: tuple[str, ...]
    exists: Callable[[Planned, PlannedResource, str], bool]
    action: str = DELETE_OR_IMPORT


def _project(planned: Planned, resource: PlannedResource, name: str) -> bool:
    client = planned.target.account.client("codebuild", resource.region)
    return bool(client.batch_get_projects(names=[name])["projects"])


def _namespace(planned: Planned, resource: PlannedResource, name: str) -> bool:
    client = planned.target.account.client("servicediscovery", resource.region)
    pages = client.get_paginator("list_namespaces").paginate()
    return any(item["Name"] == name for page in pages for item in page["Namespaces"])


def _trace_group(planned: Planned, resource: PlannedResource, name: str) -> bool:
    client = planned.target.account.client("xray", resource.region)
    pages = client.get_paginator("get_groups").paginate()
    return any(item["GroupName"] == name for page in pages for item in page["Groups"])


def _connection(planned: Planned, resource: PlannedResource, name: str) -> bool:
    client = planned.target.account.client("codeconnections", resource.region)
    pages = _pages(client.list_connections, "NextToken", lambda page: page.get("NextToken"))
    return any(item["ConnectionName"] == name for page in pages for item in page["Connections"])


def _user_pool_domain(planned: Planned, resource: PlannedResource, name: str) -> bool:
    client = planned.target.account.client("cognito-idp", resource.region)
    return bool(client.describe_user_pool_domain(Domain=name)["DomainDescription"])


def _budget(planned: Planned, _: PlannedResource, name: str) -> bool:
    client = planned.target.account.client("budgets", GLOBAL_REGION)
    account = planned.target.env.account
    return _found(
        lambda: client.describe_budget(AccountId=account, BudgetName=name), "NotFoundException"
    )


def _record(planned: Planned, resource: PlannedResource, name: str) -> bool:
    """Return whether the record set exists: of sorted records, it would be the first from *name* on.

    A missing hosted zone has no records. The check of the domain reports it.
    """
    type_, zone = resource.properties["Type"], resource.properties["HostedZoneId"]
    client = planned.target.client("route53")
    try:
        response = client.list_resource_record_sets(
            HostedZoneId=zone, StartRecordName=name, StartRecordType=type_, MaxItems="1"
        )
    except CloudError as error:
        if error.aws_code != "NoSuchHostedZone":
            raise
        return False
    return any(
        (found["Name"].rstrip("."), found["Type"]) == (name, type_)
        for found in response["ResourceRecordSets"]
    )


def _alias(planned: Planned, _: PlannedResource, name: str) -> bool:
    """Return whether a distribution of the account serves the domain *name*."""
    pages = _cloudfront(planned).get_paginator("list_distributions").paginate()
    return any(
        name in distribution["Aliases"].get("Items", ())
        for page in pages
        for distribution in page["DistributionList"].get("Items", ())
    )


def _edge_function(planned: Planned, _: PlannedResource, name: str) -> bool:
    client = _cloudfront(planned)
    return _found(
        lambda: client.describe_function(Name=name, Stage="DEVELOPMENT"), "NoSuchFunctionExists"
    )


def _origin_access(planned: Planned, _: PlannedResource, name: str) -> bool:
    pages = _cloudfront(planned).get_paginator("list_origin_access_controls").paginate()
    return any(
        item["Name"] == name
        for page in pages
        for item in page["OriginAccessControlList"].get("Items", ())
    )


def _cache_policy(planned: Planned, _: PlannedResource, name: str) -> bool:
    return name in _custom_policies(_cloudfront(planned).list_cache_policies, "CachePolicy")


def _headers_policy(planned: Planned, _: PlannedResource, name: str) -> bool:
    list_policies = _cloudfront(planned).list_response_headers_policies
    return name in _custom_policies(list_policies, "ResponseHeadersPolicy")


def _cloudfront(planned: Planned) -> Any:
    return planned.target.account.client("cloudfront", GLOBAL_REGION)


def _custom_policies(list_policies: Callable[..., Any], kind: str) -> Iterator[str]:
    """Yield the names of the policies of a *kind* that AWS does not manage."""
    pages = _pages(
        list_policies, "Marker", lambda page: page[f"{kind}List"].get("NextMarker"), Type="custom"
    )
    for page in pages:
        for item in page[f"{kind}List"].get("Items", ()):
            yield item[kind][f"{kind}Config"]["Name"]


def _pages(
    call: Callable[..., Any], token: str, following: Callable[[Any], str | None], **parameters: str
) -> Iterator[Any]:
    """Yield the pages of an operation for which botocore has no paginator."""
    page = call(**parameters)
    yield page
    while marker := following(page):
        page = call(**parameters, **{token: marker})
        yield page


def _found(read: Callable[[], Any], absent: str) -> bool:
    """Return whether *read* succeeds; it fails with the error code *absent* for a free name."""
    try:
        read()
    except CloudError as error:
        if error.aws_code != absent:
            raise
        return False
    return True


LOOKUPS: Mapping[str, Lookup] = {
    "AWS::Budgets::Budget": Lookup(("Budget", "BudgetName"), _budget),
    "AWS::CloudFront::CachePolicy": Lookup(("CachePolicyConfig", "Name"), _cache_policy),
    "AWS::CloudFront::Distribution": Lookup(
        ("DistributionConfig", "Aliases"), _alias, "remove the alias from the other distribution"
    ),
    "AWS::CloudFront::Function": Lookup(("Name",), _edge_function),
    "AWS::CloudFront::OriginAccessControl": Lookup(
        ("OriginAccessControlConfig", "Name"), _origin_access
    ),
    "AWS::CloudFront::ResponseHeadersPolicy": Lookup(
        ("ResponseHeadersPolicyConfig", "Name"), _headers_policy
    ),
    "AWS::CodeBuild::Project": Lookup(("Name",), _project),
    "AWS::CodeConnections::Connection": Lookup(("ConnectionName",), _connection),
    "AWS::Cognito::UserPoolDomain": Lookup(("Domain",), _user_pool_domain),
    "AWS::Route53::RecordSet": Lookup(
        ("Name",), _record, "delete the record set from the hosted zone"
    ),
    "AWS::ServiceDiscovery::HttpNamespace": Lookup(("Name",), _namespace),
    "AWS::XRay::Group": Lookup(("GroupName",), _trace_group),
}
