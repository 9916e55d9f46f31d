"""Offline plans as text."""

from __future__ import annotations

from dataclasses import replace

from deployer.data_loss import DataLoss
from deployer.preview.values import (
    CodeChange,
    FileChange,
    OutputChange,
    PackageChange,
    Preview,
    PropertyChange,
    ResourceChange,
    RuleChange,
    StackChange,
    StatementChange,
)
from deployer.report.offline_plan import offline_plan_text, refused_outputs, summary
from deployer.report.style import Style
from deployer.report.text import fold_names

CIDR = PropertyChange(
    ("Properties", "CidrBlock"),
    "10.0.0.0/16",
    "10.1.0.0/16",
    "required",
    settings=("network.cidr",),
)
VPC = ResourceChange("Vpc", "AWS::EC2::VPC", "replaced", (), (CIDR,), source="stacks/network.py:7")
BY_VPC = PropertyChange(("Properties", "VpcId"), 1, 1, "required", "Vpc", "network/Vpc")
OUTPUT = OutputChange("Vpc", "changed", 1, 1, "Vpc", "x-Vpc", ("cluster",), is_refused=True)
SETTING = "config/x.toml: network.cidr"
IN_USE = "cannot change Vpc: imported by cluster"
NETWORK = StackChange("crd-x-network", "network", "ca-central-1", "updated", (VPC,))


def lines(*stacks: StackChange) -> list[str]:
    """Return the lines of the plan of these stacks, after the title."""
    return offline_plan_text(Preview("x", stacks), "0123456789ab", Style(width=120)).splitlines()[
        1:
    ]


def changed(*properties: PropertyChange, **more: object) -> StackChange:
    """Return a stack with one changed resource."""
    change = ResourceChange("A", "AWS::X::Y", "changed", (), properties)
    return replace(NETWORK, resources=(replace(change, **more),))  # type: ignore[arg-type]


def test_a_change_has_values_effect_place_and_setting() -> None:
    """The line of a resource has its place, that of a property its effect and its setting."""
    assert lines(NETWORK) == [
        "network  1 replaced  crd-x-network",
        "  ± Vpc  AWS::EC2::VPC  replaced  (stacks/network.py:7)",
        f"      CidrBlock: {CIDR.before} → {CIDR.after}  # {SETTING}",
    ]


def test_one_of_several_properties_forces_the_replacement() -> None:
    """The effect of a property is named unless it is the only one of a replaced resource."""
    tags = PropertyChange(("Properties", "Tags"), "a", "b")

    assert lines(replace(NETWORK, resources=(replace(VPC, properties=(CIDR, tags)),)))[2:] == [
        f"      CidrBlock: {CIDR.before} → {CIDR.after}  # forces replacement, {SETTING}",
        "      Tags: a → b",
    ]


def test_derived_changes_share_a_paragraph() -> None:
    """Resources that only change because of others are listed with the first cause."""
    subnets = [
        ResourceChange(f"Subnet{number}", "AWS::EC2::Subnet", "replaced", (), (BY_VPC,))
        for number in (1, 2)
    ]

    assert lines(replace(NETWORK, resources=(VPC, *subnets)))[3:] == [
        "  ± because of Vpc: Subnet{1,2}"
    ]


def test_the_worst_is_first() -> None:
    """Losses of data and refused updates are above the stacks, removed resources above others."""
    loss = DataLoss("Table", "AWS::DynamoDB::Table", "is removed", "its data is deleted")
    table = ResourceChange("Table", "AWS::DynamoDB::Table", "removed")
    stack = replace(NETWORK, resources=(VPC, table), outputs=(OUTPUT,), data_losses=(loss,))

    assert lines(stack) == [
        "  ! network: Table (AWS::DynamoDB::Table) is removed: its data is deleted",
        "  ! network: " + IN_USE,
        "network  1 removed, 1 replaced  crd-x-network",
        "  - Table  AWS::DynamoDB::Table  removed",
        *lines(NETWORK)[1:],
    ]


def test_similar_resources_share_a_paragraph() -> None:
    """Equal values are written once, others in the order of the resources."""
    other = replace(VPC, logical_id="Other", source="stacks/network.py:9")
    another = replace(other, properties=(replace(CIDR, after="10.2.0.0/16"),))

    assert lines(replace(NETWORK, resources=(VPC, other)))[1:] == [
        "  ± Vpc, Other  AWS::EC2::VPC  replaced  (stacks/network.py:7, 9)",
        lines(NETWORK)[2],
    ]
    assert lines(replace(NETWORK, resources=(VPC, another)))[2:] == [
        f"      CidrBlock: 10.0.0.0/16 → 10.1.0.0/16; 10.0.0.0/16 → 10.2.0.0/16  # {SETTING}"
    ]


