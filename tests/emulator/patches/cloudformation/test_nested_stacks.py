"""A stack in a stack: its template lies in a bucket, and it comes and goes with the one above."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.emulator.templates import Template, att, broken, parameter, ref, resource, template
from tests.emulator_server import REGION

if TYPE_CHECKING:
    from tests.emulator_server import Aws


def group(days: Any = 7) -> Template:
    """A log group: it has an ARN, and is updated in place."""
    return resource("AWS::Logs::LogGroup", LogGroupName="inner", RetentionInDays=days)


def inner(**resources: Any) -> Template:
    """A template that is given a text, and gives the ARN of a group."""
    return {
        "Parameters": {"Text": {"Type": "String"}},
        "Resources": {"Group": group(), "Note": parameter(ref("Text"))} | resources,
        "Outputs": {"Arn": {"Value": att("Group", "Arn")}},
    }


def outer(aws: Aws, key: str, nested: Template, text: str = "one", **resources: Any) -> Template:
    """A template with *nested*, put into a bucket as *key*, as one of its resources."""
    s3, bucket = aws.client("s3"), f"templates-{aws.endpoint.account}"
    if bucket not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        where = {"LocationConstraint": REGION}
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(nested).encode())
    url = f"https://{bucket}.s3.{REGION}.amazonaws.com/{key}"
    below = resource("AWS::CloudFormation::Stack", TemplateURL=url, Parameters={"Text": text})
    made = template(Below=below, **resources)
    return made | {"Outputs": {"Arn": {"Value": att("Below", "Outputs.Arn")}}}


def below(aws: Aws, stack: str = "s") -> dict[str, Any]:
    """The nested stack as it is now."""
    found = aws.cfn.describe_stack_resource(StackName=stack, LogicalResourceId="Below")
    return aws.stack(found["StackResourceDetail"]["PhysicalResourceId"])


def groups(aws: Aws) -> list[int]:
    """How long each log group of the account keeps what it has."""
    found = aws.client("logs").describe_log_groups()["logGroups"]
    return [each["retentionInDays"] for each in found]


def test_made(aws: Aws) -> None:
    """It says whose it is, has the tags of the one above, and gives it its outputs.

    AWS: CloudFormation user guide, Split a template into reusable pieces using nested stacks.
    """
    tags = [{"Key": "env", "Value": "test"}]

    aws.deploy("s", outer(aws, "one.json", inner()), Tags=tags)
    found, above = below(aws), aws.stack("s")

    assert "CREATE_COMPLETE" == found["StackStatus"]
    assert found["StackName"].startswith("s-Below-")
    assert (above["StackId"], above["StackId"]) == (found["ParentId"], found["RootId"])
    assert "ParentId" not in above
    assert tags == found["Tags"]
    assert ":log-group:inner" in aws.outputs("s")["Arn"]


def test_changed(aws: Aws) -> None:
    """A change of one resource leaves the others what they are, and what they give."""
    aws.deploy("s", outer(aws, "one.json", inner()))
    first = aws.outputs("s")

    changed = aws.deploy("s", outer(aws, "one.json", inner(), text="two"))
    again = aws.deploy("s", outer(aws, "two.json", inner(Group=group(30)), text="two"))

    assert ["UPDATE_COMPLETE"] * 3 == [one["StackStatus"] for one in (changed, again, below(aws))]
    assert [30] == groups(aws)
    assert first == aws.outputs("s")


def test_the_stack_above_changes_alone(aws: Aws) -> None:
    """Where nothing is new below, there is nothing to do, and no failure."""
    nested = inner()
    aws.deploy("s", outer(aws, "one.json", nested))

    changed = aws.deploy("s", outer(aws, "one.json", nested, Another=parameter("x")))

    assert "UPDATE_COMPLETE" == changed["StackStatus"]
    assert "CREATE_COMPLETE" == below(aws)["StackStatus"]


def failure(aws: Aws, verb: str) -> dict[str, Any]:
    """The event of the nested stack that failed."""
    events = aws.cfn.describe_stack_events(StackName="s")["StackEvents"]
    failed = ("Below", f"{verb}_FAILED")
    [found] = [e for e in events if (e["LogicalResourceId"], e["ResourceStatus"]) == failed]
    return dict(found)


def test_a_creation_that_fails_leaves_nothing(aws: Aws) -> None:
    """It is rolled back, and the parent's event names the nested stack that failed."""
    nested = inner(Broken=broken() | {"DependsOn": "Group"})

    made = aws.deploy("s", outer(aws, "one.json", nested))

    assert "ROLLBACK_COMPLETE" == made["StackStatus"]
    assert [] == groups(aws)
    assert "Embedded stack arn:aws:" in failure(aws, "CREATE")["ResourceStatusReason"]


