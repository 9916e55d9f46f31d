"""The pipeline's stacks, deployed by the commands; and its steps, with the rights of its machines."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from deployer import embedded
from tests.embedded_server import REGION
from tests.end_to_end import checkout as checkouts
from tests.end_to_end.checkout import DEV, LOCAL, ROOT, Checkout
from tests.end_to_end.deployed import code_of, document

CONFIG = """
[foundation]
alert_emails = []
replaced_artifact_days = 1

[registry]
kept_images = {images}

[pipeline]
repository = "someone/cruddur"
branch = "prod"
approval = true
kept_days = 30
log_retention_days = {days}

[service]
size = {{ cpu = 256, memory_mib = 512 }}
min_tasks = 1
max_tasks = 2
exec = false
secrets = []
exporter = ""
collector = "collector@sha256:{digest}"
log_retention_days = 1
"""
FINDING = re.compile(
    r"^(?:error: )?(?:\S+:\d+ )?(crd-\w+-[\w-]+)(?::\d+)? (\S+): ([A-Z]\d+) ", re.MULTILINE
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": {"digest": f"sha256:{'c' * 64}", "size": 2},
    "layers": [],
}
# A push, by what the registry is asked for in the end, with the rights of whoever pushes.
DOCKER = f"""\
#!/bin/sh
set -eu
echo "$1" >> docker.txt
case $1 in
    login) cat > /dev/null ;;
    push) aws ecr put-image --repository-name crd-dev-backend --image-tag "${{2##*:}}" \\
        --image-manifest '{json.dumps(MANIFEST)}' ;;
