"""Tests of the recognition of renamed and moved resources."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deployer.model.template_tree import TemplateTree
from deployer.preview.renames import find_renames
from deployer.preview.reviewed import ReviewedStack
from deployer.preview.values import Ambiguity, Renames

TITLES = [f"R{number}" for number in range(6)]
TYPES = ["AWS::SNS::Topic", "AWS::SQS::Queue"]
PROPERTIES = st.dictionaries(st.sampled_from("ABC"), st.integers(0, 2), max_size=3)


def stack(name, resources, outputs=None, nested=None):
    """Return a stack with these resources; *outputs* are exported as x-NAME-TITLE."""
    exported = {
        title: {"Value": value, "Export": {"Name": f"x-{name}-{title}"}}
        for title, value in (outputs or {}).items()
    }
    body = {"Resources": resources, "Outputs": exported}
    inner = {
        title: TemplateTree("", known_body={"Resources": res})
        for title, res in (nested or {}).items()
    }
    return ReviewedStack(name, f"x-{name}", "eu-west-1", TemplateTree("", inner, known_body=body))


def resource(type_="AWS::SNS::Topic", **properties):
    """Return a resource."""
    return {"Type": type_, "Properties": properties}


def pairs(renames: Renames) -> list[tuple[str, str]]:
    """Return the places before and after of each rename."""
    return [(str(rename.before), str(rename.after)) for rename in renames.found]


def test_another_logical_id() -> None:
    """One removed and one added resource with equal properties are one resource."""
    before = stack("a", {"Old": resource(DisplayName="x"), "Rest": resource()})
    after = stack("a", {"New": resource(DisplayName="x"), "Rest": resource()})

    found = find_renames([before], [after])

    assert pairs(found) == [("a/Old", "a/New")]
    assert found.found[0].is_equal
    assert found.found[0].is_in_one_stack


def test_move_to_a_new_stack() -> None:
    """A resource is found in another stack; the plan says that the stack is new."""
    moved = resource("AWS::DynamoDB::Table", TableName="t")
    before = [stack("a", {"Table": {**moved, "DeletionPolicy": "Retain"}, "Rest": resource()})]
    after = [stack("a", {"Rest": resource()}), stack("b", {"Table": moved})]

    (rename,) = find_renames(before, after).found

    assert (str(rename.before), str(rename.after)) == ("a/Table", "b/Table")
    assert (rename.name, rename.is_retained, rename.after.is_new_stack) == ("t", True, True)


def test_references_are_compared_by_their_target() -> None:
    """A reference that becomes an import of the same resource is equal, as is a renamed target."""
    vpc = resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16")
    group = resource("AWS::EC2::SecurityGroup", VpcId={"Ref": "Vpc"})
    imported = resource("AWS::EC2::SecurityGroup", VpcId={"Fn::ImportValue": "x-a-Vpc"})
    text = resource("AWS::SQS::Queue", QueueName={"Fn::Sub": "q-${Old}"})
    before = [
        stack("a", {"Vpc": vpc, "Group": group, "Old": resource(A="x"), "Text": text}),
        stack("b", {"Rest": resource()}),
    ]
    renamed = resource("AWS::SQS::Queue", QueueName={"Fn::Sub": "q-${New}"})
    after = [
        stack("a", {"Vpc": vpc, "New": resource(A="x"), "Other": renamed}, {"Vpc": {"Ref": "Vpc"}}),
        stack("b", {"Rest": resource(), "Group": imported}),
    ]

    found = find_renames(before, after)

    assert pairs(found) == [("a/Group", "b/Group"), ("a/Old", "a/New"), ("a/Text", "a/Other")]
    assert all(rename.is_equal for rename in found.found)


def test_nearly_equal() -> None:
    """A resource with one changed property of many is recognized, and reported as changed."""
    values = {"A": 1, "B": 2, "C": 3}
    before, after = (
        stack("a", {"Old": resource(**values, D=4)}),
        stack("a", {"New": resource(**values, D=5)}),
    )

    (rename,) = find_renames([before], [after]).found

    assert not rename.is_equal


def test_too_different() -> None:
    """Resources that share half of their properties are not the same."""
    before, after = stack("a", {"Old": resource(A=1, B=1)}), stack("a", {"New": resource(A=1, B=2)})

    assert find_renames([before], [after]) == Renames()


def test_a_name_decides() -> None:
    """The fixed name identifies a resource, even if another one has equal properties."""
    before = stack("a", {"Old": resource("AWS::SQS::Queue", QueueName="q", A=1)})
    after = stack(
        "a",
        {
            "Named": resource("AWS::SQS::Queue", QueueName="q", A=2),
            "Like": resource("AWS::SQS::Queue", QueueName="other", A=1),
        },
    )

    assert pairs(find_renames([before], [after])) == [("a/Old", "a/Named")]


def test_ambiguity() -> None:
    """If two added resources match, both are reported, and none is chosen."""
    before = stack("a", {"Old": resource(A=1)})
    after = stack("a", {"One": resource(A=1), "Two": resource(A=1)})

    found = find_renames([before], [after])

    assert found.found == ()
    [ambiguity] = found.ambiguous
    assert [*map(str, ambiguity.after)] == ["a/One", "a/Two"]


def test_nested_stacks() -> None:
    """A resource that leaves a nested stack is recognized."""
    before = stack(
        "a",
        {"Inner": resource("AWS::CloudFormation::Stack")},
        nested={"Inner": {"T": resource(A=1)}},
    )
    after = stack(
        "a",
        {"Inner": resource("AWS::CloudFormation::Stack"), "T": resource(A=1)},
        nested={"Inner": {}},
    )

    assert pairs(find_renames([before], [after])) == [("a/Inner/T", "a/T")]


def test_other_regions() -> None:
    """A resource cannot move to another region."""
    before, after = stack("a", {"Old": resource(A=1)}), stack("a", {})
    elsewhere = ReviewedStack("b", "x-b", "us-east-1", stack("b", {"Old": resource(A=1)}).templates)

    assert find_renames([before], [after, elsewhere]) == Renames()


def test_resource_that_stays() -> None:
    """Nothing is renamed if logical ids and types remain."""
    before, after = stack("a", {"T": resource(A=1)}), stack("a", {"T": resource(A=2)})

    assert find_renames([before], [after]) == Renames()


@given(
    st.lists(st.sampled_from(TYPES), min_size=1, max_size=6),
    st.permutations(range(6)),
    st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_every_distinct_resource_is_found(types, order, moves) -> None:
    """Resources with distinct properties are found again, whatever their new ids and stacks are."""
    before = {
        f"Old{n}": resource(type_, Id=n, Next=n + 1, Last=n * n) for n, type_ in enumerate(types)
    }
    new = [(f"New{order[n]}", moves[n], before[f"Old{n}"]) for n in range(len(types))]
    sides = [{title: item for title, moved, item in new if moved is side} for side in (False, True)]

    found = find_renames([stack("a", before)], [stack("a", sides[False]), stack("b", sides[True])])

    expected = [
        (f"a/Old{n}", f"{'b' if moves[n] else 'a'}/New{order[n]}") for n in range(len(types))
    ]
    assert pairs(found) == sorted(expected)
    assert found.ambiguous == ()


@st.composite
def changes(draw):
    """Draw the resources of two stacks before and after a change."""
    resources = st.dictionaries(
        st.sampled_from(TITLES),
        st.builds(
            lambda type_, properties: resource(type_, **properties),
            st.sampled_from(TYPES),
            PROPERTIES,
        ),
    )
    return [[stack(name, draw(resources)) for name in "ab"] for _ in range(2)]


@given(changes())
def test_results_are_disjoint_and_plausible(change) -> None:
    """No resource is in two results, types and sides are right, and an ambiguity has alternatives."""
    before, after = change

    found = find_renames(before, after)

    groups = [
        *[((r.before,), (r.after,)) for r in found.found],
        *[(a.before, a.after) for a in found.ambiguous],
    ]
    for side, stacks in ((0, before), (1, after)):
        places = [place for group in groups for place in group[side]]
        assert len(places) == len({*places})
        known = {
            (item.short_name, title): res["Type"]
            for item in stacks
            for title, res in item.templates.resources.items()
        }
        for result in (*found.found, *found.ambiguous):
            sides = result.before, result.after
            members = sides[side] if isinstance(result, Ambiguity) else (sides[side],)
            assert {known[place.short_name, place.path[-1]] for place in members} == {result.type}
    assert all(len(item.before) + len(item.after) > 2 for item in found.ambiguous)


@given(changes(), st.randoms())
def test_order_does_not_matter(change, random) -> None:
    """The result does not depend on the order of stacks and resources."""
    shuffled = []
    for side in change:
        stacks = []
        for item in side:
            titles = [*item.templates.resources]
            random.shuffle(titles)
            stacks.append(stack(item.short_name, {t: item.templates.resources[t] for t in titles}))
        shuffled.append(stacks[::-1])

    assert find_renames(*shuffled) == find_renames(*change)


@given(changes())
def test_two_equal_candidates_are_never_chosen(change) -> None:
    """A renamed resource has no other added resource with equal properties and no better reason."""
    before, after = change

    for rename in find_renames(before, after).found:
        [source] = [s for s in before if s.name == rename.before.stack]
        old = source.templates.resources[rename.before.path[-1]]
        titles = {(s.name, t) for s in before for t in s.templates.resources}
        twins = [
            (s.name, title)
            for s in after
            for title, res in s.templates.resources.items()
            if res == old and ((s.name, title) not in titles)
        ]
        assert len(twins) <= 1