def test_a_failure_names_the_nested_stack_and_what_failed_in_it(aws: Aws) -> None:
    """The reason is in its own events, which are found by its id, also after it is deleted.

    AWS: the words are those of serverless/serverless#7593, for an update not verified.
    """
    nested = inner(Broken=broken() | {"DependsOn": "Group"})
    aws.deploy("s", outer(aws, "one.json", nested))
    made = failure(aws, "CREATE")
    aws.delete("s")
    aws.deploy("s", outer(aws, "two.json", inner()))
    aws.deploy("s", outer(aws, "three.json", nested))
    changed = failure(aws, "UPDATE")

    id_ = made["PhysicalResourceId"]
    history = aws.cfn.describe_stack_events(StackName=id_)["StackEvents"]
    reasons = [e.get("ResourceStatusReason", "") for e in history]
    assert "DELETE_COMPLETE" == aws.stack(id_)["StackStatus"]
    assert any("vpc-missing" in reason for reason in reasons)
    assert made["ResourceStatusReason"] == (
        f"Embedded stack {id_} was not successfully created: "
        "The following resource(s) failed to create: [Broken]. "
    )
    assert changed["PhysicalResourceId"] == below(aws)["StackId"]
    assert changed["ResourceStatusReason"] == (
        f"Embedded stack {below(aws)['StackId']} was not successfully updated. Currently in "
        "UPDATE_ROLLBACK_IN_PROGRESS with reason: "
        "The following resource(s) failed to update: [Broken]. "
    )


def test_an_update_that_fails_is_taken_back(aws: Aws) -> None:
    """Below as above: what was changed before the failure is as it was."""
    aws.deploy("s", outer(aws, "one.json", inner()))
    nested = inner(Group=group(30), Broken=broken() | {"DependsOn": "Group"})

    changed = aws.deploy("s", outer(aws, "two.json", nested))

    assert "UPDATE_ROLLBACK_COMPLETE" == changed["StackStatus"]
    assert "UPDATE_ROLLBACK_COMPLETE" == below(aws)["StackStatus"]
    assert [7] == groups(aws)


def test_a_failure_beside_it_takes_it_back_too(aws: Aws) -> None:
    """It was changed already when another resource of the stack above failed."""
    aws.deploy("s", outer(aws, "one.json", inner()))
    late = broken() | {"DependsOn": "Below"}

    aws.deploy("s", outer(aws, "two.json", inner(Group=group(30)), Broken=late))

    assert "UPDATE_ROLLBACK_COMPLETE" == aws.stack("s")["StackStatus"]
    assert [7] == groups(aws)


def test_deleted(aws: Aws) -> None:
    """With the stack above, and all that is in it."""
    aws.deploy("s", outer(aws, "one.json", inner()))
    name = below(aws)["StackId"]

    aws.delete("s")

    assert "DELETE_COMPLETE" == aws.stack(name)["StackStatus"]
    assert [] == groups(aws)


def test_dropped(aws: Aws) -> None:
    """A resource that is no longer in the template goes, also one that is a stack."""
    aws.deploy("s", outer(aws, "one.json", inner(), Another=parameter("x")))
    name = below(aws)["StackId"]

    aws.deploy("s", template(Another=parameter("x")))

    assert "DELETE_COMPLETE" == aws.stack(name)["StackStatus"]
    assert [] == groups(aws)


def test_projects(aws: Aws) -> None:
    """A project shows how long a build may queue and where it logs, also after a change.

    AWS: CodeBuild API reference, Project.
    """

    def project(minutes: int) -> Template:
        return resource(
            "AWS::CodeBuild::Project",
            Name="p",
            ServiceRole=f"arn:aws:iam::{aws.endpoint.account}:role/builder",
            Source={"Type": "CODEPIPELINE", "BuildSpec": "buildspec.yml"},
            Artifacts={"Type": "CODEPIPELINE"},
            Environment={
                "Type": "ARM_CONTAINER",
                "Image": "x",
                "ComputeType": "BUILD_GENERAL1_SMALL",
            },
            QueuedTimeoutInMinutes=minutes,
            LogsConfig={"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "builds"}},
        )

    def seen() -> tuple[int, str]:
        [one] = aws.client("codebuild").batch_get_projects(names=["p"])["projects"]
        return one["queuedTimeoutInMinutes"], one["logsConfig"]["cloudWatchLogs"]["groupName"]

    aws.deploy("s", template(P=project(30)))
    first = seen()
    aws.deploy("s", template(P=project(60)))

    assert (30, "builds") == first
    assert (60, "builds") == seen()