esac
"""


@pytest.fixture
def delivery(tmp_path):
    """A copy of the checkout with the layers that a release goes through, nothing deployed."""
    copied = few_layers(tmp_path)
    yield copied
    embedded.stop(copied.embedded)


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    """Those layers, which a person has deployed to the account of `dev`, and what a pipeline runs."""
    copied = few_layers(tmp_path_factory.mktemp("dev"))
    configure(copied, "dev")
    accept_what_lint_finds(copied)
    copied.run("synth")
    shutil.copytree(ROOT / "buildspecs", copied.path / "buildspecs")
    (copied.path / "inv").write_text('exec python -m invoke "$@"\n')
    account = embedded.as_account(copied.endpoint, DEV)
    with copied.wire() as wire:
        copied.env |= wire.proxy | {"CRUDDUR_ENV": "dev"}
        # Or bodies would come in pieces, which nobody on the wire puts together.
        copied.env |= {"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required"}
        made = Dev(copied, account)
        made.person("deploy", "--yes")
        yield made
    embedded.stop(copied.embedded)


def few_layers(folder: Path) -> Checkout:
    """A copy of the checkout with the layers that a release goes through."""
    copied = checkouts.copy(folder)
    layers = (ROOT / "tests" / "end_to_end" / "delivery" / "__init__.py").read_text()
    (copied.path / "stacks" / "__init__.py").write_text(layers)
    for file in (copied.path / "config").glob("*.toml"):
        file.unlink()
    return copied


@dataclass
class Dev:
    """The account of `dev`: deployed by a person, then worked in by machines."""

    checkout: Checkout
    account: embedded.Endpoint
    machines: dict[str, dict[str, str]] = field(default_factory=dict)

    def person(self, *task: str, code: int = 0) -> str:
        """What a person is told who runs `./inv TASK`, with all rights."""
        keys = {"AWS_ACCESS_KEY_ID": DEV, "AWS_SECRET_ACCESS_KEY": "test"}
        ran = self.checkout.run(*task, code=code, **keys)
        return ran.out + ran.err

    def machine(self, title: str, command: str, **env: str) -> str:
        """What *command* of a buildspec prints, with the rights of a machine."""
        return self.checkout.shell(command, **self._keys(title) | env)

    def refused(self, title: str, *task: str) -> str:
        """What `./inv TASK` is told that a machine may not do."""
        ran = self.checkout.run(*task, code=1, **self._keys(title))
        return ran.out + ran.err

    def session(self, title: str) -> boto3.Session:
        """A session with the rights of a machine."""
        keys = self._keys(title)
        return boto3.Session(
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=keys["AWS_SESSION_TOKEN"],
            region_name=REGION,
        )

    def client(self, service: str) -> Any:
        """A client with the rights of the account."""
        return self.checkout.client(service, account=DEV)

    def _keys(self, title: str) -> dict[str, str]:
        """Of a role like the machine's, which CodeBuild alone may take."""
        if title not in self.machines:
            iam, name = self.client("iam"), f"{title}Role"
            real = resource(self.checkout, "Codebuild", DEV)
            found = self.client("cloudformation").describe_stack_resource(
                StackName=real, LogicalResourceId=name
            )["StackResourceDetail"]["PhysicalResourceId"]
            policy = iam.get_role_policy(RoleName=found, PolicyName=title)["PolicyDocument"]
            trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
            trust |= {"Principal": {"AWS": f"arn:aws:iam::{DEV}:root"}}
            twin = iam.create_role(RoleName=title, AssumeRolePolicyDocument=document(trust))
            iam.put_role_policy(
                RoleName=title, PolicyName="same", PolicyDocument=document(*policy["Statement"])
            )
            own = self.client("sts").assume_role(
                RoleArn=twin["Role"]["Arn"], RoleSessionName="machine"
            )["Credentials"]
            self.machines[title] = {
                "AWS_ACCESS_KEY_ID": own["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": own["SecretAccessKey"],
                "AWS_SESSION_TOKEN": own["SessionToken"],
            }
        return self.machines[title]


def configure(checkout: Checkout, env: str = "local", *, days: int = 14, images: int = 10) -> None:
    """Write the config: for how many *days* machines' logs are kept, and how many *images*."""
    account = LOCAL if env == "local" else DEV
    text = checkouts._ENV.format(env=env, account=account, zone="Z0EXAMPLE", protect="false")
    text += CONFIG.format(days=days, images=images, digest="e" * 64)
    (checkout.path / "config" / f"{env}.toml").write_text(text)


def accept_what_lint_finds(checkout: Checkout) -> None:
    """These few layers miss those that import them; the real ones are linted elsewhere."""
    exemptions = checkout.path / "deployer" / "lint" / "exemptions.toml"
    exemptions.write_text("")
    found = dict.fromkeys(FINDING.findall(checkout.run("lint", code=1).err))
    assert found
    for stack, resource, rule in found:
        row = {"rule": rule, "stack": stack, "resource": resource, "reason": "A few layers only."}
        text = "".join(f'{key} = "{value}"\n' for key, value in row.items())
        with exemptions.open("a") as file:
            file.write(f"[[exemption]]\n{text}date = 2026-11-21\n\n")


def resource(checkout: Checkout, title: str, account: str = LOCAL) -> str:
    """What a resource of the pipeline's stack is called in the account."""
    env = "local" if account == LOCAL else "dev"
    found = checkout.client("cloudformation", account=account).describe_stack_resource(
        StackName=f"crd-{env}-pipeline", LogicalResourceId=title
    )
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def nested(checkout: Checkout) -> dict[str, Any]:
    """The stack that is a resource of the pipeline's."""
    name = resource(checkout, "Codebuild")
    found: dict[str, Any] = checkout.client("cloudformation").describe_stacks(StackName=name)
    return found["Stacks"][0]


def log_retention(checkout: Checkout) -> list[int]:
    """For how many days each log group of the account keeps what it has."""
    groups = checkout.client("logs").describe_log_groups()["logGroups"]
    return [each["retentionInDays"] for each in groups]


def test_deployed_changed_destroyed(delivery):
    """A person deploys it, changes what only the nested stack has, and takes it away again."""
    configure(delivery)
    accept_what_lint_finds(delivery)

    first_plan = delivery.run("plan", code=2)
    delivery.run("deploy")
    made, projects = nested(delivery), delivery.client("codebuild").list_projects()["projects"]
    nothing = delivery.run("plan")
    configure(delivery, days=30)
    second_plan = delivery.run("plan", code=2)
    delivery.run("deploy")
    changed, days = nested(delivery), log_retention(delivery)
    delivery.run("destroy", "--yes")

    for plan in (first_plan, second_plan):
        assert "the template of crd-local-pipeline-Codebuild" in plan.out + plan.err
    assert "orphan" not in nothing.out + nothing.err
    assert [f"crd-local-pipeline-{one}" for one in ("deploy", "image", "release")] == sorted(
        projects
    )
    assert "CREATE_COMPLETE" == made["StackStatus"]
    assert {"Key": "stack", "Value": "crd-local-pipeline"} in made["Tags"]
    assert (made["StackId"], "UPDATE_COMPLETE") == (changed["StackId"], changed["StackStatus"])
    assert [30] == days
    assert {} == delivery.stacks()
    assert [] == delivery.client("codebuild").list_projects()["projects"]
    assert [] == log_retention(delivery)


def test_infrastructure(dev):
    """The machine plans and does what a release may: not its own limits.

    It cannot do more by asking in another way: without the role of releases, or for the pipeline.
    """
    configure(dev.checkout, "dev", days=30, images=20)
    dev.checkout.run("synth")

    planned = dev.machine("Deploy", "sh buildspecs/deploy.sh plan 2>&1")
    done = dev.machine("Deploy", "sh buildspecs/deploy.sh infrastructure 2>&1")
    left = dev.person("plan", code=2)
    as_itself = dev.refused("Deploy", "deploy", "--yes", "--stack=pipeline", "--only")
    release_role = dev.client("cloudformation").describe_stacks(StackName="crd-dev-foundation")
    role = next(
        each["OutputValue"]
        for each in release_role["Stacks"][0]["Outputs"]
        if each["OutputKey"] == "ReleaseRole"
    )

    def propose(stack: str, **how: str) -> str:
        client = dev.session("Deploy").client("cloudformation", endpoint_url=dev.account.url)
        try:
            return code_of(
                lambda: client.create_change_set(
                    StackName=stack, ChangeSetName="c", TemplateBody="{}", **how
                )
            )
        finally:
            client.close()

    assert re.search(r"crd-dev-registry +update", planned), planned
    assert "crd-dev-pipeline " not in planned
    assert re.search(r"crd-dev-registry +updated", done), done
    assert "crd-dev-pipeline " not in done
    assert "3 stacks: 1 update, 2 keep" in left
    assert "AccessDenied" in as_itself or "not authorized" in as_itself
    assert "AccessDenied" == propose("crd-dev-registry")
    assert "AccessDenied" == propose("crd-dev-pipeline", RoleARN=role)
    assert "AccessDenied" == propose("crd-dev-foundation", RoleARN=role)


def test_image(dev):
    """The machine pushes to one repository; a second build of a commit finds what is there."""
    tools = dev.checkout.path / "tools"
    tools.mkdir()
    (tools / "docker").write_text(DOCKER)
    (tools / "docker").chmod(0o755)
    direct = {"AWS_ENDPOINT_URL": dev.account.url, "AWS_DEFAULT_REGION": REGION}
    direct |= {"HTTPS_PROXY": "", "COMMIT": COMMIT, "IMAGES": "registry.example/crd-dev-backend"}
    push = 'PATH="$PWD/tools:$PATH" sh buildspecs/push.sh'

    first = dev.machine("Image", push, **direct)
    second = dev.machine("Image", push, **direct)
    kept = dev.client("ecr").describe_images(repositoryName="crd-dev-backend")["imageDetails"]

    assert [[COMMIT]] == [each["imageTags"] for each in kept]
    assert f"{kept[0]['imageDigest']}\n" == first == second
    assert ["login", "build", "push"] == (dev.checkout.path / "docker.txt").read_text().split()


def test_record(dev):
    """The machine writes what was released where the service's template looks, and nowhere else."""
    digest = f"sha256:{'d' * 64}"

    dev.machine("Release", "sh buildspecs/release.sh record", IMAGE_DIGEST=digest)
    noted = dev.client("ssm").get_parameter(Name="/crd/dev/backend/image")["Parameter"]["Value"]
    ssm = dev.session("Release").client("ssm", endpoint_url=dev.account.url)
    with pytest.raises(ClientError) as failed:
        ssm.put_parameter(Name="/crd/dev/other/image", Value=digest, Type="String")
    ssm.close()

    assert digest == noted
    assert "AccessDenied" in failed.value.response["Error"]["Code"]
