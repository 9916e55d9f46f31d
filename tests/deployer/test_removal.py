"""The deletions of a destroy, decided from values alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer import removal
from deployer.aws.cloud import STACK, DeployedStack
from deployer.errors import ConfigError, GuardError
from deployer.model.template_tree import TemplateTree
from deployer.removal import Deletion, Deployed
from tests.fakes import OWNER, REGION, desired_stack

NETWORK = desired_stack("network")
CLUSTER = desired_stack("cluster", needs=["network"])
SERVICE = desired_stack("service", needs=["cluster"])
REGISTRY = desired_stack("registry")
LAYERS = (NETWORK, REGISTRY, CLUSTER, SERVICE)


def found(layer: str, region: str = REGION, **more: object) -> DeployedStack:
    """A stack of the environment."""
    name = f"crd-x-{layer}"
    stack_id = f"arn:{region}:{name}"
    return DeployedStack(name, stack_id, region, "CREATE_COMPLETE", tags=OWNER.tags(name), **more)


def template(
    *imports: str, exports: str = "", resources: Mapping[str, object] | None = None
) -> str:
    """A template that imports from layers, and exports under the name of its own."""
    outputs = {"Out": {"Value": "x", "Export": {"Name": f"crd-x-{exports}-Out"}}} if exports else {}
    used = {
        f"Use{number}": {
            "Type": "AWS::Fake::Thing",
            "Properties": {"Value": {"Fn::ImportValue": f"crd-x-{layer}-Out"}},
        }
        for number, layer in enumerate(imports)
    }
    return json.dumps({"Resources": {**used, **(resources or {})}, "Outputs": outputs})


def deployed(
    stacks: Sequence[DeployedStack], texts: Mapping[str, str] | None = None, layers=LAYERS
) -> Deployed:
    """These stacks are there; *texts* has templates by layer."""
    by_id = {
        f"arn:{REGION}:crd-x-{layer}": TemplateTree(text) for layer, text in (texts or {}).items()
    }
    return Deployed(OWNER, layers, stacks, by_id)


def doomed(deletions: Sequence[Deletion]) -> list[str]:
    return [each.stack.name for each in deletions]


ALL = [found("network"), found("registry"), found("cluster"), found("service")]


def test_without_names_all_are_deleted_from_the_top_down() -> None:
    """Orphans among them, which come first."""
    stacks = [*ALL, found("old")]

    deletions = removal.deletions(deployed(stacks), ())

    assert [f"crd-x-{name}" for name in ("old", "service", "cluster", "registry", "network")] == (
        doomed(deletions)
    )
    assert [True, False, False, False, False] == [each.is_orphan for each in deletions]


def test_a_named_layer_takes_what_depends_on_it() -> None:
    """By the code, all the way up; nothing else."""
    deletions = removal.deletions(deployed(ALL), ["cluster"])

    assert ["crd-x-service", "crd-x-cluster"] == doomed(deletions)


def test_a_named_layer_takes_the_orphans_that_import_from_it() -> None:
    """They are no longer in the code; their imports are in their templates."""
    texts = {
        "network": template(exports="network"),
        "old": template("network", exports="old"),
        "older": template("old"),
        "other": template(),
    }
    stacks = [found("network"), found("old"), found("older"), found("other")]

    deletions = removal.deletions(deployed(stacks, texts), ["network"])

    assert {"crd-x-network", "crd-x-old", "crd-x-older"} == {*doomed(deletions)}
    after = {each.stack.name: each.after for each in deletions}
    assert ("crd-x-older",) == after["crd-x-old"]
    assert "crd-x-old" in after["crd-x-network"]


@pytest.mark.parametrize("name", ["old", "crd-x-old", f"{REGION}/crd-x-old"])
def test_an_orphan_is_deleted_alone(name: str) -> None:
    """Under its name, short or whole, with or without its region."""
    deletions = removal.deletions(deployed([*ALL, found("old"), found("older")]), [name])

    assert ["crd-x-old"] == doomed(deletions)


def test_a_whole_name_is_no_short_one() -> None:
    """Of two orphans, the name of the one may be the other's without its beginning."""
    one, other = found("old"), found("crd-x-old")

    deletions = removal.deletions(deployed([one, other]), ["crd-x-old"])

    assert [one] == [each.stack for each in deletions]


