"""Secrets of many forms, planted in templates, never appear in a plan."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deployer.preview.reviewed import read_stacks
from deployer.preview.values import (
    CodeChange,
    FileChange,
    PackageChange,
    Preview,
    ResourceChange,
)
from deployer.report import Style, offline_plan_json
from deployer.report.offline_plan import offline_plan_text
from deployer.report.offline_plan_markdown import offline_plan_markdown
from deployer.report.property_values import masked_value
from tests.deployer.preview.reviewed_stacks import compare, resources, stack

# Each is valid in form and belongs to nothing. They are joined, so that scanners find no secret here.
RANDOM = "q7Rz" + "Wm2KpXv9" + "TgLs4YdN" + "8hBcJ3fE" + "A6uQoV1x" + "ZkHt"  # 40 characters.
AWS_KEY = "AKIA" + "Q3EGRVZ7WXK2M5LD"
JWT = ".".join(("eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiJhbm5hIn0", "c2lnbmF0dXJl"))
BODY = "MIIEpAIBAAKCAQEAx7"


def pem(kind: str) -> str:
    """Return a private key."""
    return f"-----BEGIN {kind}-----\n{BODY}\n-----END {kind}-----\n"


# The name of a variable, its value, and the text that must not appear.
VARIABLES: tuple[tuple[str, Any, str], ...] = (
    ("DB_PASSWORD", "hunter2one", "hunter2one"),
    ("dbPassword", "hunter2two", "hunter2two"),
    ("ADMIN_PWD", "hunter2three", "hunter2three"),
    ("PIN", 48151623, "48151623"),
    ("LOGIN_PASSWORD", 42108151, "42108151"),
    ("API_TOKENS", ["hunter2four", "hunter2five"], "hunter2five"),
    ("SIGNING_KEY", "hunter2six", "hunter2six"),
    ("SALT", "hunter2seven", "hunter2seven"),
    ("SESSION_SECRET", {"Fn::Sub": "hunter2eight-${AWS::Region}"}, "hunter2eight"),
    ("A01", AWS_KEY, AWS_KEY),
    ("A02", f"arn:aws:s3:::bucket/{AWS_KEY[:-1]}7", f"{AWS_KEY[:-1]}7"),
    ("A03", RANDOM, RANDOM),
    ("A04", f"prefix {RANDOM[:32]} suffix", RANDOM[:32]),
    ("A05", JWT, JWT),
    ("A06", pem("RSA PRIVATE KEY"), BODY),
    ("A07", pem("PGP PRIVATE KEY BLOCK").replace(BODY, f"{BODY}P"), f"{BODY}P"),
    ("A08", "ghp_" + RANDOM[:36], RANDOM[:36]),
    ("A09", "xoxb-" + "1234567890-hunter2nine", "hunter2nine"),
    ("A10", "postgresql://app:hunter2ten@db:5432/x", "hunter2ten"),
    ("A11", "https://hunter2eleven@git.example/x.git", "hunter2eleven"),
    ("A12", "https://api.example/?api_key=hunter2twelve", "hunter2twelve"),
    ("A13", "sk_live_" + "hunter2thirteen", "hunter2thirteen"),
    ("A14", "npm_" + "hunter2fourteenhunter2", "hunter2fourteen"),
    ("A15", "SG." + "hunter2fifteen.hunter2fifteen", "hunter2fifteen"),
    ("A16", "AIza" + "hunter2sixteen" * 3, "hunter2sixteen"),
    ("A17", "Authorization: Bearer hunter2seventeen", "hunter2seventeen"),
    ("A18", "Basic aHVudGVyMmVpZ2h0ZWVu", "aHVudGVyMmVpZ2h0ZWVu"),
    ("A19", "https://hooks.slack.com/services/T0/B0/hunter2nineteen", "hunter2nineteen"),
    ("A20", ' {"password": "hunter2twenty"}', "hunter2twenty"),
    ("A21", "user: app\npassword: hunter2-21\n", "hunter2-21"),
    ("A22", "export DB_PASSWORD='hunter2-22'", "hunter2-22"),
    ("A23", '[{"Name": "TOKEN", "Value": "hunter2-23"}]', "hunter2-23"),
    ("A24", {"Fn::Join": ["", ["postgresql://app:", "hunter2-24", "@db/x"]]}, "hunter2-24"),
    ("A25", {"Fn::Join": [":", [{"Ref": "User"}, f"{AWS_KEY[:-1]}6"]]}, f"{AWS_KEY[:-1]}6"),
    ("A26", "https://x.blob.example/?sig=hunter2-26%3D", "hunter2-26"),
)
NAMES = tuple(secret for _, _, secret in VARIABLES)
LAMBDA, ROLE = "AWS::Lambda::Function", "AWS::IAM::Role"
NESTED, TASK = "AWS::CloudFormation::Stack", "AWS::ECS::TaskDefinition"


def statements(condition: Any, resource: str) -> dict[str, Any]:
    """Return the properties of a role with one statement in its trust policy."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Resource": resource,
        "Condition": condition,
    }
    return {"AssumeRolePolicyDocument": {"Statement": [statement]}}


