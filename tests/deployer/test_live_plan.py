"""The changes that a deploy would make in an account in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from deployer import plan
from deployer.aws.cloud import DeployedStack
from deployer.config.fields import Settings
from deployer.environment import Environment
from deployer.live_plan import live_preview
from deployer.model import AcceptedDataLoss, Env, OutputOf
from deployer.model.desired import DesiredStack
from deployer.model.template_tree import TemplateTree, desired_templates
from deployer.preview.values import Preview, UnknownValue
from tests.deployer.preview.reviewed_stacks import actions, by_name, resources
from tests.fakes import ACCOUNT, OWNER, REGION, desired_stack

ENV = Env("cruddur", "crd", "x", ACCOUNT, REGION, "x.example", "Z1", protect=False)
VPC, GROUP, TABLE = "AWS::EC2::VPC", "AWS::EC2::SecurityGroup", "AWS::DynamoDB::Table"


def network(cidr: str = "10.0.0.0/16") -> DesiredStack:
    """Return a stack that exports the id of a network."""
    export = {"Value": {"Ref": "Vpc"}, "Export": {"Name": "crd-x-network-Vpc"}}
    body = {**resources(Vpc=(VPC, {"CidrBlock": cidr})), "Outputs": {"Vpc": export}}
    return with_body(desired_stack("network"), body)


def cluster() -> DesiredStack:
    """Return a stack that imports the network."""
    vpc = {"Fn::ImportValue": "crd-x-network-Vpc"}
    group = (GROUP, {"GroupDescription": "x", "VpcId": vpc})
    return with_body(desired_stack("cluster", needs=["network"]), resources(Group=group))


def with_body(stack: DesiredStack, body: dict[str, Any]) -> DesiredStack:
    """Return *stack* with the template *body*, whose digest depends on it."""
    digest = str(hash(str(body)))
    outputs = {**body.get("Outputs", {}), "Digest": {"Value": digest}}
    return replace(stack, body={**body, "Outputs": outputs}, digest=digest)


def deployed(stack: DesiredStack, **outputs: str) -> DeployedStack:
    """Return *stack* as it is deployed."""
    return DeployedStack(
        stack.name,
        f"arn:{stack.name}",
        stack.region,
        "CREATE_COMPLETE",
        tags=stack.tags,
        outputs={"Digest": stack.digest, **outputs},
        is_protected=stack.protect,
    )


def preview(
    desired: list[DesiredStack],
    before: dict[str, DesiredStack],
    known: list[DeployedStack],
    env: Env = ENV,
) -> Preview:
    """Return the changes; *before* has the deployed templates by the names of their stacks."""
    templates: dict[str, TemplateTree] = {
        name: desired_templates(stack) for name, stack in before.items()
    }
    environment = Environment(env, tuple(desired), Path(), Settings())
    return live_preview(environment, plan.plan(desired, known), known, templates)


def test_an_empty_account_shows_every_stack_and_the_source_of_unknown_values() -> None:
    """Stacks whose dependencies are not deployed are planned, too."""
    found = preview([network(), cluster()], {}, [])

    assert [(change.short_name, change.action, change.unknown) for change in found.stacks] == [
        ("network", "created", ()),
        ("cluster", "created", (UnknownValue("network", "Vpc"),)),
    ]


def test_the_value_of_a_deployed_stack_is_known() -> None:
    """An export is unknown until its stack has the output."""
    known = deployed(network(), Vpc="vpc-1")

    (change,) = preview([network(), cluster()], {}, [known]).stacks

    assert (change.short_name, change.unknown) == ("cluster", ())


def test_a_new_output_of_a_deployed_stack_is_unknown() -> None:
    """A stack that does not have the output yet is the source of an unknown value."""
    old = with_body(desired_stack("network"), resources(Vpc=(VPC, {"CidrBlock": "10.0.0.0/16"})))

    found = preview([network(), cluster()], {"crd-x-network": old}, [deployed(old)])

    assert found.stacks[1].unknown == (UnknownValue("network", "Vpc"),)


def test_an_update_is_compared_with_the_deployed_template() -> None:
    """Properties have both values, and unchanged stacks follow the changes of their dependencies."""
    new = network("10.1.0.0/16")
    known = [deployed(network(), Vpc="vpc-1"), deployed(cluster())]

    found = preview([new, cluster()], {"crd-x-network": network()}, known)

    (property_,) = by_name(found)["network/Vpc"].properties
    assert (property_.before, property_.after) == ("10.0.0.0/16", "10.1.0.0/16")
    assert actions(found) == {"network/Vpc": "replaced", "cluster/Group": "replaced"}


def test_an_update_only_in_steps_follows_its_dependencies() -> None:
    """A stack that is updated only to pin its imports keeps its template, and is explained."""
    new = network("10.1.0.0/16")
    known = [deployed(network(), Vpc="vpc-1"), deployed(cluster())]
    steps = [
        plan.Update(new, known[0], "template changed"),
        plan.Update(cluster(), known[1], "in 2 steps"),
    ]
    environment = Environment(ENV, (new, cluster()), Path(), Settings())
    templates = {"crd-x-network": desired_templates(network())}

    found = live_preview(environment, steps, known, templates, {"crd-x-cluster": "in 2 steps"})

    assert actions(found) == {"network/Vpc": "replaced", "cluster/Group": "replaced"}
    assert [change.phases for change in found.stacks] == ["", "in 2 steps"]


def test_a_changed_parameter_replaces_what_refers_to_it() -> None:
    """A value of another region that differs from the deployed one has effects."""
    source = OutputOf("crd-x-network", "us-east-1", "Name")
    body = {"Parameters": {"Name": {}}, **resources(Table=(TABLE, {"TableName": {"Ref": "Name"}}))}
    stack = with_body(desired_stack("messages", parameters={"Name": source}), body)
    producer = desired_stack("network", region="us-east-1")
    known = [
        deployed(producer, Name="new"),
        replace(deployed(stack), parameters={"Name": "old"}),
    ]

    found = preview([producer, stack], {"crd-x-messages": stack}, known)

    (change,) = found.stacks
    assert actions(found) == {"messages/Table": "replaced"}
    assert [(item.name, item.before, item.after) for item in change.attributes] == [
        ("parameter Name", "old", "new")
    ]
    assert change.resources[0].causes == ("crd-x-network.Name",)


def test_tags_and_protection_are_compared() -> None:
    """A change outside of the template is a change of the stack itself."""
    stack = desired_stack("network", protect=True)
    known = replace(deployed(stack), is_protected=False, tags={"env": "y"})

    (change,) = preview([stack], {stack.name: stack}, [known]).stacks

    tags = ",".join(f"{key}={value}" for key, value in sorted(OWNER.tags(stack.name).items()))
    assert [(item.name, item.before, item.after) for item in change.attributes] == [
        ("tags", "env=y", tags),
        ("termination protection", "off", "on"),
    ]


def test_a_busy_stack_is_left_out() -> None:
    """The template of a stack on which an operation runs is not compared."""
    busy = replace(deployed(network()), status="UPDATE_IN_PROGRESS")

    found = preview([network("10.1.0.0/16")], {}, [busy])

    assert (found.stacks, found.unchanged) == ((), ())


def test_only_acceptances_for_updated_stacks_count() -> None:
    """An acceptance for a stack that stays as it is does not have to match a loss."""
    accepted = AcceptedDataLoss("network/Table", "replaced", "it has no items", "2026-12-01")
    env = msgspec.structs.replace(ENV, accepted_data_losses=(accepted,))

    found = preview([network()], {}, [deployed(network())], env)

    assert (found.unmatched, found.unchanged) == ((), ("network",))
