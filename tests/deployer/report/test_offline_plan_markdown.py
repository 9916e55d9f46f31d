"""Offline plans as comments on pull requests, rendered by a real Markdown parser."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from deployer.data_loss import DataLoss
from deployer.preview.values import Preview, PropertyChange, ResourceChange, StackChange
from deployer.report.offline_plan_markdown import MAX_LENGTH, code, marker, offline_plan_markdown
from tests.deployer.report.test_offline_plan import CIDR, NETWORK, VPC

RENDERER = MarkdownIt("commonmark", {"html": True}).enable("table")
HOSTILE = [
    "</details><img src=x onerror=alert(1)>",
    "a | b | c",
    "`a` ``b`` ```",
    "```\n# title\n```diff",
    "@everyone #1 https://evil.example [x](http://evil.example)",
    "**bold** _it_ ~~x~~ \\| \\` &lt;b&gt;",
    "--> <!-- x",
    "\x1b[31m\u202e",
]


def rendered(text: str) -> str:
    """Return *text* as HTML."""
    return str(RENDERER.render(text))


def comment(*stacks: StackChange) -> str:
    """Return the comment about these stacks."""
    return offline_plan_markdown(Preview("prod", stacks, ("dns",)), "a" * 40, "b" * 40)


def changed(value: object, name: str = "X", title: str = "A") -> StackChange:
    """Return a stack whose resource has a property with a new value."""
    change = PropertyChange(("Properties", name), "old", value)
    return replace(NETWORK, resources=(ResourceChange(title, "T", "changed", (), (change,)),))


def test_the_comment_starts_with_its_marker_and_title() -> None:
    """The marker finds the comment again; the title has the revision and the counts."""
    lines = comment(NETWORK).splitlines()

    assert lines[0] == marker("prod") == "<!-- cruddur-plan:v1 env=prod -->"
    assert lines[1] == "### ⚠️ prod: plan for bbbbbbbbbb: 1 replaced"


def test_the_comment_has_a_table_and_folded_details() -> None:
    """A row has the counts of a stack, the details are a coloured fence."""
    html = rendered(comment(NETWORK))

    assert "<table>" in html
    assert "<td><code>network</code></td>" in html
    assert '<code class="language-diff">!  Vpc  AWS::EC2::VPC  replaced' in html
    assert html.count("<details>") == html.count("</details>") == 1


def test_no_changes_are_one_paragraph() -> None:
    """Without changes there is no table, and the title says so at its end."""
    text = comment()

    assert text.splitlines()[1].endswith("no changes")
    assert "|" not in text


@pytest.mark.parametrize("attack", HOSTILE)
def test_hostile_names_and_values_are_text(attack: str) -> None:
    """No name and no value becomes markup, a link, a mention, or the end of a fence."""
    stack = replace(changed(attack, attack, attack), short_name=attack, name=attack)
    html = rendered(comment(stack, NETWORK))

    assert html.count("<details>") == html.count("</details>") == 2
    assert html.count("<table>") == 1
    assert html.count("<tr>") == 3
    assert "<img" not in html
    assert "<a " not in html
    assert "<strong>bold" not in html
    assert html.count("<h1>") == 0


@given(st.text(alphabet="`|\\<>@!ab \n", max_size=40))
def test_a_code_span_has_only_its_text(text: str) -> None:
    """Whatever the text, the cell of a table is one code span."""
    html = rendered(f"| a | b |\n|---|---|\n| {code(text, in_table=True)} | end |\n")

    assert html.count("<td>") == 2
    assert html.count("<code>") == 1
    assert "<td>end</td>" in html


def test_a_code_span_outside_of_a_table_needs_no_backslash() -> None:
    """A vertical bar is shown as it is in a list."""
    assert rendered(f"- {code('a|b')}") == "<ul>\n<li><code>a|b</code></li>\n</ul>\n"


def test_a_large_plan_fits_and_names_every_destroyed_resource() -> None:
    """A plan of 2 MB is cut to the limit, and no removed or replaced resource is left out."""
    big = PropertyChange(("Properties", "Body"), "x " * 1_000, "y " * 1_000)
    stacks = [
        replace(
            NETWORK,
            short_name=f"stack-{number}",
            resources=(
                *(
                    ResourceChange(f"Changed{item}", "T", "changed", (), (big,))
                    for item in range(40)
                ),
                *(ResourceChange(f"Gone{number}n{item}", "T", "removed") for item in range(40)),
                *(replace(VPC, logical_id=f"New{number}n{item}") for item in range(20)),
            ),
        )
        for number in range(25)
    ]

    text = comment(*stacks)

    assert len(text) <= MAX_LENGTH
    assert len({*re.findall(r"Gone\d+n\d+|New\d+n\d+", text)}) == 25 * 60
    assert "lines do not fit here" in text
    assert rendered(text).count("<details>") == rendered(text).count("</details>")


def test_names_that_do_not_fit_are_folded() -> None:
    """A list of destroyed resources that is too long has names that differ by a number as one."""
    gone = tuple(ResourceChange(f"Gone{'x' * 200}{item}", "T", "removed") for item in range(500))

    text = comment(replace(NETWORK, resources=gone))

    assert len(text) <= MAX_LENGTH
    assert f"Gone{'x' * 200}{{{','.join(map(str, range(500)))}}}" in text


def test_a_plan_whose_destroyed_resources_do_not_fit_says_so() -> None:
    """Even the list of what is destroyed can be too long; the comment has as much as fits."""
    gone = tuple(
        ResourceChange(f"Gone{item}{'x' * 200}{item}n", "T", "removed") for item in range(500)
    )

    text = comment(replace(NETWORK, resources=gone))

    assert 50_000 < len(text) <= MAX_LENGTH
    assert "lines do not fit here" in text


def test_the_table_has_no_empty_columns() -> None:
    """A column without a number is left out, and the worst stack is first."""
    text = comment(changed("x"), replace(NETWORK, short_name="worst"))

    assert "| stack | replaced | changed |\n| --- | --: | --: |\n| `worst` | **1** |  |\n" in text


def test_refused_losses_name_the_way_out() -> None:
    """A loss that the config does not accept is shown with the text that would accept it."""
    loss = DataLoss("Table", "AWS::DynamoDB::Table", "is removed", "its data is deleted")

    assert "`config/prod.toml`: `[[env.accepted_data_losses]]`" in comment(
        replace(NETWORK, data_losses=(loss,))
    )
    assert "accepted_data_losses" not in comment(NETWORK)


def test_long_lines_of_the_details_are_wrapped() -> None:
    """The details need no horizontal scroll bar."""
    value = " ".join(["word"] * 100)

    details = comment(changed(value)).partition("```diff\n")[2]

    assert max(map(len, details.splitlines())) <= 104


def test_a_very_long_value_is_cut() -> None:
    """A long value leaves room for the others: the first lines of it are shown."""
    details = comment(changed(" ".join(["word"] * 1_000))).partition("```diff\n")[2]

    assert len(details.splitlines()) < 20
    assert re.search(r"\n {10}… \d+ more lines\n```\n", details)


def secrets() -> list[tuple[str, str]]:
    """Return forty secrets, each with the name of its property."""
    found = []
    for number in range(10):
        digest = hashlib.sha512(str(number).encode()).digest()
        random = base64.b64encode(digest).decode().replace("/", "x").replace("+", "y")
        found += [
            ("MasterUserPassword", f"hunter{number}22"),
            ("Description", f"AKIA{digest.hex()[:16].upper()}"),
            ("Description", random[:40]),
            ("Environment", f"ghp_{random[:36]}"),
        ]
    return found


@pytest.mark.parametrize(("name", "secret"), secrets())
def test_secrets_never_appear(name: str, secret: str) -> None:
    """Secrets by name, by form, and long random words are masked, wherever they are."""
    for value in (secret, [{"Name": name, "Value": secret}], {name: secret}):
        assert secret not in comment(changed(value, name))
    if name != "MasterUserPassword":
        assert secret not in comment(changed("x", title=secret))


def test_digests_and_names_are_not_masked() -> None:
    """Digests and names in CamelCase are not masked."""
    words = ("PrivateSubnet3RouteTableAssociation", "240388a78c7d7f1e99eeb504b909bd1f")
    text = comment(
        changed(" ".join(words)), replace(NETWORK, resources=(replace(VPC, properties=(CIDR,)),))
    )

    assert all(word in text for word in words)