def body(*, planted: bool) -> dict[str, Any]:
    """Return a template, with the secrets if they are *planted*."""

    def secret(value: Any) -> Any:
        return value if planted else "visible-canary"

    variables = {name: secret(value) for name, value, _ in VARIABLES}
    containers = [
        {"Name": "web", "Environment": [{"Name": "API_TOKEN", "Value": secret("hunter2-27")}]},
        {
            "Name": "job",
            "Environment": [{"Name": "OLD" if planted else "NEW_SECRET", "Value": "a"}],
        },
    ]
    whole = {"A": {"Ref": "Topic"}, "PASSWORD": "hunter2-28", "LIST": [{"Ref": "Topic"}]}
    return resources(
        Function=(LAMBDA, {"Environment": {"Variables": variables}}),
        Whole=(LAMBDA, {"Environment": {"Variables": whole}} if planted else {}),
        Task=(TASK, {"ContainerDefinitions": containers}),
        Described=(LAMBDA, {"Description": secret("the password = hunter2-29, keep it")}),
        Inner=(NESTED, {"Parameters": {"Neutral": secret("hunter2-30"), "Shown": secret("b")}}),
        Role=(ROLE, statements({"StringEquals": {"sts:ExternalId": secret("hunter2-31")}}, "*")),
        Other=(ROLE, statements({}, secret(f"arn:aws:s3:::{AWS_KEY[:-1]}5/*"))),
        Login=("AWS::IAM::User", {"LoginProfile": {"Password": secret("hunter2-32")}}),
        Secret=("AWS::SecretsManager::Secret", {"SecretString": secret('{"a": "hunter2-33"}')}),
        Database=("AWS::RDS::DBInstance", {"MasterUserPassword": secret("hunter2-34")}),
    )


@cache
def plan() -> Preview:
    """Return a plan with all secrets: in templates, names of resources, files and packages."""
    nested = {
        "Parameters": {"Neutral": {"Type": "String", "NoEcho": True, "Default": "hunter2-35"}}
    }
    outputs = {
        "ApiToken": {"Value": "hunter2-36"},
        "Exported": {"Value": "x", "Export": {"Name": f"{AWS_KEY[:-1]}4"}},
    }
    before, after = body(planted=False), body(planted=True) | {"Outputs": outputs}
    found = compare([stack("a", before, Inner=nested)], [stack("a", after, Inner=nested)])
    key = "ghp_" + RANDOM[4:40]
    code = CodeChange(
        "f",
        (FileChange(f"lambdas/f/{key}.py", "added", 1, 0),),
        (PackageChange("p", "1", f"1+{AWS_KEY[:-1]}3"),),
    )
    named = ResourceChange(f"{AWS_KEY[:-1]}2", LAMBDA, "changed", code=code)
    random = ResourceChange("Log" + RANDOM, LAMBDA, "removed", source=f"stacks/{RANDOM[::-1]}.py:1")
    (change,) = found.stacks
    return replace(found, stacks=(replace(change, resources=(*change.resources, named, random)),))


SECRETS = (
    *NAMES,
    *(f"hunter2-{number}" for number in range(27, 37)),
    *(f"{AWS_KEY[:-1]}{digit}" for digit in "2345"),
    RANDOM[4:40],
    RANDOM[::-1],
)


def formats() -> Iterator[tuple[str, str]]:
    """Yield the plan in each format, and wrapped for a small terminal."""
    found = plan()
    yield "text", offline_plan_text(found, "base", Style(width=10_000))
    yield "terminal", offline_plan_text(found, "base", Style(width=80))
    yield "json", offline_plan_json([(found, "base")])
    yield "markdown", offline_plan_markdown(found, "a" * 40, "b" * 40)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_planted_secret_never_appears(secret: str) -> None:
    """No format has the secret, nor a part of it of eight characters."""
    parts = {secret[start : start + 8] for start in range(max(1, len(secret) - 7))}

    for name, text in formats():
        assert (name, {part for part in parts if part in text}) == (name, set())


def test_everything_else_appears() -> None:
    """The changes with secrets are in every format, with their names and harmless values."""
    assert len(SECRETS) >= 40
    for _, text in formats():
        for name, _, _ in VARIABLES:
            assert f"Environment.Variables.{name}" in text
        for shown in ("visible-canary", "PASSWORD", "Neutral", "Shown", "sts:ExternalId", "Topic"):
            assert shown in text


def test_the_templates_of_prod_are_shown() -> None:
    """The values of the real templates have no secrets: of them, only a line of a script is masked."""
    build = Path(__file__).parents[3] / "build" / "prod"
    stacks = read_stacks({path.name: path.read_text() for path in build.iterdir()})
    properties = {
        (stack.short_name, *path, title): masked_value("Properties", resource["Properties"])
        for stack in stacks
        for path, tree in stack.templates.walk()
        for title, resource in tree.resources.items()
        if "Properties" in resource
    }

    masked = {
        name: re.findall(r"\(sensitive\)|\[secret\]", json.dumps(value))
        for name, value in properties.items()
    }

    assert {name: found for name, found in masked.items() if found} == {
        ("pipeline", "CodeBuild", "Image"): ["[secret]"]  # password=$(aws ecr get-login-password)
    }


def test_other_lines_of_a_script_are_shown() -> None:
    """Of a text of several lines, only those with a secret are masked, and a key as a whole."""
    script = f"set -e\nexport DB_PASSWORD=hunter2\n{pem('EC PRIVATE KEY')}curl https://a.example\n"

    shown = masked_value("UserData", script)

    assert shown == "set -e\nexport DB_PASSWORD=[secret]\n[secret]\ncurl https://a.example\n"
    assert masked_value("DbPassword", script) == "(sensitive)"
