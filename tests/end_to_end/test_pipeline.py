"""Tests of the pipeline's stacks, and of its stages with their own roles."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

import emulator
from tests.emulator_server import REGION
from tests.end_to_end import checkout as checkouts
from tests.end_to_end import stages
from tests.end_to_end.checkout import DEV, LOCAL, ROOT, Checkout
from tests.end_to_end.deployed import document
from tests.stacks.pipeline_templates import BUILDS

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """
[foundation]
alert_emails = []
replaced_artifact_days = 1

[registry]
max_images = {images}

[pipeline]
repository = "someone/cruddur"
branch = "prod"
approval = true
artifact_retention_days = 30
log_retention_days = {days}

[service]
size = {{ cpu = 256, memory_mib = 512 }}
min_tasks = 1
max_tasks = 2
enable_exec = false
secrets = []
trace_exporter_url = ""
collector_image = "collector@sha256:{digest}"
log_retention_days = 1
"""
FINDING = re.compile(
    r"^ *(?:error: )?(?:\S+:\d+ )?(crd-\w+-[\w-]+)(?::\d+)? (\S+): ([A-Z]\d+) ", re.MULTILINE
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": {"digest": f"sha256:{'c' * 64}", "size": 2},
    "layers": [],
}
# A fake docker: its push puts a manifest into the registry, with the credentials of the caller.
DOCKER = f"""\
#!/bin/sh
set -eu
echo "$1" >> docker.txt
case $1 in
    login) cat > /dev/null ;;
    push) digest=$(aws ecr put-image --repository-name crd-dev-backend --image-tag "${{2##*:}}" \\
        --image-manifest '{json.dumps(MANIFEST)}' --query image.imageId.imageDigest --output text)
        echo "${{2%:*}}@$digest" > pushed.txt ;;
    image) cat pushed.txt ;;
