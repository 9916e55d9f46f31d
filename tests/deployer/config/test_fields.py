"""The types of settings."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import jsonschema
import msgspec
import pytest

from deployer.config import fields
from deployer.config.validation import decode


def accepts(wanted, value) -> bool:
    try:
        msgspec.convert(value, wanted, dec_hook=decode)
    except msgspec.ValidationError:
        return False
    return True


def data(package: str, path: str) -> bytes:
    (folder,) = find_spec(package).submodule_search_locations
    return Path(folder, path).read_bytes()


@pytest.mark.parametrize(
    ("wanted", "good", "bad"),
    [
        (fields.Name, ["dev", "a", "a-1", "a" * 20], ["", "Dev", "1a", "-a", "a_b", "a" * 21]),
        (fields.AccountId, ["012345678901"], ["12345", "1234567890123", "12345678901a", 1]),
        (fields.HostedZoneId, ["Z0123456789ABCDEFGHIJ"], ["", "z012", "/hostedzone/Z01", "A01"]),
        (
            fields.Domain,
            ["cruddur.com", "dev.cruddur.co.uk", "xn--bcher-kva.example", "a.xn--p1ai"],
            ["com", "cruddur.com.", "Cruddur.com", "a..b", "-a.com", "a_b.com", "a.1", "é.com"],
        ),
        (
            fields.Email,
            [
                "ops+crd@cruddur.com",
                "a.b_c@d-e.f.ca",
                "o'neil@b.ca",
                "a@b.xn--p1ai",
                f"{'a' * 64}@b.ca",
            ],
            [
                *("ops", "ops@", "@cruddur.com", "a b@c.de", "a@b", "a..b@c.de", ".a@b.de"),
                *("a.@b.de", "a@-b.de", "a@b-.de", "a@b..de", "a@b.de.", f"{'a' * 65}@b.ca"),
            ],
        ),
        (
            fields.Branch,
            ["main", "release/1.x", "a", "refs-1", "a.locked"],
            [
                *("", "refs/heads/main", "rel/*", "a..b", "a//b", "a/", "a.", "/a", "a/.b", "a./b"),
                *("a.lock", "a.lock/b", "-a", "a b", "a" * 101),
            ],
        ),
        (
            fields.GitHubRepository,
            ["andrew/aws-bootcamp", "a/.b_c"],
            [
                "a",
                "a/b/c",
                "-a/b",
                "a--b/c",
                "a/ b",
                "https://github.com/a/b",
                "a/b.git",
                "a/.",
                "a/..",
            ],
        ),
        (fields.Port, [1, 4567, 65535], [0, -1, 65536, "80", 80.0, True]),
        (fields.Gibibytes, [1, 20, 65536], [0, -5, 65537, "20"]),
        (fields.LogRetentionDays, [1, 7, 3653], [0, 2, 10, 3654, "7"]),
        (fields.Region, ["ca-central-1", "us-east-1"], ["ca-centrel-1", "Us-east-1", "", 1]),
        (
            fields.Cidr,
            ["10.0.0.0/16", "172.31.255.240/28"],
            [
                "10.0.0.0",
                "10.0.0.1/16",
                "10.0.0.0/15",
                "10.0.0.0/29",
                "256.0.0.0/16",
                "::/16",
                "10.0.0.0/255.255.0.0",
                "010.0.0.0/16",
                "0.0.0.0/16",
                "127.0.0.0/16",
                "169.254.0.0/16",
                "224.0.0.0/16",
                "255.0.0.0/16",
                "",
                16,
                None,
            ],
        ),
    ],
)
def test_a_type_accepts_what_aws_accepts(wanted, good, bad):
    """Each type accepts exactly the values that AWS accepts."""
    tried = [*good, *bad]

    accepted = [value for value in tried if accepts(wanted, value)]

    assert good == accepted


def test_a_network_can_be_divided():
    """The subnets of a network are valid AWS networks, too."""
    network = fields.Cidr("10.0.0.0/16")

    subnets = list(network.subnets(new_prefix=18))

    assert [fields.Cidr(f"10.0.{third}.0/18") for third in (0, 64, 128, 192)] == subnets


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("10.0.0.1/16", "10.0.0.1/16 has host bits set; did you mean '10.0.0.0/16'?"),
        ("10.0.0.0/8", "a VPC network is /16 to /28, not /8"),
        ("10.0.0.0", "a VPC network is /16 to /28, not /32"),
        ("10.0.0.300/16", "Octet 300 (> 255) not permitted in '10.0.0.300'"),
    ],
)
def test_an_invalid_network_has_a_reason(address, reason):
    """The error for an invalid network contains the reason."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        fields.Cidr(address)


def test_settings_are_frozen():
    """A setting cannot be changed after it was loaded."""
    size = fields.FargateSize(cpu=256, memory_mib=512)

    with pytest.raises(AttributeError):
        size.cpu = 512


def test_fargate_suggests_the_closest_size():
    """A pair that Fargate does not offer is refused with the closest valid one."""
    with pytest.raises(ValueError, match=r"256 CPU units .* not 3000; did you mean 2048\?"):
        fields.FargateSize(cpu=256, memory_mib=3000)


def test_fargate_sizes_are_those_of_cfn_lint():
    """The table of Fargate sizes equals that of cfn-lint."""
    path = "data/schemas/extensions/aws_ecs_taskdefinition/fargate_cpu_memory.json"
    cfn_lint = jsonschema.Draft7Validator(json.loads(data("cfnlint", path)))
    every_size = sorted({size for sizes in fields.FARGATE_MEMORY_MIB.values() for size in sizes})

    valid = {
        cpu: tuple(
            memory
            for memory in [256, *every_size, every_size[-1] + 8192]
            if cfn_lint.is_valid(
                {"Cpu": str(cpu), "Memory": memory, "RequiresCompatibilities": ["FARGATE"]}
            )
        )
        for cpu in fields.FARGATE_MEMORY_MIB
    }

    assert valid == fields.FARGATE_MEMORY_MIB


def test_regions_are_those_of_botocore():
    """The regions equal those of botocore, so that an update of botocore adds new ones here."""
    partitions = json.loads(data("botocore", "data/endpoints.json"))["partitions"]

    regions = next(
        partition["regions"] for partition in partitions if partition["partition"] == "aws"
    )

    assert sorted(regions) == list(get_args(get_args(fields.Region)[0]))


def test_retention_is_that_of_botocore():
    """The retention periods equal those in the API documentation of CloudWatch Logs."""
    logs = json.loads(gzip.decompress(data("botocore", "data/logs/2014-03-28/service-2.json.gz")))

    (listed,) = re.findall(
        r"Possible values are: ([^.<]+)\.", logs["shapes"]["Days"]["documentation"]
    )

    documented = tuple(int(number) for number in re.findall(r"\d+", listed))
    assert documented == get_args(get_args(fields.LogRetentionDays)[0])


def test_fields_are_cheap_to_import():
    """Stacks and tasks import these types, so they import no heavy library."""
    code = "import sys, deployer.config; print(*sys.modules)"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    heavy = {"boto3", "botocore", "jsonschema", "troposphere", "cfnlint", "yaml"}
    assert set() == heavy & set(run.stdout.split())