def test_the_rest_of_a_layer_that_moved_is_deleted_by_its_region() -> None:
    """The name alone means the layer."""
    rest = found("network", "us-east-1")
    stacks = [*ALL, rest]

    by_region = removal.deletions(deployed(stacks), ["us-east-1/crd-x-network"])
    by_name = removal.deletions(deployed(stacks), ["crd-x-network"])

    assert [rest] == [each.stack for each in by_region]
    assert rest not in [each.stack for each in by_name]


def test_an_orphan_that_a_layer_still_uses_is_refused() -> None:
    """The layer was not deployed since: it is not deleted without being named."""
    texts = {"old": template(exports="old"), "network": template("old")}

    with pytest.raises(GuardError) as refused:
        removal.deletions(deployed([*ALL, found("old")], texts), ["old"])

    assert "crd-x-old: crd-x-network imports from it" == refused.value.message
    assert refused.value.hint.endswith("./inv deploy --env=x --stack=crd-x-network --only")


def test_imports_decide_the_order() -> None:
    """Where deployed templates and the code contradict each other, the templates decide."""
    texts = {
        "network": template("cluster", exports="network"),
        "cluster": template(exports="cluster"),
    }

    deletions = removal.deletions(deployed([found("network"), found("cluster")], texts), ())

    after = {each.stack.name: each.after for each in deletions}
    assert {"crd-x-network": (), "crd-x-cluster": ("crd-x-network",)} == after


def test_values_passed_between_regions_decide_after_that() -> None:
    """A certificate in us-east-1 cannot be deleted before the distribution that uses it."""
    edge = found("edge", "us-east-1", outputs={"Digest": "1", "Certificate": "arn:certificate"})
    cdn = found("cdn", parameters={"EdgeCertificate": "arn:certificate"})

    deletions = removal.deletions(deployed([edge, cdn], layers=()), ())

    assert {"crd-x-edge": ("crd-x-cdn",), "crd-x-cdn": ()} == {
        each.stack.name: each.after for each in deletions
    }


def test_every_unknown_name_is_refused_with_what_there_is() -> None:
    """The layers, the orphans, and the nearest one; nothing is deleted meanwhile."""
    with pytest.raises(ConfigError) as refused:
        removal.deletions(
            deployed([found("network"), found("old")]),
            ["odl", "", "ddb", "network"],
            {"ddb": "messages"},
        )

    assert refused.value.message.splitlines() == [
        "--stack=odl: there is no such stack; did you mean 'old'?",
        "--stack= is empty: it names no stack",
        "--stack=ddb: the name here is 'messages'",
    ]
    assert refused.value.hint == (
        "the stacks are: network, registry, cluster, service; no longer in the code: crd-x-old"
    )


def test_a_known_layer_that_is_not_deployed_is_nothing_to_delete() -> None:
    """No error: a destroy can be repeated."""
    assert () == removal.deletions(deployed([found("registry")]), ["network"])


def test_what_becomes_of_data_is_named() -> None:
    """Kept and deleted resources that hold data are named; others are not."""
    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC"},
        "Table": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Delete"},
        "Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
    }
    stacks = deployed([found("old")], {"old": template(resources=resources)})

    [deletion] = removal.deletions(stacks, ())

    assert {
        "Table": "its data is deleted",
        "Bucket": "it is kept, outside of CloudFormation",
    } == {loss.logical_id: loss.consequence for loss in deletion.data_losses}
    assert "holds data" == deletion.guard