esac
"""
CHANGING = ("Infrastructure", "UpdateServiceStack")


@pytest.fixture
def delivery(checkout_folder):
    """Yield a copy of the checkout with only the stacks of a release, with nothing deployed."""
    copied = release_stacks(checkout_folder)
    yield copied
    emulator.stop(copied.emulator)


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    """Yield the account of `dev` with the stacks of a release deployed, and the stages."""
    copied = release_stacks(tmp_path_factory.mktemp("dev"))
    configure(copied, "dev")
    exempt_findings(copied)
    copied.run("synth")
    (copied.path / "inv").write_text('exec python -m invoke "$@"\n')
    account = emulator.as_account(copied.endpoint, DEV)
    with copied.recorded_requests() as proxy:
        copied.env |= proxy.variables | {"CRUDDUR_ENV": "dev"}
        # Otherwise request bodies would be chunked, which the proxy does not support.
        copied.env |= {"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required"}
        deployed = Dev(copied, account)
        deployed.as_administrator("deploy", "--yes", "--skip-preflight")
        yield deployed
    emulator.stop(copied.emulator)


def release_stacks(folder: Path) -> Checkout:
    """Copy the checkout, with only the stacks of a release."""
    copied = checkouts.copy(folder)
    layers = (ROOT / "tests" / "end_to_end" / "delivery" / "__init__.py").read_text()
    (copied.path / "stacks" / "__init__.py").write_text(layers)
    for file in (copied.path / "config").glob("*.toml"):
        file.unlink()
    return copied


@dataclass
class Dev:
    """The account of `dev`, with stacks that an operator deployed, and the stages of the pipeline."""

    checkout: Checkout
    account: emulator.Endpoint
    keys: dict[str, dict[str, str]] = field(default_factory=dict)

    def as_administrator(self, *task: str, code: int = 0) -> str:
        """Run `./inv TASK` as an administrator and return its output."""
        ran = self.checkout.run(*task, code=code, **self.checkout.root_key(DEV))
        return ran.out + ran.err

    def stage(self, title: str, **env: str) -> str:
        """Run the commands of a CodeBuild project with its role and return their output."""
        [project] = self.client("codebuild").batch_get_projects(
            names=[f"crd-dev-pipeline-{checkouts.kebab_case(title)}"]
        )["projects"]
        configured = {
            variable["name"]: variable["value"]
            for variable in project["environment"]["environmentVariables"]
        }
        script = stages.script(project["source"]["buildspec"], self.checkout.home)
        return self.checkout.shell(script, **configured | self.role(title) | env)

    def refused(self, title: str, *task: str) -> str:
        """Run `./inv TASK`, which the role of a stage does not allow, and return its output."""
        ran = self.checkout.run(*task, code=1, **self.role(title))
        return ran.out + ran.err

    def client(self, service: str) -> Any:
        """Return a client with all permissions in the account."""
        return self.checkout.client(service, account=DEV)

    @contextmanager
    def as_stage(self, title: str, service: str) -> Iterator[Any]:
        """Yield a client with the permissions of a stage."""
        keys = self.role(title)
        client = boto3.client(
            service,
            REGION,
            endpoint_url=self.account.url,
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=keys["AWS_SESSION_TOKEN"],
        )
        yield client
        client.close()

    def attempt(self, title: str, service: str, method: str, **request: Any) -> str:
        """Call an AWS operation as a stage; return "done" or the error code."""
        with self.as_stage(title, service) as client:
            try:
                getattr(client, method)(**request)
            except ClientError as error:
                return str(error.response["Error"]["Code"])
        return "done"

    def role(self, title: str) -> dict[str, str]:
        """Return the credentials of a stage's role; its trust policy allows this only temporarily."""
        if title not in self.keys:
            iam, name = self.client("iam"), self.nested(f"{title}Role")
            role = iam.get_role(RoleName=name)["Role"]
            trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
            trust |= {"Principal": {"AWS": f"arn:aws:iam::{DEV}:root"}}
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=document(trust))
            assumed = self.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="stage")
            iam.update_assume_role_policy(
                RoleName=name, PolicyDocument=json.dumps(role["AssumeRolePolicyDocument"])
            )
            self.keys[title] = {
                "AWS_ACCESS_KEY_ID": assumed["Credentials"]["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": assumed["Credentials"]["SecretAccessKey"],
                "AWS_SESSION_TOKEN": assumed["Credentials"]["SessionToken"],
            }
        return self.keys[title]

    def nested(self, title: str) -> str:
        """Return the physical id of a resource of the nested stack."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=resource(self.checkout, "CodeBuild", DEV), LogicalResourceId=title
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def output(self, stack: str, title: str) -> str:
        """Return an output of a stack."""
        [found] = self.client("cloudformation").describe_stacks(StackName=f"crd-dev-{stack}")[
            "Stacks"
        ]
        return next(
            str(row["OutputValue"]) for row in found["Outputs"] if row["OutputKey"] == title
        )

    @property
    def cli_variables(self) -> dict[str, str]:
        """The variables with which the plain AWS CLI uses the emulator directly."""
        return {
            "AWS_ENDPOINT_URL": self.account.url,
            "AWS_DEFAULT_REGION": REGION,
            "HTTPS_PROXY": "",
        }


def configure(checkout: Checkout, env: str = "local", *, days: int = 14, images: int = 10) -> None:
    """Write the config file: *days* is the retention of logs, *images* the number of images kept."""
    account = LOCAL if env == "local" else DEV
    text = checkouts._ENV.format(env=env, account=account, zone="Z0EXAMPLE", protect="false")
    text += CONFIG.format(days=days, images=images, digest="e" * 64)
    (checkout.path / "config" / f"{env}.toml").write_text(text)


def exempt_findings(checkout: Checkout) -> None:
    """Exempt the findings about missing importers; other tests lint the real stacks."""
    exemptions = checkout.path / "deployer" / "lint" / "exemptions.toml"
    exemptions.write_text("")
    found = dict.fromkeys(FINDING.findall(checkout.run("lint", code=1).err))
    assert found
    for stack, resource, rule in found:
        row = {
            "rule": rule,
            "stack": stack,
            "resource": resource,
            "reason": "Only some stacks are here.",
        }
        text = "".join(f'{key} = "{value}"\n' for key, value in row.items())
        with exemptions.open("a") as file:
            file.write(f"[[exemption]]\n{text}date = 2026-11-21\n\n")


def resource(checkout: Checkout, title: str, account: str = LOCAL) -> str:
    """Return the physical id of a resource of the stack of the pipeline."""
    env = "local" if account == LOCAL else "dev"
    found = checkout.client("cloudformation", account=account).describe_stack_resource(
        StackName=f"crd-{env}-pipeline", LogicalResourceId=title
    )
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def nested(checkout: Checkout) -> dict[str, Any]:
    """Return the stack that is nested in the stack of the pipeline."""
    name = resource(checkout, "CodeBuild")
    found: dict[str, Any] = checkout.client("cloudformation").describe_stacks(StackName=name)
    return found["Stacks"][0]


def log_retention(checkout: Checkout) -> list[int]:
    """Return the retention in days of each log group."""
    groups = checkout.client("logs").describe_log_groups()["logGroups"]
    return [group["retentionInDays"] for group in groups]


def test_deployed_changed_destroyed(delivery):
    """An operator deploys the pipeline, changes only its nested stack, and destroys it."""
    configure(delivery)
    exempt_findings(delivery)

    first_plan = delivery.run("plan", code=2)
    delivery.run("deploy")
    created, projects = nested(delivery), delivery.client("codebuild").list_projects()["projects"]
    no_changes = delivery.run("plan")
    configure(delivery, days=30)
    second_plan = delivery.run("plan", code=2)
    delivery.run("deploy")
    changed, days = nested(delivery), log_retention(delivery)
    delivery.run("destroy", "--yes")

    for plan in (first_plan, second_plan):
        assert "the template of crd-local-pipeline-CodeBuild" in plan.out + plan.err
    assert "orphan" not in no_changes.out + no_changes.err
    assert sorted(
        f"crd-local-pipeline-{checkouts.kebab_case(build)}" for build in BUILDS
    ) == sorted(projects)
    assert created["StackStatus"] == "CREATE_COMPLETE"
    assert {"Key": "stack", "Value": "crd-local-pipeline"} in created["Tags"]
    assert (created["StackId"], "UPDATE_COMPLETE") == (changed["StackId"], changed["StackStatus"])
    assert [30] * len(BUILDS) == days
    assert delivery.stacks() == {}
    assert delivery.client("codebuild").list_projects()["projects"] == []
    assert log_retention(delivery) == []


def test_infrastructure(dev):
    """The stages compare, plan and deploy only the stacks that a release may change.

    The role of the stage cannot deploy the pipeline itself.
    """
    configure(dev.checkout, "dev", days=30, images=20)
    dev.checkout.run("synth")

    compared = dev.stage("Diff", **dev.cli_variables)
    planned = dev.stage("Plan")
    done = dev.stage("Infrastructure")
    remaining = dev.as_administrator("plan", code=2)
    refused = dev.refused("Infrastructure", "deploy", "--yes", "--stack=pipeline", "--only")

    assert re.search(r'^-.*"countNumber": 10\n\+.*"countNumber": 20$', compared, re.MULTILINE), (
        compared
    )
    assert "=== crd-dev-registry (ca-central-1)" in compared
    assert "crd-dev-pipeline" not in compared
    assert "registry  1 changed  crd-dev-registry\n" in planned, planned
    assert "crd-dev-pipeline " not in planned
    assert re.search(r"crd-dev-registry +updated", done), done
    assert "crd-dev-pipeline " not in done
    assert "3 stacks: 1 update, 2 keep" in remaining
    assert "HeadObject: 403: Forbidden" in refused


def test_image(dev):
    """The stage pushes to one repository; a second build has its own tag and digest."""
    tools = dev.checkout.path / "tools"
    tools.mkdir()
    (tools / "docker").write_text(DOCKER)
    (tools / "docker").chmod(0o755)
    backend = dev.checkout.path / "backend" / "Dockerfile"
    backend.write_text(f"FROM python@sha256:{'0' * 64}\n")
    path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = dev.cli_variables | {"COMMIT": COMMIT, "PATH": path}

    for number in ("1", "2"):
        dev.stage("Image", CODEBUILD_BUILD_NUMBER=number, **env)
    images = dev.client("ecr").describe_images(repositoryName="crd-dev-backend")["imageDetails"]
    [definition] = json.loads((dev.checkout.path / "imagedefinitions.json").read_text())

    assert {tag for image in images for tag in image["imageTags"]} == {f"{COMMIT}-1", f"{COMMIT}-2"}
    assert definition["name"] == "backend-flask"
    assert definition["imageUri"].rpartition("@")[2] in {image["imageDigest"] for image in images}
    commands = (dev.checkout.path / "docker.txt").read_text().split()
    assert commands == ["build", "login", "push", "image"] * 2


def push(ecr: Any, repository: str) -> str:
    """Push an image and return its digest."""
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": 1, "digest": "x"}
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": layer, "layers": [layer]}
    pushed = ecr.put_image(
        repositoryName=repository, imageManifest=json.dumps(manifest), imageTag="recorded"
    )
    return str(pushed["image"]["imageId"]["imageDigest"])


def test_record(dev):
    """The stage writes the released image to the parameter of the service, and to no other."""
    digest = push(dev.client("ecr"), "crd-dev-backend")
    unknown = dev.refused("RecordImage", "service.record", f"--image=sha256:{'d' * 64}")

    dev.stage("RecordImage", IMAGE_DIGEST=digest)
    recorded = dev.client("ssm").get_parameter(Name="/crd/dev/backend/image")["Parameter"]["Value"]
    other = {"Name": "/crd/dev/other/image", "Value": digest, "Type": "String"}

    assert digest == recorded
    assert "crd-dev-backend has no such image" in unknown
    assert dev.attempt("RecordImage", "ssm", "put_parameter", **other) == "AccessDeniedException"


# Attacks: code of a pushed commit has the credentials of a stage -----------------------------------


@pytest.mark.parametrize("stage", BUILDS)
@pytest.mark.parametrize(
    "key",
    [
        "templates/CodeBuild/{digest}.yaml",
        "templates/crd-dev-foundation/{digest}.yaml",
        "lambdas/migrate/{digest}.zip",
        "release/x",
        "releases",
    ],
)
def test_no_stage_writes_objects_of_operators(dev, stage, key):
    """No stage writes objects that an operator deploys, such as a future template of the pipeline."""
    bucket, name = dev.output("foundation", "Artifacts"), key.format(digest="0" * 32)

    for options in ({}, {"IfNoneMatch": "*"}):
        ended = dev.attempt(
            stage, "s3", "put_object", Bucket=bucket, Key=name, Body=b"evil", **options
        )

        assert ended == "AccessDenied"


@pytest.mark.parametrize("stage", BUILDS)
def test_no_stage_replaces_deployed_templates(dev, stage):
    """No stage can replace or delete a template in the artifact bucket."""
    bucket, s3 = dev.output("foundation", "Artifacts"), dev.client("s3")
    [template] = s3.list_objects_v2(Bucket=bucket, Prefix="templates/CodeBuild/")["Contents"][:1]
    object_ = {"Bucket": bucket, "Key": template["Key"]}

    replaced = dev.attempt(stage, "s3", "put_object", **object_, Body=b"evil")
    deleted = dev.attempt(stage, "s3", "delete_object", **object_)

    assert [replaced, deleted] == ["AccessDenied", "AccessDenied"]
    assert template["ETag"] == s3.head_object(**object_)["ETag"]


def test_release_prefix_is_append_only(dev):
    """Only the stage Infrastructure adds objects below releases/, and no stage replaces an object."""
    bucket = dev.output("foundation", "Artifacts")
    object_ = {"Bucket": bucket, "Key": "releases/lambdas/thumbnail/0.zip", "Body": b"code"}
    dev.client("s3").delete_object(Bucket=bucket, Key=object_["Key"])
    only_new = object_ | {"IfNoneMatch": "*"}

    others = {
        dev.attempt(stage, "s3", "put_object", **only_new)
        for stage in BUILDS
        if stage != "Infrastructure"
    }
    added = dev.attempt("Infrastructure", "s3", "put_object", **only_new)
    again = dev.attempt("Infrastructure", "s3", "put_object", **only_new)
    replaced = dev.attempt("Infrastructure", "s3", "put_object", **object_)
    del object_["Body"]
    deleted = dev.attempt("Infrastructure", "s3", "delete_object", **object_)

    assert others == {"AccessDenied"}
    assert (added, again) == ("done", "PreconditionFailed")
    assert (replaced, deleted) == ("AccessDenied", "AccessDenied")


@pytest.mark.parametrize("stage", [build for build in BUILDS if build not in CHANGING])
def test_stages_before_approval_change_no_stack(dev, stage):
    """Stages before the approval can neither create change sets nor execute pending ones."""
    cloudformation, template = dev.client("cloudformation"), "{}"
    role = dev.output("foundation", "ReleaseRole")
    pending = cloudformation.create_change_set(
        StackName="crd-dev-registry",
        ChangeSetName=f"deploy-{stage}",
        TemplateBody=cloudformation.get_template(StackName="crd-dev-registry")["TemplateBody"],
        Tags=[{"Key": "other", "Value": stage}],
    )["Id"]

    created = [
        dev.attempt(
            stage,
            "cloudformation",
            "create_change_set",
            StackName="crd-dev-registry",
            ChangeSetName="release-1",
            TemplateBody=template,
            **options,
        )
        for options in ({}, {"RoleARN": role})
    ]
    used = [
        dev.attempt(stage, "cloudformation", f"{verb}_change_set", ChangeSetName=pending)
        for verb in ("execute", "delete")
    ]
    deleted = dev.attempt(stage, "cloudformation", "delete_stack", StackName="crd-dev-registry")

    assert [*created, *used, deleted] == ["AccessDenied"] * 5


@pytest.mark.parametrize("stage", ["Infrastructure", "UpdateServiceStack"])
def test_stages_after_approval_use_only_release_change_sets(dev, stage):
    """Change sets need the release role and a name of a release; the limits cannot be changed."""
    role = dev.output("foundation", "ReleaseRole")
    cloudformation = dev.client("cloudformation")
    pending = cloudformation.create_change_set(
        StackName="crd-dev-registry",
        ChangeSetName=f"deploy-{stage}",
        TemplateBody=cloudformation.get_template(StackName="crd-dev-registry")["TemplateBody"],
        Tags=[{"Key": "other", "Value": stage}],
    )["Id"]

    def create_change_set(stack: str, name: str = "release-1", **options: str) -> str:
        return dev.attempt(
            stage,
            "cloudformation",
            "create_change_set",
            StackName=stack,
            ChangeSetName=name,
            TemplateBody="{}",
            **options,
        )

    refused = [
        create_change_set("crd-dev-registry"),
        create_change_set("crd-dev-registry", "deploy-1", RoleARN=role),
        create_change_set("crd-dev-pipeline", RoleARN=role),
        create_change_set(resource(dev.checkout, "CodeBuild", DEV), RoleARN=role),
        create_change_set("crd-dev-foundation", RoleARN=role),
        create_change_set("crd-dev-site-publisher", RoleARN=role),
        dev.attempt(stage, "cloudformation", "execute_change_set", ChangeSetName=pending),
    ]

    assert ["AccessDenied"] * len(refused) == refused


@pytest.mark.parametrize("stage", [build for build in BUILDS if build != "Image"])
def test_only_the_image_stage_reaches_the_registry(dev, stage):
    """Only the stage Image can push an image and get a registry password."""
    manifest = json.dumps(MANIFEST)
    push = {"repositoryName": "crd-dev-backend", "imageManifest": manifest, "imageTag": stage}

    assert dev.attempt(stage, "ecr", "put_image", **push) == "AccessDeniedException"
    assert dev.attempt(stage, "ecr", "get_authorization_token") == "AccessDeniedException"


@pytest.mark.parametrize("stage", BUILDS)
def test_no_stage_changes_its_input(dev, stage):
    """No stage writes the source, or the image of another stage."""
    bucket = resource(dev.checkout, "ArtifactStore", DEV)
    ended = {
        artifact: dev.attempt(
            stage, "s3", "put_object", Bucket=bucket, Key=f"crd-dev-pipeline/{artifact}", Body=b""
        )
        for artifact in ("Source/a", "Source/Image/a", "Image/a", "other")
    }

    pushes = {"Image/a": "done"} if stage == "Image" else {}
    assert dict.fromkeys(ended, "AccessDenied") | pushes == ended


def test_only_diff_writes_its_log(dev):
    """Only the stage Diff writes to its log."""
    logs, group = dev.client("logs"), dev.nested("DiffLogGroup")
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    line = {"logEvents": [{"timestamp": int(time.time() * 1000), "message": "no changes"}]}
    stream = {"logGroupName": group, "logStreamName": "one"}

    ended = {
        stage: dev.attempt(stage, "logs", "put_log_events", **stream, **line) for stage in BUILDS
    }

    assert dict.fromkeys(BUILDS, "AccessDeniedException") | {"Diff": "done"} == ended
