"""The deletions of a destroy: selection, order and confirmations."""

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
from deployer.removal import Deletion, EnvironmentState
from tests.fakes import OWNER, REGION, desired_stack

NETWORK = desired_stack("network")
CLUSTER = desired_stack("cluster", needs=["network"])
SERVICE = desired_stack("service", needs=["cluster"])
REGISTRY = desired_stack("registry")
DESIRED = (NETWORK, REGISTRY, CLUSTER, SERVICE)


def deployed_stack(name: str, region: str = REGION, **more: object) -> DeployedStack:
    """Return a deployed stack of the environment."""
    full_name = f"crd-x-{name}"
    stack_id = f"arn:{region}:{full_name}"
    tags = OWNER.tags(full_name)
    return DeployedStack(full_name, stack_id, region, "CREATE_COMPLETE", tags=tags, **more)


def template(
    *imports: str, exports: str = "", resources: Mapping[str, object] | None = None
) -> str:
    """Return a template that imports from other stacks, and exports under its own name."""
    outputs = {"Out": {"Value": "x", "Export": {"Name": f"crd-x-{exports}-Out"}}} if exports else {}
    used = {
        f"Use{number}": {
            "Type": "AWS::Fake::Thing",
            "Properties": {"Value": {"Fn::ImportValue": f"crd-x-{name}-Out"}},
        }
        for number, name in enumerate(imports)
    }
    return json.dumps({"Resources": {**used, **(resources or {})}, "Outputs": outputs})


def deployed(
    stacks: Sequence[DeployedStack], texts: Mapping[str, str] | None = None, desired=DESIRED
) -> EnvironmentState:
    """Return the state of an account; *texts* maps short names to templates."""
    by_id = {
        f"arn:{REGION}:crd-x-{name}": TemplateTree(text) for name, text in (texts or {}).items()
    }
    return EnvironmentState(OWNER, desired, stacks, by_id)


def names(deletions: Sequence[Deletion]) -> list[str]:
    return [deletion.stack.name for deletion in deletions]


ALL = [
    deployed_stack("network"),
    deployed_stack("registry"),
    deployed_stack("cluster"),
    deployed_stack("service"),
]


def test_without_names_all_stacks_are_deleted() -> None:
    """Orphans are deleted first, then dependents before their dependencies."""
    stacks = [*ALL, deployed_stack("old")]

    deletions = removal.deletions(deployed(stacks), ())

    assert [f"crd-x-{name}" for name in ("old", "service", "cluster", "registry", "network")] == (
        names(deletions)
    )
    assert [deletion.is_orphan for deletion in deletions] == [True, False, False, False, False]


def test_dependents_of_a_named_stack_are_deleted() -> None:
    """The dependents of a named stack according to the code are deleted, and no other stack."""
    deletions = removal.deletions(deployed(ALL), ["cluster"])

    assert names(deletions) == ["crd-x-service", "crd-x-cluster"]


def test_orphans_that_import_from_a_named_stack_are_deleted() -> None:
    """The imports of orphans are in their deployed templates."""
    texts = {
        "network": template(exports="network"),
        "old": template("network", exports="old"),
        "older": template("old"),
        "other": template(),
    }
    stacks = [
        deployed_stack("network"),
        deployed_stack("old"),
        deployed_stack("older"),
        deployed_stack("other"),
    ]

    deletions = removal.deletions(deployed(stacks, texts), ["network"])

    assert {*names(deletions)} == {"crd-x-network", "crd-x-old", "crd-x-older"}
    after = {deletion.stack.name: deletion.after for deletion in deletions}
    assert after["crd-x-old"] == ("crd-x-older",)
    assert "crd-x-old" in after["crd-x-network"]


@pytest.mark.parametrize("name", ["old", "crd-x-old", f"{REGION}/crd-x-old"])
def test_an_orphan_is_deleted_alone(name: str) -> None:
    """An orphan is named by its short or full name, or with its region."""
    deletions = removal.deletions(
        deployed([*ALL, deployed_stack("old"), deployed_stack("older")]), [name]
    )

    assert names(deletions) == ["crd-x-old"]


