"""Templates with a nested stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.emulator.templates import Template, att, parameter, ref, resource, template
from tests.emulator_server import REGION

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def group(days: Any = 7) -> Template:
    """Return a log group, which has an ARN and is updated in place."""
    return resource("AWS::Logs::LogGroup", LogGroupName="inner", RetentionInDays=days)


def inner(**resources: Any) -> Template:
    """Return a template with the parameter Text, and with the ARN of a log group as its output."""
    return {
        "Parameters": {"Text": {"Type": "String"}},
        "Resources": {"Group": group(), "Note": parameter(ref("Text"))} | resources,
        "Outputs": {"Arn": {"Value": att("Group", "Arn")}},
    }


def outer(aws: Aws, key: str, nested: Template, text: str = "one", **resources: Any) -> Template:
    """Upload *nested* as *key*; return a template with it as the nested stack Below."""
    s3, bucket = aws.client("s3"), f"templates-{aws.endpoint.account}"
    if bucket not in [existing["Name"] for existing in s3.list_buckets()["Buckets"]]:
        location = {"LocationConstraint": REGION}
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(nested).encode())
    url = f"https://{bucket}.s3.{REGION}.amazonaws.com/{key}"
    stack = resource("AWS::CloudFormation::Stack", TemplateURL=url, Parameters={"Text": text})
    return template(Below=stack, **resources) | {
        "Outputs": {"Arn": {"Value": att("Below", "Outputs.Arn")}}
    }


def below(aws: Aws, stack: str = "s") -> dict[str, Any]:
    """Return the nested stack."""
    resource_ = aws.cfn.describe_stack_resource(StackName=stack, LogicalResourceId="Below")
    return aws.stack(resource_["StackResourceDetail"]["PhysicalResourceId"])


def groups(aws: Aws) -> list[int]:
    """Return the retention of each log group of the account, in days."""
    log_groups = aws.client("logs").describe_log_groups()["logGroups"]
    return [log_group["retentionInDays"] for log_group in log_groups]
