"""The offline plan of edits of the real stacks, as a reviewer sees it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployer import synth
from deployer.artifacts import Code
from deployer.environment import Environment, Project
from deployer.errors import ConfigError, StaleError
from deployer.model import Layers, Stack
from deployer.model.template_tree import desired_templates
from deployer.report.offline_plan import offline_plan_text
from deployer.report.style import Style
from operations import offline_plan
from operations.project import ROOT
from stacks import Config, layers

pytestmark = pytest.mark.thorough

WIDTH, HEIGHT = 80, 40  # Of a small terminal.
Edit = Callable[[dict[str, Stack]], None]


def git(root: Path, *arguments: str) -> None:
    """Run git in *root*."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", *arguments]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def edited(edit: Edit) -> Callable[[Config, Code], Layers]:
    """Return `layers` with *edit* applied to its stacks by name."""

    def edited_layers(config: Config, code: Code) -> Layers:
        found = layers(config, code)
        stacks = {stack.short_name: stack for stack in found}
        edit(stacks)
        found.stacks = [stack for stack in found if stack.short_name in stacks]
        return found

    return edited_layers


def project(root: Path, edit: Edit = lambda _: None) -> Project[Config]:
    """Return the project in *root*, whose stacks are edited."""
    return Project(root, Config, edited(edit))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with the config, the functions, and the templates of this checkout."""
    root = tmp_path_factory.mktemp("offline plan")
    ignored = shutil.ignore_patterns("__pycache__", ".*", "node_modules")
    for folder in ("backend", "config", "lambdas"):
        shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
    (root / ".gitignore").write_text("__pycache__/\nbuild/local/\n")
    for environment in project(root).open_all():
        synth.write(environment.desired, environment.build)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-qm", "base")
    return root


@pytest.fixture
def root(repository: Path) -> Iterator[Path]:
    """Return the repository, and remove all changes after the test."""
    yield repository
    git(repository, "checkout", "-q", ".")
    git(repository, "clean", "-fdq")


def replace(path: Path, *pairs: tuple[str, str]) -> None:
    """Replace texts in a file, each of which must be there."""
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)


def configure(root: Path, *pairs: tuple[str, str]) -> None:
    """Edit the config of prod."""
    replace(root / "config" / "prod.toml", *pairs)


def screen(root: Path, edit: Edit = lambda _: None) -> str:
    """Return the plan of prod with its templates generated again, without the breaks of lines.

    The plan must fit on the first screen.
    """
    target = project(root, edit)
    environment = target.open("prod")
    synth.write(environment.desired, environment.build)
    (plan,) = offline_plan.plans(target, ["prod"], "main")
    first_screen = offline_plan_text(plan.preview, plan.base, Style(width=WIDTH))
    assert first_screen.count("\n") <= HEIGHT
    return re.sub(r"\n {4}(?=\S)|\n {8}(?=\S)", " ", first_screen)


def properties(stack: Stack, title: str) -> dict[str, Any]:
    """Return the properties of a resource, to be edited."""
    found: dict[str, Any] = stack.body["Resources"][title]["Properties"]
    return found


def test_without_an_edit_there_is_no_change(root: Path) -> None:
    """A plan of an unchanged checkout is one line."""
    assert screen(root).partition(": ")[2] == "no changes\n"


def test_the_network_of_the_vpc(root: Path) -> None:
    """Another CIDR block replaces the VPC and all in it, and CloudFormation refuses it."""
    configure(root, ('cidr = "10.2.0.0/16"', 'cidr = "10.9.0.0/16"'))

    text = screen(root)

    assert "CidrBlock: 10.2.0.0/16 → 10.9.0.0/16  # config/prod.toml: network.cidr" in text
    assert "! network: cannot change Vpc, VpcCidr, PublicSubnets{1,2,3}, Private" in text
    assert "PrivateSubnets{1,2,3}: imported by cluster, database, users, posts, service. " in text
    assert "Replaced while in use, and cannot be imported: " in text
    assert "± Vpc  AWS::EC2::VPC  replaced  (stacks/network.py:" in text
    assert "10.2.32.0/20 → 10.9.32.0/20; 10.2.96.0/20 → 10.9.96.0/20; " in text
    assert "± because of network/Vpc: LoadBalancerSecurityGroup, ServiceSecurityGroup, " in text
    assert "~ because of network/PrivateSubnet{1,2,3}, Vpc: DatabaseSubnetGroup" in text


def test_a_zone_less(root: Path) -> None:
    """Two zones instead of three remove the subnets of the third, whose exports are in use."""
    configure(root, ("zones = 3", "zones = 2"))

    text = screen(root)

    assert "  - PublicSubnet3, PrivateSubnet3, " in text
    assert "config/prod.toml: network.zones" in text
    assert "  - output PrivateSubnets3  # imported by database, users, posts, service" in text
    assert "-36.50 USD a month" in text
    assert "  ~ network in 2 steps: keeps PublicSubnets3, PrivateSubnets3 until " in text


def test_the_port_of_the_service(root: Path) -> None:
    """The port must change in two tables; the target group is replaced, and its export is in use."""
    configure(
        root, ("[cluster]", "[cluster]\nport = 5000"), ("[service]", "[service]\nport = 5000")
    )

    text = screen(root)

    assert "      Port: 4567 → 5000  # config/prod.toml: cluster.port, service.port\n" in text
    assert ".Value: 4567 → 5000 # forces replacement, config/prod.toml: cluster.port," in text
    assert "rule changed: egress tcp 4567 to crd-prod-network-VpcCidr → egress tcp 5000" in text
    assert "~ cluster in 2 steps: retains the replaced BackendTargetGroup until " in text
    assert "~ service in 2 steps: pins its imports of TargetGroup" in text


def test_a_port_opened_to_everyone(root: Path) -> None:
    """A new rule is a sentence."""
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}

    def edit(stacks: dict[str, Stack]) -> None:
        properties(stacks["cluster"], "ServiceSecurityGroup")["SecurityGroupIngress"].append(rule)

    assert "      + rule added: ingress tcp 22 from 0.0.0.0/0\n" in screen(root, edit)


def test_a_comment_in_a_function(root: Path) -> None:
    """Changed code is shown by its files, not by the digest."""
    handler = root / "lambdas" / "thumbnail" / "handler.py"
    handler.write_text(f"{handler.read_text()}# A comment.\n")

    text = screen(root)

    assert "  ~ Thumbnail  AWS::Lambda::Function  (stacks/avatars.py:" in text
    assert "      ~ code lambdas/thumbnail/handler.py: changed, +1 -0 lines\n" in text
    assert "S3Key" not in text


def test_an_upgraded_package(root: Path) -> None:
    """Another locked version is shown as an upgrade of each function that has the package."""
    lock = root / "lambdas" / "thumbnail" / "requirements.txt"
    version = lock.read_text().partition("pillow==")[2].split()[0]
    replace(lock, (f"pillow=={version}", "pillow==99.0.0"))

    assert f"      ~ package pillow: {version} → 99.0.0\n" in screen(root)


def test_an_output_dropped_with_its_consumer(root: Path) -> None:
    """An export that is no longer used is kept until its consumers are deployed."""

    def edit(stacks: dict[str, Stack]) -> None:
        del stacks["messages"].body["Outputs"]["TableArn"]
        policy = properties(stacks["service"], "TaskRole")["Policies"][0]["PolicyDocument"]
        policy["Statement"] = [
            statement
            for statement in policy["Statement"]
            if statement["Sid"] != "ReadAndWriteMessages"
        ]

    text = screen(root, edit)

    assert "~ messages in 2 steps: keeps TableArn until the update of service" in text
    assert "  - output TableArn  # imported by service\n" in text
    assert "      - statement Task/ReadAndWriteMessages removed: allow dynamodb:" in text


def test_the_key_of_a_table_in_a_nested_stack(root: Path) -> None:
    """A table in a nested stack that may be replaced loses its data."""
    from deployer.preview.changes import preview
    from deployer.preview.reviewed import read_stacks

    folder = root / "build" / "prod"
    files = {path.name: path.read_text() for path in folder.iterdir()}

    def with_table(key: str) -> dict[str, str]:
        table = (
            "  Table:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      KeySchema:\n"
            f"      - AttributeName: {key}\n        KeyType: HASH\nOutputs:\n"
        )
        nested = files["pipeline.CodeBuild.yaml"].replace("Outputs:\n", table)
        return files | {"pipeline.CodeBuild.yaml": nested}

    found = preview("prod", read_stacks(with_table("pk")), read_stacks(with_table("id")))
    text = offline_plan_text(found, "abc", Style(width=WIDTH))

    assert "  ! pipeline: CodeBuild/Table (AWS::DynamoDB::Table) may be replaced, because" in text
    assert text.endswith(
        "pipeline  1 may be replaced  crd-prod-pipeline\n"
        "  ± CodeBuild/Table  AWS::DynamoDB::Table  may be replaced\n"
        "      KeySchema[pk].AttributeName: pk → id  # may force replacement\n"
    )


def test_the_threshold_of_an_alarm(root: Path) -> None:
    """An alarm is changed in place."""
    configure(root, ("latency_ms = 1000", "latency_ms = 1500"))

    text = screen(root)

    assert "  ~ BackendLatency  AWS::CloudWatch::Alarm  (stacks/monitoring.py:" in text
    assert "      Threshold: 1 → 1.5  # config/prod.toml: monitoring.latency_ms\n" in text


def test_the_class_of_the_database(root: Path) -> None:
    """A larger instance is a change in place, with its cost."""
    configure(root, ('"db.t4g.small"', '"db.t4g.medium"'))

    text = screen(root)

    assert "1 changed, +48.18 USD a month" in text
    assert (
        "DBInstanceClass: db.t4g.small → db.t4g.medium  # config/prod.toml: database.instance_class"
        in text
    )


def test_a_renamed_bucket(root: Path) -> None:
    """A bucket with another name is another bucket; the old one is retained."""

    def edit(stacks: dict[str, Stack]) -> None:
        properties(stacks["assets"], "AvatarBucket")["BucketNamePrefix"] = "renamed-"

    text = screen(root, edit)

    assert (
        "  ! assets: AvatarBucket (AWS::S3::Bucket) is replaced, because BucketNamePrefix changes: "
        in text
    )
    assert "it is kept, outside of CloudFormation" in text
    assert "  ± AvatarBucket  AWS::S3::Bucket  replaced  (stacks/assets.py:" in text


def test_a_removed_stack(root: Path) -> None:
    """A removed stack has its resources, and the command that deletes it."""

    def edit(stacks: dict[str, Stack]) -> None:
        del stacks["service"], stacks["monitoring"]

    text = screen(root, edit)

    assert "prod since " in text
    assert ": 2 stacks removed, " in text
    assert "! service: TaskLogGroup (AWS::Logs::LogGroup) is removed: it is kept, outside" in text
    assert "  a deploy does not delete it: ./inv destroy --stack=service\n" in text
    assert "  - outputs Name, DeadLetterQueue  # imported by monitoring\n" in text


ACCEPTANCE = """
[[env.accepted_data_losses]]
resource = "assets/AvatarBucket"
change = "replaced"
reason = "the bucket is empty before the launch"
date = "2026-12-01"

