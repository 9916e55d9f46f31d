"""Offline plans as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from deployer.preview.values import CodeChange, FileChange, PackageChange, Preview, PropertyChange
from deployer.report.offline_plan_json import offline_plan_json
from tests.deployer.report.test_offline_plan import BY_VPC, CIDR, NETWORK, OUTPUT, VPC


def test_the_document_has_all_parts() -> None:
    """Environments, stacks, resources, properties, code and outputs are in the document."""
    code = CodeChange("greet", (FileChange("a.py", "added", 1, 0),), (PackageChange("p", "", "1"),))
    vpc = replace(VPC, properties=(CIDR, BY_VPC), code=code)
    preview = Preview("x", (replace(NETWORK, resources=(vpc,), outputs=(OUTPUT,)),), ("dns",))

    document = json.loads(offline_plan_json([(preview, "abc")]))

    (environment,) = document["environments"]
    (stack,) = environment["stacks"]
    (resource,) = stack["resources"]
    assert (document["version"], environment["base"]) == (2, "abc")
    assert (stack["counts"], environment["unchanged_stacks"]) == ({"replaced": 1}, ["dns"])
    assert [item["property"] for item in resource["properties"]] == ["CidrBlock", "VpcId"]
    assert resource["properties"][0]["after"] == "10.1.0.0/16"
    assert resource["code"]["packages"] == [{"package": "p", "before": None, "after": "1"}]
    assert stack["outputs"][0]["importers"] == ["cluster"]


def test_secrets_are_masked() -> None:
    """A secret by name is masked, at any depth."""
    value = {
        "Variables": [{"Name": "DB_PASSWORD", "Value": "hunter22"}],
        "SecretString": "hunter22",
    }
    change = PropertyChange(("Properties", "Environment"), None, value)
    preview = Preview("x", (replace(NETWORK, resources=(replace(VPC, properties=(change,)),)),))

    assert "hunter22" not in offline_plan_json([(preview, "abc")])


def test_numbers_are_masked() -> None:
    """A secret by name is masked if it is a number; other numbers, booleans and null are not."""
    value = {"Password": 12345678, "Port": 5432, "IsPublic": False, "Token": None}
    change = PropertyChange(("Properties", "Environment"), None, value)
    preview = Preview("x", (replace(NETWORK, resources=(replace(VPC, properties=(change,)),)),))

    (environment,) = json.loads(offline_plan_json([(preview, "abc")]))["environments"]

    assert environment["stacks"][0]["resources"][0]["properties"][0]["after"] == {
        "Password": "(sensitive)",
        "Port": 5432,
        "IsPublic": False,
        "Token": None,
    }