def test_a_full_name_has_precedence() -> None:
    """The full name of an orphan may be the short name of another."""
    short, full = deployed_stack("old"), deployed_stack("crd-x-old")

    deletions = removal.deletions(deployed([short, full]), ["crd-x-old"])

    assert [short] == [deletion.stack for deletion in deletions]


def test_a_stack_left_in_another_region_is_deleted_by_its_region() -> None:
    """A stack that is left in another region is deleted by REGION/NAME."""
    orphan = deployed_stack("network", "us-east-1")
    stacks = [*ALL, orphan]

    by_region = removal.deletions(deployed(stacks), ["us-east-1/crd-x-network"])
    by_name = removal.deletions(deployed(stacks), ["crd-x-network"])

    assert [orphan] == [deletion.stack for deletion in by_region]
    assert orphan not in [deletion.stack for deletion in by_name]


def test_an_orphan_with_importers_is_refused() -> None:
    """A stack of the code that still imports from it is not deleted implicitly."""
    texts = {"old": template(exports="old"), "network": template("old")}

    with pytest.raises(GuardError) as refused:
        removal.deletions(deployed([*ALL, deployed_stack("old")], texts), ["old"])

    assert refused.value.message == "crd-x-old: crd-x-network imports from it"
    assert refused.value.hint.endswith("./inv deploy --env=x --stack=crd-x-network --only")


def test_imports_decide_the_order() -> None:
    """The deployed templates have precedence over the code."""
    texts = {
        "network": template("cluster", exports="network"),
        "cluster": template(exports="cluster"),
    }

    deletions = removal.deletions(
        deployed([deployed_stack("network"), deployed_stack("cluster")], texts), ()
    )

    after = {deletion.stack.name: deletion.after for deletion in deletions}
    assert after == {"crd-x-network": (), "crd-x-cluster": ("crd-x-network",)}


def test_parameters_from_other_regions_decide_the_order() -> None:
    """A certificate in us-east-1 cannot be deleted before the distribution that uses it."""
    edge = deployed_stack(
        "edge", "us-east-1", outputs={"Digest": "1", "Certificate": "arn:certificate"}
    )
    cdn = deployed_stack("cdn", parameters={"EdgeCertificate": "arn:certificate"})

    deletions = removal.deletions(deployed([edge, cdn], desired=()), ())

    assert {deletion.stack.name: deletion.after for deletion in deletions} == {
        "crd-x-edge": ("crd-x-cdn",),
        "crd-x-cdn": (),
    }


def test_the_stack_of_a_service_role_is_deleted_last() -> None:
    """The stack of a service role is last: CloudFormation deletes other stacks with the role."""
    role = "arn:aws:iam::000000000000:role/release"
    foundation = deployed_stack("foundation", outputs={"ReleaseRole": role})
    stacks = [foundation, deployed_stack("registry", role=role), deployed_stack("network")]
    desired = (desired_stack("foundation"), REGISTRY, NETWORK)

    everything = removal.deletions(deployed(stacks, desired=desired), ())
    alone = removal.deletions(deployed(stacks, desired=desired), ["foundation"])

    by_name = {deletion.stack.name: deletion.after for deletion in everything}
    assert by_name["crd-x-foundation"] == ("crd-x-registry",)
    assert names(alone) == ["crd-x-registry", "crd-x-foundation"]


def test_every_unknown_name_is_reported() -> None:
    """The error has the known stacks, the orphans and the most similar name."""
    with pytest.raises(ConfigError) as refused:
        removal.deletions(
            deployed([deployed_stack("network"), deployed_stack("old")]),
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


def test_a_stack_that_is_not_deployed_needs_no_deletion() -> None:
    """A name without a stack is not an error, so `destroy` can be repeated."""
    assert removal.deletions(deployed([deployed_stack("registry")]), ["network"]) == ()


def test_effects_on_data_are_listed() -> None:
    """Only resources that hold data are listed, kept and deleted ones."""
    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC"},
        "Table": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Delete"},
        "Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
    }
    stacks = deployed([deployed_stack("old")], {"old": template(resources=resources)})

    [deletion] = removal.deletions(stacks, ())

    assert {loss.logical_id: loss.consequence for loss in deletion.data_losses} == {
        "Table": "its data is deleted",
        "Bucket": "it is kept, outside of CloudFormation",
    }
    assert deletion.confirmation_reason == "holds data"