def test_data_of_nested_stacks_is_named_with_its_path() -> None:
    """And what they import counts as the import of their root."""
    bucket = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}
    nested = {"Type": STACK, "Properties": {"TemplateURL": "u"}, "DeletionPolicy": "Delete"}
    inner = TemplateTree(template("network", resources={"Bucket": bucket}))
    outer = TemplateTree(template(resources={"Inside": nested}), {"Inside": inner})
    stacks = [found("network"), found("old")]
    network = TemplateTree(template(exports="network"))
    there = Deployed(OWNER, LAYERS, stacks, {stacks[0].id: network, stacks[1].id: outer})

    old, below = removal.deletions(there, ["network"])

    assert [(("Inside",), "Bucket")] == [(loss.path, loss.logical_id) for loss in old.data_losses]
    assert ("holds data", ("crd-x-old",)) == (old.guard, below.after)


@pytest.mark.parametrize(
    ("stack", "layer", "guard"),
    [
        (found("network"), NETWORK, ""),
        (found("network"), replace(NETWORK, holds_data=True), "holds data"),
        (found("network", is_protected=True), NETWORK, "is protected"),
        (found("old", is_protected=True), NETWORK, "is protected"),
    ],
    ids=["free", "by code", "protected", "protected orphan"],
)
def test_what_must_be_confirmed(stack: DeployedStack, layer, guard: str) -> None:
    """Termination protection, or data that the template keeps; also for orphans."""
    [deletion] = removal.deletions(deployed([stack], layers=(layer,)), ())

    assert guard == deletion.guard


def test_all_that_must_be_confirmed_is_refused_at_once() -> None:
    """With the flags that would confirm it."""
    deletions = [
        Deletion(found("network"), guard="is protected"),
        Deletion(found("old"), guard="holds data"),
        Deletion(found("users"), guard="holds data"),
        Deletion(found("cluster")),
    ]

    with pytest.raises(GuardError) as refused:
        removal.refuse_unconfirmed(deletions, ["crd-x-users"])

    assert refused.value.message.splitlines() == [
        "nothing was deleted:",
        "crd-x-network is protected",
        "crd-x-old holds data",
    ]
    assert refused.value.hint == "to delete: --confirm=crd-x-network --confirm=crd-x-old"


NAMES = st.sampled_from(["network", "registry", "cluster", "service", "old", "older"])


@given(
    st.dictionaries(st.tuples(NAMES, st.sampled_from([REGION, "us-east-1"])), st.lists(NAMES)),
    st.lists(NAMES, max_size=2),
)
def test_any_imports_give_an_order(
    there: dict[tuple[str, str], list[str]], asked: list[str]
) -> None:
    """No wish for an order ever closes a circle, whatever imports what."""
    stacks = [found(layer, region) for layer, region in there]
    texts = {
        f"arn:{region}:crd-x-{layer}": TemplateTree(template(*used, exports=layer))
        for (layer, region), used in there.items()
    }
    try:
        deletions = removal.deletions(Deployed(OWNER, LAYERS, stacks, texts), asked)
    except (ConfigError, GuardError):
        return

    waiting = {each.stack.name: {*each.after} for each in deletions}
    assert all(after <= waiting.keys() for after in waiting.values())
    while waiting:
        free = {name for name, after in waiting.items() if not after & waiting.keys()}
        assert free
        waiting = {name: after for name, after in waiting.items() if name not in free}


def test_two_stacks_of_one_name_are_confirmed_one_by_one() -> None:
    """The rest of a layer in another region is not what its operator thinks of."""
    stacks = [found("network", is_protected=True), found("network", "us-east-1", is_protected=True)]
    deletions = removal.deletions(deployed(stacks), ())

    with pytest.raises(GuardError) as refused:
        removal.refuse_unconfirmed(deletions, ["crd-x-network", f"{REGION}/crd-x-network"])

    assert "nothing was deleted:\nus-east-1/crd-x-network is protected" == refused.value.message
    assert "to delete: --confirm=us-east-1/crd-x-network" == refused.value.hint


def test_the_name_confirms_a_stack_that_is_deleted_alone() -> None:
    """Its namesake stays."""
    stacks = [found("network", is_protected=True), found("network", "us-east-1", is_protected=True)]

    deletions = removal.deletions(deployed(stacks), ["network"])

    assert () == removal.unconfirmed(deletions, ["crd-x-network"])
