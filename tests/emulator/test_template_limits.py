"""Templates, parameters and names that would block or crash the emulator or its clients."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.rejections import PARAMETER, rejection
from tests.emulator.templates import resource, template
from tests.emulator_server import Aws


def bomb() -> str:
    """Return eight levels of nine aliases: 43 million values in a kilobyte."""
    lines = ["  a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"  a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)
    ]
    return "Metadata:\n" + "\n".join(lines) + "\nResources:\n  A: {Type: AWS::SNS::Topic}\n"


def doubling() -> str:
    """Return a function whose text doubles with each of thirty levels."""
    value: Any = "xxxxxxxx"
    for _ in range(30):
        value = {"Fn::Sub": ["${A}${A}", {"A": value}]}
    return json.dumps(template(A=resource("AWS::SSM::Parameter", Type="String", Value=value)))


def looping() -> str:
    """Return six nested loops of twenty iterations: 64 million members."""
    body: Any = {"x": "y"}
    items = [f"i{number}" for number in range(20)]
    for level in range(6):
        body = {f"Fn::ForEach::L{level}": [f"V{level}", items, {f"K${{V{level}}}": body}]}
    made = template(A={**PARAMETER, "Metadata": body})
    return json.dumps({"Transform": "AWS::LanguageExtensions", **made})


def many(section: str, count: int) -> str:
    """Return a template with *count* members in a section."""
    members = {
        "Resources": {f"R{n}": {"Type": "AWS::SNS::Topic"} for n in range(count)},
        "Outputs": {f"O{n}": {"Value": "x"} for n in range(count)},
        "Parameters": {f"P{n}": {"Type": "String", "Default": "x"} for n in range(count)},
    }[section]
    return json.dumps({**template(A=PARAMETER), section: members})


def deep(levels: int) -> str:
    """Return JSON with so many levels."""
    start = json.dumps(template(A=PARAMETER))[:-1]
    return f'{start}, "Metadata": {"[" * levels}{"]" * levels}}}'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (bomb(), "Template error: YAML aliases are not allowed in CloudFormation templates"),
        ("A: &a [*a]", "Template error: YAML aliases are not allowed in CloudFormation templates"),
        (doubling(), ""),  # A change set does not resolve it; executing it fails.
        (looping(), "Fn::ForEach produces more than 100,000 values"),
        ("Resources: " + "[" * 20_000, "nested more than 100 levels deep"),
        ("Resources:\n  " + "- " * 9_000 + "x", "nested more than 100 levels deep"),
        (deep(20_000), "nested more than 100 levels deep"),
        (deep(120), "nested more than 100 levels deep"),
        (many("Resources", 501), "Number of resources, 501, is greater than maximum allowed, 500"),
        (many("Outputs", 201), "Number of outputs, 201, is greater than maximum allowed, 200"),
        (
            many("Parameters", 201),
            "Number of parameters, 201, is greater than maximum allowed, 200",
        ),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, Metadata: {a: 1" + "9" * 5000 + "}}}",
            "Template format error",
        ),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, Metadata: {a: 0x" + "f" * 5000 + "}}}",
            "a number is too large",
        ),
        ("Resources: {A: {Type: AWS::SNS::Topic, Metadata: {a: .nan}}}", "nan is not a number"),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, Metadata: {a: !!binary eA==}}}",
            "a bytes is not allowed",
        ),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, Metadata: {a: !!set {x}}}}",
            "a set is not allowed",
        ),
        ('Resources: {A: {Type: AWS::SNS::Topic, Metadata: {a: "\\0"}}}', "U+0000 is not allowed"),
        (
            'Resources: {A: {Type: AWS::SNS::Topic, Metadata: {"\\x01": a}}}',
            "U+0001 is not allowed",
        ),
        (
            '{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Metadata": {"a": "\\ud800"}}}}',
            "U+D800 is not allowed",
        ),
        (
            '{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Metadata": {"a": "\uffff"}}}}',
            "U+FFFF",
        ),
        ("Resources: [1, 2]", "Resources is not a mapping"),
        ("Resources: {A: 1}", "[/Resources/A] is not a mapping"),
        ("Resources: {A: {Type: [1]}}", "[/Resources/A/Type] is not a string"),
        (
            "Conditions: {A: {Condition: A}}\nResources: {A: {Type: AWS::SNS::Topic}}",
            "Template format error",
        ),
        ("? [a]\n: b", "Template format error"),
        ("x" * 51_201, "Member must have length less than or equal to 51200"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_template(aws: Aws, body: str, message: str) -> None:
    """The template is rejected with AWS's message where it is known."""
    assert message in rejection(aws, body, Capabilities=["CAPABILITY_AUTO_EXPAND"])


def test_too_long_text(aws: Aws) -> None:
    """A resource fails if a function returns too long a text, which would fill the memory."""
    stack = aws.deploy("s", doubling())

    assert stack["StackStatus"].endswith("ROLLBACK_COMPLETE")
    assert any("more than 1,000,000 characters" in reason for *_, reason in aws.events("s"))


