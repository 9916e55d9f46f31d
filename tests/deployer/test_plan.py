"""The steps of a plan: statuses, differences, orphans and uploads."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from deployer import plan
from deployer.artifacts import Artifact, Target
from deployer.aws.cloud import STACK, DeployedStack
from deployer.errors import GuardError
from deployer.model import OutputOf
from deployer.model.desired import DIGEST, DesiredStack, NestedTemplate
from deployer.model.template_tree import TemplateTree
from deployer.plan import Blocked, Create, Keep, Recreate, Resume, Update
from tests.fakes import REGION, desired_stack, with_template

NETWORK = desired_stack("network")
CLUSTER = desired_stack("cluster", needs=["network"])
SERVICE = desired_stack("service", needs=["cluster", "network"])
REGISTRY = desired_stack("registry")
ALL = (NETWORK, REGISTRY, CLUSTER, SERVICE)
DEPLOYED = DeployedStack(
    name="crd-x-network",
    id="arn:stack/crd-x-network",
    region=REGION,
    status="CREATE_COMPLETE",
    tags=NETWORK.tags,
    outputs={DIGEST: NETWORK.digest},
)


@pytest.mark.parametrize(
    ("status", "step"),
    [
        ("CREATE_COMPLETE", Keep),
        ("CREATE_FAILED", Blocked),
        ("CREATE_IN_PROGRESS", Resume),
        ("DELETE_FAILED", Blocked),
        ("DELETE_IN_PROGRESS", Resume),
        ("IMPORT_COMPLETE", Keep),
        ("IMPORT_IN_PROGRESS", Resume),
        ("IMPORT_ROLLBACK_COMPLETE", Keep),
        ("IMPORT_ROLLBACK_FAILED", Blocked),
        ("IMPORT_ROLLBACK_IN_PROGRESS", Resume),
        ("REVIEW_IN_PROGRESS", Create),
        ("ROLLBACK_COMPLETE", Recreate),
        ("ROLLBACK_FAILED", Blocked),
        ("ROLLBACK_IN_PROGRESS", Resume),
        ("UPDATE_COMPLETE", Keep),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Resume),
        ("UPDATE_FAILED", Blocked),
        ("UPDATE_IN_PROGRESS", Resume),
        ("UPDATE_ROLLBACK_COMPLETE", Keep),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", Resume),
        ("UPDATE_ROLLBACK_FAILED", Blocked),
        ("UPDATE_ROLLBACK_IN_PROGRESS", Resume),
    ],
)
def test_every_status_has_its_step(status: str, step: type) -> None:
    """The table has every StackStatus (API_Stack), for a stack without differences."""
    [decided] = plan.plan([NETWORK], [replace(DEPLOYED, status=status)])

    assert type(decided) is step


def test_the_table_of_statuses_is_complete() -> None:
    """Botocore has every StackStatus; a stack in DELETE_COMPLETE is not found by name."""
    import botocore.session

    model = botocore.session.get_session().get_service_model("cloudformation")
    [mark] = test_every_status_has_its_step.pytestmark

    assert {row[0] for row in mark.args[1]} | {"DELETE_COMPLETE"} == set(
        model.shape_for("StackStatus").enum
    )


def test_a_missing_stack_is_created() -> None:
    """A stack of the same name in another region does not count."""
    [step] = plan.plan([NETWORK], [replace(DEPLOYED, region="us-east-1")])

    assert step == Create(NETWORK, "not in the account yet")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (replace(DEPLOYED, outputs={DIGEST: "older"}), "template changed"),
        (replace(DEPLOYED, outputs={}), "template changed"),
        (replace(DEPLOYED, tags={}), "tags changed"),
        (replace(DEPLOYED, tags={**NETWORK.tags, "more": "1"}), "tags changed"),
        (replace(DEPLOYED, is_protected=True), "protection changed"),
        (replace(DEPLOYED, outputs={}, tags={}), "template changed, tags changed"),
    ],
)
def test_a_difference_is_an_update_with_its_reason(found: DeployedStack, reason: str) -> None:
    """Digest, tags and protection are compared."""
    [step] = plan.plan([NETWORK], [found])

    assert step == Update(NETWORK, found, reason, only_protection=reason == "protection changed")


def test_a_parameter_is_compared_with_its_producer() -> None:
    """A replaced certificate in another region is an update, although no template changed."""
    source = OutputOf("crd-x-edge", "us-east-1", "Certificate")
    cdn = replace(NETWORK, parameters={"EdgeCertificate": source})
    edge = DeployedStack(
        "crd-x-edge", "arn", "us-east-1", "CREATE_COMPLETE", outputs={"Certificate": "2"}
    )

    [step] = plan.plan([cdn], [edge, replace(DEPLOYED, parameters={"EdgeCertificate": "1"})])
    [kept] = plan.plan([cdn], [edge, replace(DEPLOYED, parameters={"EdgeCertificate": "2"})])

    assert isinstance(step, Update)
    assert step.reason == "parameter EdgeCertificate changed"
    assert isinstance(kept, Keep)


def test_templates_are_compared_on_request() -> None:
    """A manual update can change the template and keep the digest."""
    [step] = plan.plan(
        [NETWORK], [DEPLOYED], templates={NETWORK.name: TemplateTree("something else")}
    )
    [kept] = plan.plan([NETWORK], [DEPLOYED], templates={NETWORK.name: TemplateTree(NETWORK.text)})

    assert isinstance(step, Update)
    assert step.reason == "template text changed, its digest did not"
    assert isinstance(kept, Keep)


def test_a_blocked_stack_has_a_command() -> None:
    """The hint has the command to run, with the id of the stack."""
    [step] = plan.plan([NETWORK], [replace(DEPLOYED, status="UPDATE_ROLLBACK_FAILED")])

    assert isinstance(step, Blocked)
    assert step.hint.endswith(
        "aws cloudformation continue-update-rollback --stack-name arn:stack/crd-x-network"
    )


def test_orphans_of_one_name_have_different_commands() -> None:
    """The commands for orphans of one name in two regions each delete one of them."""
    stacks = [
        replace(DEPLOYED, name="crd-x-old", region=region) for region in ("us-east-1", REGION)
    ]

    assert [
        f"to remove it: ./inv destroy --stack={region}/crd-x-old --env=x"
        for region in (REGION, "us-east-1")
    ] == [orphan.hint for orphan in plan.orphans(ALL, [DEPLOYED, *stacks], "x")]


def test_orphans_have_the_command_that_deletes_them() -> None:
    """An orphan is a stack of the environment that is no longer in layers()."""
    old = replace(DEPLOYED, name="crd-x-old")

    [orphan] = plan.orphans(ALL, [DEPLOYED, old], "x")

    assert old == orphan.deployed
    assert orphan.hint == "to remove it: ./inv destroy --stack=crd-x-old --env=x"


def test_an_orphan_in_another_region_is_named_with_it() -> None:
    """The command for an orphan in another region contains the region."""
    moved = replace(DEPLOYED, region="us-east-1")

    [orphan] = plan.orphans(ALL, [DEPLOYED, moved], "x")

    assert orphan.hint == "to remove it: ./inv destroy --stack=us-east-1/crd-x-network --env=x"


def test_long_templates_are_uploads() -> None:
    """A long template is uploaded only if its stack is changed."""
    long = replace(NETWORK, text="#" * 51_201)

    assert len(plan.uploads(plan.plan([long], []))) == 1
    assert plan.uploads(plan.plan([replace(NETWORK, text="#" * 51_200)], [])) == ()
    assert plan.uploads(plan.plan([long], [DEPLOYED])) == ()


def test_an_available_parameter_is_an_update() -> None:
    """The template is unchanged, so the digest does not show the difference."""
    waiting = replace(NETWORK, awaited_parameters={"Image": "/x/image"})
    without = replace(DEPLOYED, outputs={**DEPLOYED.outputs, "Image": "none"})
    steps = plan.plan([waiting], [without])
    [step] = plan.with_available_parameters(steps, {"/x/image", "/x/other"})

    assert ((waiting, "/x/image"),) == plan.pending_parameters([waiting], plan.index([without]))
    assert (
        ()
        == plan.pending_parameters([waiting], plan.index([DEPLOYED]))
        == plan.pending_parameters([waiting], {})
    )
    assert Update(waiting, without, "/x/image is available", only_protection=False) == step
    assert steps == plan.with_available_parameters(steps, {"/x/other"})


def test_new_code_is_an_upload() -> None:
    """Code is uploaded unless its key is in the deployed template."""
    old, new = (Artifact("thumbnail", Target("3.13", "arm64"), digest) for digest in ("a", "b"))
    stack = replace(NETWORK, artifacts=(old, new), digest="other")
    steps = plan.plan([stack], [DEPLOYED])

    assert [
        upload.artifact for upload in plan.uploads(steps, {stack.name: TemplateTree(old.key)})
    ] == [new]
    assert [upload.artifact for upload in plan.uploads(plan.plan([stack], []))] == [old, new]
    assert plan.uploads(steps)[0].reason == "the code of thumbnail"


def test_code_is_needed_for_every_change_set() -> None:
    """Code of the deployed template is verified by its content, too."""
    code = Artifact("thumbnail", Target("3.13", "arm64"), "digest")
    stack = replace(NETWORK, artifacts=(code,))
    kept, changed = Keep(stack, DEPLOYED, ""), Update(stack, DEPLOYED, "tags changed")
    protection = Update(stack, DEPLOYED, "protection changed", only_protection=True)

    assert plan.artifacts([kept, protection, Blocked(stack, DEPLOYED, "", "")]) == ()
    assert (code,) == plan.artifacts(
        [kept, changed, Create(stack, ""), Recreate(stack, DEPLOYED, "")]
    )


def test_a_new_nested_template_is_an_upload() -> None:
    """The key of a nested template changes with its text, and so does the template of its parent."""
    key = "templates/Inner/a"
    part = NestedTemplate(
        "crd-x-network-Inner", "network.Inner.yaml", REGION, "text", key, ("Inner",)
    )
    stack = replace(NETWORK, nested=(part,), digest="other")
    steps = plan.plan([stack], [DEPLOYED])

    assert [upload.reason for upload in plan.uploads(steps)] == [
        "the template of crd-x-network-Inner"
    ]
    assert plan.uploads(steps, {stack.name: TemplateTree(f"…/{key}")}) == ()


def nested(topic: str, *, url: str = "u", deep: str = "") -> tuple[DesiredStack, TemplateTree]:
    """Return a stack with a nested stack, and its templates as deployed."""
    part = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"Name": topic}}}}
    nested_stack = {"Type": STACK, "Properties": {"TemplateURL": url}}
    outer = json.dumps({"Resources": {"Inner": nested_stack}, "Outputs": {DIGEST: {"Value": url}}})
    text = json.dumps(part) + deep
    parts = (
        NestedTemplate(
            "crd-x-network-Inner", "network.Inner.yaml", REGION, text, url, ("Inner",), body=part
        ),
    )
    stack = replace(with_template(NETWORK, outer), digest=url, nested=parts)
    return stack, TemplateTree(outer, {"Inner": TemplateTree(text)})


def test_a_changed_nested_template_is_the_reason() -> None:
    """The parent differs only in its URL, which is not a reason."""
    _, deployed = nested("a")
    stack, _ = nested("b", url="v")

    [step] = plan.with_data_losses(plan.plan([stack], [DEPLOYED]), {stack.name: deployed})

    assert step.reason == "template of Inner changed (Topic)"


def test_a_long_list_of_changes_is_shortened() -> None:
    """A long list of changes is shortened, so that each stack has one line."""

    def of(version: int) -> TemplateTree:
        topics = {f"T{n}": {"Type": "AWS::SNS::Topic", "Version": version} for n in range(9)}
        return TemplateTree(json.dumps({"Resources": topics}))

    stack, old = nested("a")
    part = replace(stack.nested[0], text=of(2).text, body=of(2).body)
    steps = plan.plan([replace(stack, nested=(part,), digest="b")], [DEPLOYED])

    [step] = plan.with_data_losses(steps, {stack.name: replace(old, nested={"Inner": of(1)})})

    assert step.reason == "template of Inner changed (T0, T1, T2, T3, T4, and 4 more)"


def test_a_data_loss_in_a_nested_stack() -> None:
    """The step has the data loss with its path."""
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {"KeySchema": ["a"]}}
    stack, old = nested("a")
    inner = TemplateTree(json.dumps({"Resources": {"Table": table}}))
    steps = plan.plan([replace(stack, digest="b")], [DEPLOYED])

    [step] = plan.with_data_losses(steps, {stack.name: replace(old, nested={"Inner": inner})})

    assert isinstance(step, Update)
    assert [(loss.path, loss.logical_id) for loss in step.data_losses] == [(("Inner",), "Table")]


def test_nested_templates_are_compared_on_request() -> None:
    """An operator may have changed or deleted a nested stack manually."""
    stack, same = nested("a")
    _, other = nested("b")
    deployed = replace(DEPLOYED, outputs={DIGEST: stack.digest})

    def reason(tree: TemplateTree) -> str:
        [step] = plan.plan([stack], [deployed], templates={stack.name: tree})
        return step.reason

    assert reason(other) == "template text of Inner changed, its digest did not"
    assert reason(replace(same, nested={})) == "nested stack Inner is missing"
    assert reason(same) == "unchanged"


def test_the_key_of_a_deeper_template_is_in_its_parent() -> None:
    """The key of a nested template is looked up in its direct parent, not in the root template."""
    stack, deployed = nested("a", deep="# templates/Deep/d")
    deep = NestedTemplate(
        "crd-x-network-Inner-Deep", "f", REGION, "t", "templates/Deep/d", ("Inner", "Deep")
    )
    changed = replace(stack, nested=(*stack.nested, deep), digest="b")
    steps = plan.plan([changed], [DEPLOYED])

    found = plan.uploads(steps, {stack.name: replace(deployed, text=f"{deployed.text} u")})

    assert found == ()


def test_a_data_loss_by_a_changed_parameter() -> None:
    """The template is unchanged, but the table is replaced."""
    named = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": {"Ref": "NetworkId"}}}
    source = OutputOf("crd-x-network", REGION, "Id")
    text = json.dumps({"Resources": {"Table": named}, "Outputs": {DIGEST: "a"}})
    stack = replace(with_template(CLUSTER, text), digest="a", parameters={"NetworkId": source})
    producer = replace(DEPLOYED, outputs={**DEPLOYED.outputs, "Id": "new"})
    consumer = DeployedStack(
        stack.name,
        "arn",
        REGION,
        "UPDATE_COMPLETE",
        tags=stack.tags,
        outputs={DIGEST: "a"},
        parameters={"NetworkId": "old"},
    )
    steps = plan.plan([stack], [producer, consumer])

    [step] = plan.with_data_losses(steps, {stack.name: TemplateTree(text)}, [producer, consumer])

    assert isinstance(step, Update)
    assert [(loss.logical_id, loss.change, loss.consequence) for loss in step.data_losses] == [
        ("Table", "is replaced, because TableName refers to NetworkId", "its data is deleted")
    ]


def test_an_impossible_update_is_refused() -> None:
    """One error has all facts, each with stack and resource."""

    def template(*titles: str) -> str:
        queue = {"Type": "AWS::SQS::Queue"}
        return json.dumps(
            {
                "Resources": {
                    title: {**queue, "Properties": {"QueueName": title[:1]}} for title in titles
                }
            }
        )

    stack = with_template(NETWORK, template("a2", "b2"))
    steps = [Update(stack, DEPLOYED, "template changed")]

    with pytest.raises(GuardError) as refused:
        plan.refuse_impossible(steps, {stack.name: TemplateTree(template("a1", "b1"))})

    assert refused.value.message == (
        "crd-x-network: a2 (AWS::SQS::Queue): a1 has its name, a, until the update ends\n"
        "crd-x-network: b2 (AWS::SQS::Queue): b1 has its name, b, until the update ends"
    )
    assert refused.value.hint


def test_a_possible_update_is_not_refused() -> None:
    """An unchanged template is possible."""
    same = TemplateTree(NETWORK.text)

    plan.refuse_impossible([Update(NETWORK, DEPLOYED, "tags changed")], {NETWORK.name: same})