def test_outputs_with_the_same_importers_share_a_paragraph() -> None:
    """Removed outputs are listed with the stacks that import them, others without a note."""
    output = replace(OUTPUT, direction="removed", cause="", is_refused=False)
    names = ("Subnet1", "Arn", "Subnet2")
    outputs = [replace(output, name=name) for name in names]
    unused = replace(output, name="Unused", importers=())

    assert lines(replace(NETWORK, resources=(), outputs=(*outputs, unused)))[1:] == [
        "  - outputs Subnet{1,2}, Arn  # imported by cluster",
        "  - output Unused",
    ]


def test_statements_are_explained_by_what_differs() -> None:
    """A widened statement shows the new action, a new one all of it."""
    before = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}
    after = before | {"Action": ["s3:GetObject", "s3:PutObject"]}
    detailed = PropertyChange(("Properties", "X"), 1, 2, is_detailed=True)
    statements = (
        StatementChange("P/Read", "widened", before, after, grants=True),
        StatementChange("P/New", "added", None, before, grants=True),
    )

    assert lines(changed(detailed, statements=statements))[2:] == [
        "      ~ statement P/Read widened: + Action[1] s3:PutObject",
        "      + statement P/New added: allow s3:GetObject on *",
    ]


def test_rules_code_and_packages_are_explained() -> None:
    """Rules are sentences, code is files and packages."""
    detailed = PropertyChange(("Properties", "X"), 1, 2, is_detailed=True, settings=("a.port",))
    rule = RuleChange("added", "", "ingress tcp 80 from 0.0.0.0/0", grants=True)
    code = CodeChange(
        "greet",
        (FileChange("lambdas/greet/handler.py", "changed", 2, 1),),
        (PackageChange("pillow", "1", "2"),),
    )

    assert lines(changed(detailed, rules=(rule,), code=code))[2:] == [
        "      + rule added: ingress tcp 80 from 0.0.0.0/0  # config/x.toml: a.port",
        "      ~ code lambdas/greet/handler.py: changed, +2 -1 lines",
        "      ~ package pillow: 1 → 2",
    ]


def test_outputs_name_their_importers() -> None:
    """A removed output names the stacks that import it."""
    output = replace(OUTPUT, direction="removed", cause="", is_dropped_by_importers=True)

    assert lines(replace(NETWORK, resources=(), outputs=(output,)))[-1] == (
        "  - output Vpc  # imported by cluster"
    )


def test_phases_of_exports_in_use() -> None:
    """An update in several steps is explained at the top instead of a refusal; else why it is refused."""
    stack = replace(NETWORK, resources=(), outputs=(OUTPUT,))
    phased = replace(stack, phases="in 2 steps: keeps Vpc")
    unsafe = replace(phased, refusals=("Vpc holds data",))

    assert lines(phased)[0] == "  ~ network in 2 steps: keeps Vpc"
    assert refused_outputs(phased) == ""
    assert lines(unsafe)[0] == f"  ! network: {IN_USE}. Vpc holds data"


def test_a_removed_stack_names_the_command() -> None:
    """A deploy does not delete a stack that is no longer in the code."""
    assert lines(replace(NETWORK, action="removed", resources=()))[:2] == [
        "network  removed stack  crd-x-network",
        "  a deploy does not delete it: ./inv destroy --stack=network",
    ]


def test_summary_counts_everything() -> None:
    """The title has the numbers of stacks and resources, and the cost."""
    new = replace(NETWORK, action="created", cost=3.2)

    assert summary(Preview("x", (NETWORK, new))) == "1 stack created, 2 replaced, +3.20 USD a month"
    assert summary(Preview("x", ())) == "no changes"


def test_hostile_names_stay_on_their_line() -> None:
    """Control characters and line breaks of names are escaped."""
    text = "\n".join(lines(changed(CIDR, logical_id="A\x1b[31m\nB")))

    assert "\x1b" not in text
    assert "A\\x1b[31m B" in text


def test_long_paragraphs_are_aligned() -> None:
    """The second line of a paragraph begins below the first word of its text."""
    names = [
        ResourceChange(letter * 60, "AWS::EC2::Subnet", "replaced", (), (BY_VPC,))
        for letter in "ab"
    ]

    assert lines(replace(NETWORK, resources=(VPC, *names)))[3:] == [
        f"  ± because of Vpc: {'a' * 60},",
        f"    {'b' * 60}",
    ]


def test_names_are_folded_by_their_last_number() -> None:
    """Names that differ only in their last number become one, at the place of the first."""
    names = ["NatGateway1", "Vpc", "NatGateway2", "S3Endpoint", "V1Subnet1Route", "V1Subnet2Route"]

    assert [*fold_names(names)] == [
        "NatGateway{1,2}",
        "Vpc",
        "S3Endpoint",
        "V1Subnet{1,2}Route",
    ]