@pytest.mark.parametrize(
    "options",
    [
        {"Parameters": [{"ParameterKey": "P", "ParameterValue": "a\x01b"}]},
        {"Parameters": [{"ParameterKey": "P\x0b", "ParameterValue": "a"}]},
        {"Tags": [{"Key": "k", "Value": "a\ufffeb"}]},
        {"Tags": [{"Key": "k\x00", "Value": "a"}]},
        {"Description": "\x1b[31m"},
        {"ChangeSetName": "c\x02"},
    ],
)
def test_characters(aws: Aws, options: dict[str, Any]) -> None:
    """Characters that XML does not allow are rejected in every part of a request."""
    body = json.dumps({**template(A=PARAMETER), "Parameters": {"P": {"Type": "String"}}})

    assert "is not allowed" in rejection(aws, body, **options)


def test_characters_of_other_services(aws: Aws) -> None:
    """Characters that XML does not allow are replaced in responses with values of other services."""
    aws.client("ssm").put_parameter(Name="/odd", Value="a\x01b", Type="String")
    aws.client("sns").create_topic(Name="odd", Attributes={"DisplayName": "a\x01b"})
    body = {
        **template(A=PARAMETER),
        "Parameters": {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/odd"}},
        "Outputs": {"O": {"Value": {"Ref": "P"}}},
    }

    aws.deploy("s", body)

    [topic] = aws.client("sns").list_topics()["Topics"]
    shown = aws.client("sns").get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
    assert aws.outputs("s") == {"O": "a\ufffdb"}
    assert shown["DisplayName"] == "a?b"
    assert aws.delete("s")["StackStatus"] == "DELETE_COMPLETE"


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["Ref", "Fn::Sub", "AWS::SNS::Topic", "${A}", "*", "&a", "!Ref", "R", "P"])
)
KEYS = st.text(max_size=10) | st.sampled_from(
    [
        *("Ref", "Fn::If", "Fn::Sub", "Fn::GetAtt", "Fn::Join", "Fn::ForEach::A", "Fn::Transform"),
        *("Type", "Properties", "Default", "Value", "Export", "Condition", "DependsOn", "Name"),
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
SECTIONS = st.sampled_from(
    [
        *("Resources", "Outputs", "Parameters", "Conditions", "Mappings", "Rules", "Transform"),
        *("Hooks", "Description", "Metadata", "AWSTemplateFormatVersion"),
    ]
)
TEMPLATES = st.dictionaries(SECTIONS, VALUES, max_size=5).map(json.dumps)
WELL_FORMED = st.dictionaries(SECTIONS, VALUES, max_size=3).map(
    lambda sections: json.dumps({**sections, **template(A=PARAMETER)})
)
TEXTS = st.text(max_size=200) | st.text(alphabet="{}[]:-&*!|>?#,'\"% \nabR", max_size=200)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=TEMPLATES | WELL_FORMED | TEXTS)
def test_any_template(aws: Aws, body: str) -> None:
    """Any text is accepted, or rejected with a ValidationError; stacks can be listed."""
    try:
        body.encode()
    except UnicodeEncodeError:  # A client cannot send it.
        return
    options = {"Capabilities": ["CAPABILITY_AUTO_EXPAND"], "ChangeSetName": "any"}
    if body and not rejection(aws, body, **options):
        if aws.cfn.describe_change_set(StackName="hostile", ChangeSetName="any")["Changes"]:
            aws.cfn.execute_change_set(StackName="hostile", ChangeSetName="any")
            aws.wait_for_stack("hostile")
        aws.cfn.delete_stack(StackName="hostile")


ROOT = Path(__file__).parents[2]
SHORT = """
Resources:
  A: {Type: T, Properties: {When: 2012-10-17, Port: 0x1F, Yes: "yes", On: on, None: ~}}
Outputs:
  One: {Value: !GetAtt A.B.C}
  Two: {Value: !GetAtt [A, B.C]}
  Three: {Value: !Sub ["${a}", {a: !Ref A}]}
  Four: {Value: !If [Is, !Select [0, !Split [",", a]], !Ref AWS::NoValue]}
"""
PARSE_TWICE = """
import json, sys
from emulator import template_limits
from emulator.ministack import cloudformation

texts = json.load(sys.stdin)
parsed = [cloudformation.parse_template(text) for text in texts]
template_limits.install()
assert parsed == [cloudformation.parse_template(text) for text in texts]
print(cloudformation.yaml_loader.current.__mro__[1].__name__)
"""


def test_parser() -> None:
    """Libyaml parses templates as MiniStack's parser does, which is written in Python and slow."""
    texts = [SHORT, *(file.read_text() for file in (ROOT / "build/prod").glob("*.yaml"))]

    ran = subprocess.run(
        [sys.executable, "-c", PARSE_TWICE],
        input=json.dumps(texts),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout == "CSafeLoader\n"
