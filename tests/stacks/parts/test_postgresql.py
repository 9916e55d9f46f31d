"""The tables of PostgreSQL versions and instance classes equal those of cfn-lint."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import get_args

from deployer.config import fields
from stacks.parts import postgresql

REGIONS = get_args(get_args(fields.Region)[0])


def rules(name, then=lambda schema: schema["properties"]):
    """Return the rules of cfn-lint for PostgreSQL in one of its files about RDS instances."""
    folder = files("cfnlint") / "data/schemas/extensions/aws_rds_dbinstance"
    loaded = json.loads((folder / name).read_text("utf-8"))
    by_region = {"": loaded} if "allOf" in loaded else loaded
    return {
        region: [
            (rule["if"]["properties"], then(rule["then"]))
            for rule in schema["allOf"]
            if rule["if"]["properties"].get("Engine", {}).get("const") == "postgres"
        ]
        for region, schema in by_region.items()
    }


def test_versions():
    """The table has every minor version from 14 on that RDS can create, according to cfn-lint."""
    [(_, known)] = rules("engine_version.json")[""]
    [(deprecated, _)] = rules("engine_version_deprecated.json", then=bool)[""]
    versions = {*known["EngineVersion"]["enum"]} - {*deprecated["EngineVersion"]["enum"]}
    numbers = [version.split(".") for version in versions if re.fullmatch(r"\d+\.\d+", version)]
    expected = sorted((int(major), int(minor)) for major, minor in numbers if int(major) >= 14)

    assert expected == [
        tuple(map(int, version.split("."))) for version in get_args(postgresql.Version)
    ]


def classes(version):
    """Return the instance classes that support *version* in some region."""
    return set.intersection(
        *(
            {*then["DBInstanceClass"]["enum"]}
            for condition, then in rules("db_instance_class.json")[""]
            if re.search(condition["EngineVersion"]["pattern"], version)
        )
    )


def test_instance_classes():
    """The classes of a region support every version, so settings can be combined."""
    versions = get_args(postgresql.Version)
    oldest_and_newest = [
        version
        for number, version in enumerate(versions)
        if number in {0, len(versions) - 1} or version[:2] != versions[number - 1][:2]
    ]
    running = set.intersection(*map(classes, oldest_and_newest))
    offered = {
        region: {name for _, then in found for name in then["DBInstanceClass"]["enum"]} & running
        for region, found in rules("dbinstanceclass_enum.json").items()
        if region in REGIONS
    }

    assert offered == {region: {*names} for region, names in postgresql.CLASSES_BY_REGION.items()}
    assert set().union(*offered.values()) == {*postgresql.CLASSES}
    assert {*offered} == {*REGIONS}
