import re
from pathlib import Path

import msgspec

from stacks import layers
from tests.stacks.templates import CODE, config_of, emit, text

STACKS = Path(__file__).parents[2] / "stacks"


def test_layers_stand_on_those_below_them(emitted, config):
    """In this order, and each on what it was given."""
    needs = {
        layer: [name.removeprefix(f"crd-{config.env.name}-") for name in one.stack.dependencies]
        for layer, one in emitted.items()
    }

    assert {
        "foundation": [],
        "dns": [],
        "edge-certificate": [],
        "network": ["foundation"],
        "registry": [],
        "cluster": ["network", "dns"],
        "database": ["network"],
        "messages": ["foundation"],
        "users": ["foundation", "network", "database"],
        "assets": [],
        "avatars": ["foundation", "users", "assets"],
        "cdn": ["edge-certificate", "assets", "avatars"],
        "service": [
            *("foundation", "network", "cluster", "registry"),
            *("database", "messages", "users", "assets"),
        ],
        "monitoring": [
            *("foundation", "messages", "users", "avatars"),
            *("service", "cluster", "database", "cdn"),
        ],
        "pipeline": ["foundation"],
        "site-publisher": ["cdn"],
    } == needs
    assert list(needs) == [
        *("foundation", "dns", "edge-certificate", "network", "registry", "cluster"),
        *("database", "messages", "users", "assets", "avatars", "cdn", "service"),
        *("monitoring", "pipeline", "site-publisher"),
    ]


def test_every_import_is_published(emitted):
    """By a stack below, under that very name."""
    published = set()
    for layer in emitted.values():
        imported = set(re.findall(r'"Fn::ImportValue": "([^"]+)"', text(layer.template)))
        assert imported <= published
        published |= {one["Export"]["Name"] for one in layer.template.get("Outputs", {}).values()}


def test_nothing_is_a_literal_that_the_configuration_gives():
    """A template of one environment knows nothing of another, and says no ids or regions."""
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
    nobody = msgspec.structs.replace(prod.foundation, alert_emails=())
    words = [getattr(prod.env, key) for key in ("project", "account", "domain", "hosted_zone")]

    templates = {
        layer: text(one.template)
        for layer, one in emit(msgspec.structs.replace(prod, env=other, foundation=nobody)).items()
    }

    for template in templates.values():
        assert not [word for word in [*words, "crd-", "ca-central-1"] if word in template]
        assert not re.search(r"\b[0-9]{12}\b", template)
        assert not re.search(r'"[a-z]{2}-[a-z]+-[0-9][a-z]"', template)


def test_every_stack_says_what_it_is(emitted):
    """In one sentence: the console shows it."""
    for layer in emitted.values():
        assert layer.template["Description"].endswith(".")


def test_what_is_too_big_for_a_call_goes_through_the_bucket_of_the_foundation(config):
    """The layers say so, since the deployer knows no stack by name."""
    artifacts = layers(config, CODE).artifact_bucket

    assert f"crd-{config.env.name}-foundation" == artifacts.stack
    assert "Artifacts" == artifacts.output


def test_titles_are_pascal_case(emitted):
    """They are read in the console."""
    titles = {title for layer in emitted.values() for title in layer.template["Resources"]}

    assert not [title for title in titles if not re.fullmatch(r"([A-Z][a-z0-9]*|A{1,4})+", title)]


def test_a_stack_file_has_no_clock_no_environment_and_no_io():
    """The same configuration gives the same bytes, anywhere and at any time."""
    for file in STACKS.rglob("*.py"):
        source = file.read_text()
        assert not re.search(r"\b(open|read_text|environ|getenv|boto3|datetime|random)\b", source)
