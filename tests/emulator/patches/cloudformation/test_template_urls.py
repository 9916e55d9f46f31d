"""Templates in S3: forms of their URLs, and versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator_server import Aws


@pytest.mark.parametrize(
    "form",
    [
        "https://{bucket}.s3.{region}.amazonaws.com/{key}",
        "https://{bucket}.s3.amazonaws.com/{key}",
        "https://s3.{region}.amazonaws.com/{bucket}/{key}",
        "https://s3.amazonaws.com/{bucket}/{key}",
    ],
)
def test_template_url(aws: Aws, form: str) -> None:
    """A template in S3 can be read by both styles of URL, with and without the region.

    AWS: "Methods for accessing a bucket" (S3 user guide).
    """
    bucket, key = f"templates-{aws.endpoint.account}", "deep/x.yaml"
    aws.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ca-central-1"}
    )
    body = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    url = form.format(bucket=bucket, region="ca-central-1", key=key)
    change_set = aws.cfn.create_change_set(
        StackName="s", ChangeSetName="c", ChangeSetType="CREATE", TemplateURL=url
    )

    assert (
        body == aws.cfn.get_template(StackName="s", ChangeSetName=change_set["Id"])["TemplateBody"]
    )


def test_template_version(aws: Aws) -> None:
    """A template is read in the version that the URL specifies.

    AWS: "Selecting a stack template" (CloudFormation user guide).
    """
    bucket, s3 = f"templates-{aws.endpoint.account}", aws.client("s3")
    s3.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ca-central-1"}
    )
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    body = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
    version = s3.put_object(Bucket=bucket, Key="x.yaml", Body=body)["VersionId"]
    s3.put_object(Bucket=bucket, Key="x.yaml", Body=body.replace("Topic:", "Other:"))
    parameters = {"StackName": "s", "ChangeSetName": "c", "ChangeSetType": "CREATE"}
    url = f"https://{bucket}.s3.ca-central-1.amazonaws.com/x.yaml?versionId="

    with pytest.raises(aws.cfn.exceptions.ClientError, match="Template not found at"):
        aws.cfn.create_change_set(**parameters, TemplateURL=f"{url}none")
    change_set = aws.cfn.create_change_set(**parameters, TemplateURL=f"{url}{version}")

    assert (
        body == aws.cfn.get_template(StackName="s", ChangeSetName=change_set["Id"])["TemplateBody"]
    )