[foundation]"""


def test_an_accepted_loss_of_data(root: Path) -> None:
    """An accepted loss is shown with the reason, and only that one is no longer refused."""

    def edit(stacks: dict[str, Stack]) -> None:
        properties(stacks["assets"], "AvatarBucket")["BucketNamePrefix"] = "renamed-"

    assert "accepted" not in screen(root, edit)
    configure(root, ("[foundation]", ACCEPTANCE.strip()))
    assert "(accepted on 2026-12-01: the bucket is empty" in screen(root, edit)
    (one,) = offline_plan.plans(project(root, edit), ["prod"], "main")
    policy = ACCEPTANCE.replace("assets/AvatarBucket", "cdn/AvatarBucketPolicy").strip()
    configure(root, ("[foundation]", policy))
    (both,) = offline_plan.plans(project(root, edit), ["prod"], "main")

    assert [loss.resource for loss in one.preview.unaccepted] == ["cdn/AvatarBucketPolicy"]
    assert (one.is_refused, both.is_refused) == (True, False)


def test_a_new_acceptance_without_a_loss_is_refused(root: Path) -> None:
    """An acceptance must match a loss of the change that adds it."""
    configure(root, ("[foundation]", ACCEPTANCE.strip()))

    assert "assets/AvatarBucket is not replaced: remove its acceptance" in screen(root)
    (plan,) = offline_plan.plans(project(root), ["prod"], "main")
    assert plan.is_refused


@pytest.mark.parametrize(
    ("setting", "resources"),
    [
        (("max_images = 100", "max_images = 10"), {"registry/BackendRepository"}),
        (("backup_retention_days = 14", "backup_retention_days = 7"), {"database/Database"}),
    ],
)
def test_a_setting_that_weakens_a_protection_is_refused(
    root: Path, setting: tuple[str, str], resources: set[str]
) -> None:
    """A shorter retention that comes from the config is a loss of data."""
    configure(root, setting)
    target = project(root)
    environment = target.open("prod")
    synth.write(environment.desired, environment.build)

    (plan,) = offline_plan.plans(target, ["prod"], "main")

    assert plan.is_refused
    assert {loss.resource for loss in plan.preview.unaccepted} == resources


def retained(environment: Environment) -> set[str]:
    """Return the resources that a policy retains, as an acceptance names them."""
    return {
        "/".join((stack.short_name, *path, title))
        for stack in environment.desired
        for path, tree in desired_templates(stack).walk()
        for title, resource in tree.resources.items()
        if resource.get("DeletionPolicy", "Delete") != "Delete"
    }


def test_an_environment_without_protection_is_refused(root: Path) -> None:
    """Everything that is retained only because of env.protect is guarded."""
    before = retained(project(root).open("prod"))
    configure(root, ("protect = true", "protect = false"))
    target = project(root)
    environment = target.open("prod")
    synth.write(environment.desired, environment.build)

    (plan,) = offline_plan.plans(target, ["prod"], "main")

    no_longer_retained = before - retained(environment)
    assert len(no_longer_retained) >= 20
    assert {loss.resource for loss in plan.preview.unaccepted} >= no_longer_retained


def test_environment_variables_change_no_template(root: Path) -> None:
    """No variable of a process changes what is rendered, so none can pass the guard."""
    rendered = {
        subprocess.run(
            [sys.executable, "-c", RENDERED, str(ROOT)],
            env={"PATH": os.environ["PATH"]} | variables,
            check=True,
            capture_output=True,
        ).stdout
        for variables in ({}, dict.fromkeys(VARIABLES, "1"), dict.fromkeys(VARIABLES, "dev"))
    }

    assert len(rendered) == 1


def test_a_stale_build_is_refused(root: Path) -> None:
    """A plan is refused if build/ differs from the templates that the code generates."""
    configure(root, ("latency_ms = 1000", "latency_ms = 1500"))

    with pytest.raises(StaleError, match="build/prod"):
        offline_plan.plans(project(root), ["prod"], "main")


def test_local_templates_are_not_reviewed(root: Path) -> None:
    """`local` is refused: its templates are not in git."""
    with pytest.raises(ConfigError, match="--env=local"):
        offline_plan.plans(project(root), ["local"], "main")


def test_no_socket_is_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan needs no network."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    configure(root, ("latency_ms = 1000", "latency_ms = 1500"))
    monkeypatch.setattr(socket, "socket", refuse)

    assert "BackendLatency" in screen(root)


VARIABLES = (
    "AWS_ACCOUNT_ID",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_REGION",
    "CI",
    "CRUDDUR_ACCEPTED_DATA_LOSSES",
    "CRUDDUR_ENV",
    "CRUDDUR_PROTECT",
    "CRUDDUR_YES",
    "ENV_PROTECT",
    "INVOKE_DEPLOY_YES",
    "INVOKE_ENV_PROTECT",
    "INVOKE_YES",
)
RENDERED = """
import sys
sys.path.insert(0, sys.argv[1])
from deployer import synth
from operations.project import environment
print(synth.files(environment("prod").desired))
"""
SEEDED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from deployer.preview.changes import preview
from deployer.preview.reviewed import read_stacks
from deployer.report import offline_plan_json, offline_plan_text, Style
from deployer.report.offline_plan_markdown import offline_plan_markdown
folder = Path(sys.argv[1])
before = {path.name: path.read_text() for path in folder.iterdir()}
after = before | {"network.yaml": before["network.yaml"].replace("10.2.", "10.9.")}
found = preview("prod", read_stacks(before), read_stacks(after))
print(offline_plan_text(found, "base", Style()), offline_plan_json([(found, "base")]))
print(offline_plan_markdown(found, "base", "head"))
"""


@pytest.mark.parametrize("processes", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_the_hash_seed_has_no_effect(root: Path, processes: int) -> None:
    """Processes with other hash seeds print the same bytes."""
    command = [sys.executable, "-c", SEEDED, str(root / "build" / "prod"), str(ROOT)]

    printed = {
        subprocess.run(
            command, env={"PYTHONHASHSEED": str(seed)}, check=True, capture_output=True
        ).stdout
        for seed in range(processes)
    }

    assert len(printed) == 1
    assert b"10.9.0.0/16" in next(iter(printed))