def test_data_of_nested_stacks_has_its_path() -> None:
    """A data loss in a nested stack has a path. Imports of nested stacks count for their root stack."""
    bucket = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}
    nested = {"Type": STACK, "Properties": {"TemplateURL": "u"}, "DeletionPolicy": "Delete"}
    inner = TemplateTree(template("network", resources={"Bucket": bucket}))
    outer = TemplateTree(template(resources={"Inside": nested}), {"Inside": inner})
    stacks = [deployed_stack("network"), deployed_stack("old")]
    network = TemplateTree(template(exports="network"))
    state = EnvironmentState(OWNER, DESIRED, stacks, {stacks[0].id: network, stacks[1].id: outer})

    old, network_stack = removal.deletions(state, ["network"])

    assert [(loss.path, loss.logical_id) for loss in old.data_losses] == [(("Inside",), "Bucket")]
    assert (old.confirmation_reason, network_stack.after) == ("holds data", ("crd-x-old",))


@pytest.mark.parametrize(
    ("stack", "desired", "confirmation_reason"),
    [
        (deployed_stack("network"), NETWORK, ""),
        (deployed_stack("network"), replace(NETWORK, holds_data=True), "holds data"),
        (deployed_stack("network", is_protected=True), NETWORK, "is protected"),
        (deployed_stack("old", is_protected=True), NETWORK, "is protected"),
    ],
    ids=["free", "by code", "protected", "protected orphan"],
)
def test_stacks_that_need_a_confirmation(
    stack: DeployedStack, desired, confirmation_reason: str
) -> None:
    """Protected stacks and stacks with data need a confirmation, orphans too."""
    [deletion] = removal.deletions(deployed([stack], desired=(desired,)), ())

    assert confirmation_reason == deletion.confirmation_reason


def test_all_missing_confirmations_are_reported() -> None:
    """The hint has the flags that confirm them."""
    deletions = [
        Deletion(deployed_stack("network"), confirmation_reason="is protected"),
        Deletion(deployed_stack("old"), confirmation_reason="holds data"),
        Deletion(deployed_stack("users"), confirmation_reason="holds data"),
        Deletion(deployed_stack("cluster")),
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
def test_any_imports_have_an_order(
    imports: dict[tuple[str, str], list[str]], selected: list[str]
) -> None:
    """Any imports between stacks result in an order of deletions."""
    stacks = [deployed_stack(name, region) for name, region in imports]
    texts = {
        f"arn:{region}:crd-x-{name}": TemplateTree(template(*used, exports=name))
        for (name, region), used in imports.items()
    }
    try:
        deletions = removal.deletions(EnvironmentState(OWNER, DESIRED, stacks, texts), selected)
    except (ConfigError, GuardError):
        return

    waiting = {deletion.stack.name: {*deletion.after} for deletion in deletions}
    assert all(after <= waiting.keys() for after in waiting.values())
    while waiting:
        free = {name for name, after in waiting.items() if not after & waiting.keys()}
        assert free
        waiting = {name: after for name, after in waiting.items() if name not in free}


def test_stacks_of_one_name_are_confirmed_by_region() -> None:
    """Stacks of one name in two regions are confirmed by REGION/NAME."""
    stacks = [
        deployed_stack("network", is_protected=True),
        deployed_stack("network", "us-east-1", is_protected=True),
    ]
    deletions = removal.deletions(deployed(stacks), ())

    with pytest.raises(GuardError) as refused:
        removal.refuse_unconfirmed(deletions, ["crd-x-network", f"{REGION}/crd-x-network"])

    assert refused.value.message == "nothing was deleted:\nus-east-1/crd-x-network is protected"
    assert refused.value.hint == "to delete: --confirm=us-east-1/crd-x-network"


def test_the_name_confirms_a_stack_deleted_alone() -> None:
    """The stack of the same name in another region is not deleted."""
    stacks = [
        deployed_stack("network", is_protected=True),
        deployed_stack("network", "us-east-1", is_protected=True),
    ]

    deletions = removal.deletions(deployed(stacks), ["network"])

    assert removal.unconfirmed(deletions, ["crd-x-network"]) == ()
