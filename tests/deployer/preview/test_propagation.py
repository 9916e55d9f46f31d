"""Changes followed across references, nested stacks and stacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deployer.model.template_tree import TemplateTree
from deployer.preview.reviewed import ReviewedStack
from deployer.template_yaml import dump
from tests.deployer.preview.reviewed_stacks import (
    REGION,
    actions,
    by_name,
    compare,
    resources,
    stack,
)

VPC, SUBNET = "AWS::EC2::VPC", "AWS::EC2::Subnet"
GROUP, ALARM = "AWS::EC2::SecurityGroup", "AWS::CloudWatch::Alarm"


def vpc(cidr: str) -> tuple[str, dict[str, Any]]:
    """Return a VPC."""
    return (VPC, {"CidrBlock": cidr})


def with_sections(body: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """Return a template with these sections as well."""
    return {**body, **sections}


def exporting(cidr: str) -> ReviewedStack:
    """Return a stack that exports the id of a VPC."""
    output = {"Value": {"Ref": "Vpc"}, "Export": {"Name": "vpc"}}
    return stack("network", with_sections(resources(Vpc=vpc(cidr)), Outputs={"Vpc": output}))


def test_a_replaced_resource_replaces_what_reads_it() -> None:
    """A create-only property that refers to a replaced resource replaces its resource, repeatedly."""

    def body(cidr: str) -> dict[str, Any]:
        return resources(
            Vpc=vpc(cidr),
            Subnet=(SUBNET, {"VpcId": {"Ref": "Vpc"}}),
            Gateway=("AWS::EC2::NatGateway", {"SubnetId": {"Ref": "Subnet"}}),
            Other=(VPC, {"CidrBlock": "10.9.0.0/16"}),
        )

    found = compare([stack("a", body("10.0.0.0/16"))], [stack("a", body("10.1.0.0/16"))])

    assert actions(found) == {
        "a/Vpc": "replaced",
        "a/Subnet": "replaced",
        "a/Gateway": "replaced",
    }
    assert by_name(found)["a/Gateway"].causes == ("Subnet",)
    assert by_name(found)["a/Gateway"].roots == ("a/Vpc",)


def test_a_property_that_can_change_is_changed_in_place() -> None:
    """A reference in a property that is not create-only changes the resource in place."""

    def body(name: str) -> dict[str, Any]:
        return resources(
            Topic=("AWS::SNS::Topic", {"TopicName": name}),
            Alarm=(ALARM, {"AlarmActions": [{"Ref": "Topic"}]}),
        )

    found = compare([stack("a", body("one"))], [stack("a", body("two"))])

    assert actions(found)["a/Alarm"] == "changed"


def test_exports_reach_other_stacks() -> None:
    """The import of a changed export changes a resource of another stack in the region."""
    consumer = stack("b", resources(Subnet=(SUBNET, {"VpcId": {"Fn::ImportValue": "vpc"}})))
    elsewhere = stack(
        "c", resources(Subnet=(SUBNET, {"VpcId": {"Fn::ImportValue": "vpc"}})), "us-east-1"
    )

    found = compare(
        [exporting("10.0.0.0/16"), consumer, elsewhere],
        [exporting("10.1.0.0/16"), consumer, elsewhere],
    )

    assert actions(found) == {"network/Vpc": "replaced", "b/Subnet": "replaced"}
    assert by_name(found)["b/Subnet"].causes == ("crd-x-network.Vpc",)


def test_parameters_carry_outputs_of_other_regions() -> None:
    """A parameter with a changed output of another region changes what refers to it."""
    body = with_sections(
        resources(Subnet=(SUBNET, {"VpcId": {"Ref": "VpcId"}})),
        Parameters={"VpcId": {"Type": "String"}},
    )
    source = {"VpcId": f"{REGION}:crd-x-network.Vpc"}
    consumer = replace(stack("b", body, "us-east-1"), parameters=source)

    found = compare([exporting("10.0.0.0/16"), consumer], [exporting("10.1.0.0/16"), consumer])

    assert actions(found)["b/Subnet"] == "replaced"


def test_nested_stacks_pass_values_down_and_up() -> None:
    """A replaced resource reaches a nested stack by a parameter, and a sibling by its output."""
    inner = with_sections(
        resources(Subnet=(SUBNET, {"VpcId": {"Ref": "VpcId"}})),
        Parameters={"VpcId": {"Type": "String"}},
        Outputs={"Subnet": {"Value": {"Ref": "Subnet"}}},
    )

    def body(cidr: str) -> dict[str, Any]:
        return resources(
            Vpc=vpc(cidr),
            Inner=("AWS::CloudFormation::Stack", {"Parameters": {"VpcId": {"Ref": "Vpc"}}}),
            Gateway=(
                "AWS::EC2::NatGateway",
                {"SubnetId": {"Fn::GetAtt": ["Inner", "Outputs.Subnet"]}},
            ),
        )

    found = compare(
        [stack("a", body("10.0.0.0/16"), Inner=inner)],
        [stack("a", body("10.1.0.0/16"), Inner=inner)],
    )

    assert actions(found) == {
        "a/Vpc": "replaced",
        "a/Inner": "changed",
        "a/Gateway": "replaced",
        "a/Inner/Subnet": "replaced",
    }


def test_the_url_of_a_nested_template_is_no_change() -> None:
    """A changed nested template is shown by its own changes."""

    def outer(url: str, cidr: str) -> ReviewedStack:
        body = resources(Inner=("AWS::CloudFormation::Stack", {"TemplateURL": url}))
        return stack("a", body, Inner=resources(Vpc=vpc(cidr)))

    found = compare([outer("one", "10.0.0.0/16")], [outer("two", "10.1.0.0/16")])

    assert actions(found) == {"a/Inner/Vpc": "replaced"}


def test_an_attribute_that_is_a_changed_property_changes() -> None:
    """GetAtt of a property that changes in place changes what reads it; GetAtt of another does not."""

    def body(name: str) -> dict[str, Any]:
        return resources(
            Pool=("AWS::Cognito::UserPool", {"UserPoolName": name}),
            Reader=(ALARM, {"AlarmName": {"Fn::GetAtt": ["Pool", "UserPoolName"]}}),
            Other=(ALARM, {"AlarmName": {"Fn::GetAtt": ["Pool", "ProviderName"]}}),
        )

    found = compare([stack("a", body("one"))], [stack("a", body("two"))])

    assert actions(found) == {"a/Pool": "changed", "a/Reader": "replaced"}


def test_an_attribute_that_follows_from_a_changed_property_changes() -> None:
    """A table with another stream may have another StreamArn, so its readers may be replaced."""

    def body(view: str) -> dict[str, Any]:
        table = {"StreamSpecification": {"StreamViewType": view}}
        reader = {"EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]}}
        return resources(
            Table=("AWS::DynamoDB::Table", table),
            Reader=("AWS::Lambda::EventSourceMapping", reader),
        )

    found = compare([stack("a", body("NEW_IMAGE"))], [stack("a", body("KEYS_ONLY"))])

    assert actions(found) == {"a/Table": "changed", "a/Reader": "may be replaced"}


def test_a_conditional_replacement_stays_uncertain() -> None:
    """A reference to a resource that may be replaced may replace its own resource."""

    def body(block: str) -> dict[str, Any]:
        return resources(
            Subnet=(SUBNET, {"CidrBlock": "10.0.0.0/24", "Ipv6CidrBlock": block}),
            Gateway=("AWS::EC2::NatGateway", {"SubnetId": {"Ref": "Subnet"}}),
        )

    found = compare([stack("a", body("a::/64"))], [stack("a", body("b::/64"))])

    assert actions(found) == {"a/Subnet": "may be replaced", "a/Gateway": "may be replaced"}


def test_defaults_mappings_and_conditions_are_values() -> None:
    """A changed default, mapping or condition changes the resources that use it."""

    def body(value: str) -> dict[str, Any]:
        return with_sections(
            resources(
                A=(VPC, {"CidrBlock": {"Ref": "Cidr"}}),
                B=(VPC, {"CidrBlock": {"Fn::FindInMap": ["Map", "a", "b"]}}),
                C=(VPC, {"CidrBlock": {"Fn::If": ["Is", "10.0.0.0/16", "10.1.0.0/16"]}}),
            ),
            Parameters={"Cidr": {"Type": "String", "Default": value}},
            Mappings={"Map": {"a": {"b": value}}},
            Conditions={"Is": {"Fn::Equals": [value, "x"]}},
        )

    found = compare([stack("a", body("one"))], [stack("a", body("two"))])

    assert actions(found) == {"a/A": "replaced", "a/B": "replaced", "a/C": "may be replaced"}


def test_a_new_type_replaces() -> None:
    """A logical id with another type is another resource."""
    found = compare(
        [stack("a", resources(X=(VPC, {}), Y=(GROUP, {"VpcId": {"Ref": "X"}})))],
        [stack("a", resources(X=(SUBNET, {}), Y=(GROUP, {"VpcId": {"Ref": "X"}})))],
    )

    assert actions(found) == {"a/X": "replaced", "a/Y": "replaced"}


def test_circular_references_end() -> None:
    """A template that CloudFormation would refuse does not stop the plan."""

    def body(cidr: str) -> dict[str, Any]:
        return resources(
            X=(VPC, {"CidrBlock": cidr, "Tags": [{"Ref": "Y"}]}), Y=(GROUP, {"VpcId": {"Ref": "X"}})
        )

    found = compare([stack("a", body("1"))], [stack("a", body("2"))])

    assert actions(found) == {"a/X": "replaced", "a/Y": "replaced"}


def test_equal_templates_have_no_changes() -> None:
    """Another comment in the text of a template changes nothing."""
    body = dump(resources(Vpc=vpc("10.0.0.0/16")))
    sides = [
        ReviewedStack("a", "crd-x-a", REGION, TemplateTree(text)) for text in (body, f"# x\n{body}")
    ]

    found = compare([sides[0]], [sides[1]])

    assert (found.stacks, found.unchanged) == ((), ("a",))
