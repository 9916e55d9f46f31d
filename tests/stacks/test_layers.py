"""The stacks of an environment as a whole."""

import re
from pathlib import Path

import msgspec

from stacks import layers
from tests.stacks.templates import CODE, config_of, emit, text

ROOT = Path(__file__).parents[2]
STACKS = ROOT / "stacks"
ARCHITECTURE = ROOT / "docs" / "architecture.md"


def test_stacks_have_their_dependencies(emitted, config):
    """The stacks are in dependency order, and depend on the stacks whose outputs they use.

    The expected graph is in docs/architecture.md, which is reviewed and shows the stacks of `local`.
    """
    dependencies = {
        name: [
            dependency.removeprefix(f"crd-{config.env.name}-")
            for dependency in emitted_stack.stack.dependencies
        ]
        for name, emitted_stack in emitted.items()
    }
    [graph] = re.findall(r"```mermaid\n(.*?)```", ARCHITECTURE.read_text("utf-8"), re.DOTALL)
    edges = re.findall(r"^  ([\w-]+) --> ([\w-]+)$", graph, re.MULTILINE)

    assert edges == [(name, need) for name, needs in dependencies.items() for need in needs]
    assert re.findall(r"^    ([\w-]+)$", graph, re.MULTILINE) == [
        name
        for region in dict.fromkeys(stack.stack.region for stack in emitted.values())
        for name in emitted
        if emitted[name].stack.region == region
    ]
    order = list(dependencies)
    assert all(order.index(need) < order.index(name) for name, need in edges)


def test_every_import_is_published(emitted):
    """Each imported name is exported by a stack that is deployed earlier."""
    published = set()
    for stack in emitted.values():
        imported = set(re.findall(r'"Fn::ImportValue": "([^"]+)"', text(stack.template)))
        assert imported <= published
        published |= {
            output["Export"]["Name"] for output in stack.template.get("Outputs", {}).values()
        }


def test_templates_have_no_literals_of_an_environment():
    """Ids, regions and names come from the settings of an environment."""
    prod = config_of("prod")
    other = msgspec.structs.replace(
        prod.env,
        project="birds",
        prefix="brd",
        name="cage",
        account="333333333333",
        region="eu-north-1",
        domain="birds.example",
        hosted_zone="Z0BIRDS",
    )
    foundation = msgspec.structs.replace(prod.foundation, alert_emails=())
    words = [getattr(prod.env, key) for key in ("project", "account", "domain", "hosted_zone")]

    templates = {
        name: text(stack.template)
        for name, stack in emit(
            msgspec.structs.replace(prod, env=other, foundation=foundation)
        ).items()
    }

    for template in templates.values():
        assert not [word for word in [*words, "crd-", "ca-central-1"] if word in template]
        assert not re.search(r"\b[0-9]{12}\b", template)
        assert not re.search(r'"[a-z]{2}-[a-z]+-[0-9][a-z]"', template)


def test_every_stack_has_a_description(emitted):
    """The description of a stack, which the console shows, is a sentence."""
    for stack in emitted.values():
        assert stack.template["Description"].endswith(".")


def test_the_artifact_bucket_is_that_of_the_foundation(config):
    """`layers()` passes the artifact bucket of the foundation stack to the deployer.

    The code of the deployer contains no name of a stack.
    """
    artifacts = layers(config, CODE).artifact_bucket

    assert artifacts.stack == f"crd-{config.env.name}-foundation"
    assert artifacts.output == "Artifacts"


def test_titles_are_pascal_case(emitted):
    """Titles of resources and outputs, which the console shows, are in PascalCase."""
    titles = {title for stack in emitted.values() for title in stack.template["Resources"]}

    assert not [title for title in titles if not re.fullmatch(r"([A-Z][a-z0-9]*|A{1,4})+", title)]


def test_stack_files_are_deterministic():
    """Templates depend on settings only, not on time, environment variables or files."""
    for file in STACKS.rglob("*.py"):
        source = file.read_text()
        assert not re.search(r"\b(open|read_text|environ|getenv|boto3|datetime|random)\b", source)
