"""Every documented setting, each value of it, in every environment."""

from __future__ import annotations

import copy
import functools
import os
import re
import tempfile
from pathlib import Path

import pytest

from deployer import config as configs
from deployer import policy
from deployer.errors import ConfigError
from deployer.lint import cfn_lint, describe, load_exemptions
from deployer.lint.exemptions import stale
from deployer.lint.findings import Finding
from stacks import Config
from stacks.conflicts import BUCKET_NAME_LENGTH, LONGEST_BUCKET, MISSING_SERVICES
from tests.stacks.settings import Case, Setting, cases, change, opened, settings, table_of, text_of

SETTINGS = settings()
EXEMPTIONS = load_exemptions()
OURS = [exemption for exemption in EXEMPTIONS if exemption.rule.startswith("C")]

# The settings on which it depends which resources there are: these are tried in every run.
STRUCTURAL = {
    "env.prefix",
    "env.name",
    "network.nat",
    "network.zones",
    "site_publisher.oidc_provider",
}
STRUCTURAL |= {"cluster.container_insights", "verifier.exec", "foundation.alert_emails"}


def _structural(setting: Setting) -> bool:
    named = setting.name in STRUCTURAL
    return named or (setting.schema.get("type") == "boolean" and setting.path[0] != "verifier")


def _ids(chosen: list[Case]) -> list[str]:
    return [re.sub(r"[^\w.-]+", "_", str(case))[:80] for case in chosen]


FEW = [case for setting in SETTINGS if _structural(setting) for case in cases(setting)]


def _unsupported(case: Case) -> bool:
    """A region without what the stacks need is refused, unless nobody needs it."""
    return case.setting == "env.region" and case.value in MISSING_SERVICES


def findings(case: Case) -> tuple[list[Finding], list[str]]:
    """What the policy rules find with *case*, and the stacks there are."""
    with tempfile.TemporaryDirectory() as folder:
        environment = opened(case.table(), Path(folder))
    found = policy.check(environment.templates, environment.env)
    return list(found), [template.name for template in environment.templates]


def unexpected(case: Case) -> list[str]:
    """What `./inv lint` would say of *case*, but for cfn-lint."""
    found, stacks = findings(case)
    excused = [one for one in found if any(exemption.matches(one) for exemption in OURS)]
    left = [one for one in found if one not in excused]
    return [describe(one) for one in [*left, *stale(OURS, excused, stacks)]]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_has_values(setting: Setting) -> None:
    """A new setting is tried, too: with its limits, its enumeration or an example."""
    assert setting.values()


@pytest.mark.parametrize("case", FEW, ids=_ids(FEW))
def test_a_value_breaks_no_rule(case: Case) -> None:
    """No exemption is tied to the names and values of today's environments."""
    assert unexpected(case) == []


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_no_value_of_a_setting_breaks_a_rule(setting: Setting) -> None:
    """Every value that the schema has, in every environment."""
    found = {str(case): unexpected(case) for case in cases(setting) if not _unsupported(case)}

    assert {case: said for case, said in found.items() if said} == {}


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_cfn_lint_finds_nothing_with_a_value(setting: Setting, tmp_path: Path) -> None:
    """In one environment; each template once, however many values make it."""
    distinct = {
        (template.text, template.region): template.name
        for case in cases(setting)
        if case.environment == "dev" and not _unsupported(case)
        for template in opened(case.table(), tmp_path).templates
    }
    new = [question for question in distinct if question not in _unchanged()]

    answers = cfn_lint.ask(new, jobs=os.cpu_count() or 1)

    assert [f"{one.where}: {one.rule} {one.message}" for answer in answers for one in answer] == []


@functools.cache
def _unchanged() -> frozenset[tuple[str, str]]:
    """The templates of the environment as it is: `./inv lint` asks about these."""
    with tempfile.TemporaryDirectory() as folder:
        templates = opened(table_of("dev"), Path(folder)).templates
    return frozenset((template.text, template.region) for template in templates)


CONDITIONAL = [exemption for exemption in OURS if exemption.setting]


@pytest.mark.parametrize(
    "exemption", CONDITIONAL, ids=lambda one: f"{one.rule}-{one.stack}-{one.resource}"
)
def test_an_exemption_of_a_setting_is_needed_by_one_of_its_values(exemption) -> None:
    """One that no value needs is stale, which a run of lint cannot see."""
    name = exemption.setting.replace("service.", "verifier.") * exemption.stack.endswith("verifier")
    [setting] = [one for one in SETTINGS if one.name == (name or exemption.setting)]
    tried = [case for case in cases(setting) if case.environment == "dev"]
    if exemption.stack.endswith("verifier") and exemption.setting != "service.exec":
        tried = [Case("dev", "verifier.exec", value=False)]

    assert any(exemption.matches(found) for case in tried for found in findings(case)[0])


def test_exemptions_are_tied_to_no_environment() -> None:
    """Another prefix or name of an environment needs the same ones."""
    assert [one.stack for one in EXEMPTIONS if not one.stack.startswith("*-")] == []


# What is refused in config


def refusal(environment: str, folder: Path, **changes: object) -> str:
    """What is said of the config file of *environment* with *changes*, dots as double underlines."""
    table = copy.deepcopy(table_of(environment))
    for name, value in changes.items():
        change(table, name.replace("__", "."), value)
    path = folder / f"{table['env']['name']}.toml"
    path.write_text(text_of(table), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        configs.load(path, Config)
    return re.sub(r"^.*/(\w+\.toml):\d+: ", r"\1: ", refused.value.message, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("environment", "changes", "expected"),
    [
        (
            "prod",
            {"database__backup_days": 6},
            "prod.toml: database.backup_days: 6 is too few where env.protect is true; take 7 or more",
        ),
        (
            "prod",
            {"service__exec": True},
            "prod.toml: service.exec: is true where env.protect is true; set one of them to false",
        ),
        (
            "prod",
            {"verifier__exec": True},
            "prod.toml: verifier.exec: is true where env.protect is true; set one of them to false",
        ),
        (
            "dev",
            {"env__protect": True},
            (
                "dev.toml: database.backup_days: 1 is too few where env.protect is true; take 7 or more\n"
                "dev.toml: service.exec: is true where env.protect is true; set one of them to false"
            ),
        ),
        (
            "dev",
            {"env__prefix": "twenty-letters-long1"},
            (
                "dev.toml: env.prefix: the bucket"
                " twenty-letters-long1-dev-access-logs-111111111111-ca-central-1-an would have 65"
                " characters, and S3 takes 63; shorten env.prefix or env.name by 2"
            ),
        ),
        (
            "dev",
            {"env__region": "af-south-1"},
            (
                "dev.toml: env.region: af-south-1 does not have AWS Budgets, CodeConnections;"
                " choose another region"
            ),
        ),
        (
            "dev",
            {"env__region": "eu-north-1"},
            "dev.toml: env.region: eu-north-1 does not have AWS Budgets; choose another region",
        ),
        (
            "dev",
            {"service__port": 80},
            (
                "dev.toml: service.port: is 80, and cluster.port is 4567:"
                " the load balancer would not find it"
            ),
        ),
        (
            "dev",
            {"service__size": {"cpu": 512, "memory_mib": 512}},
            (
                "dev.toml: service.size.memory_mib: 512 CPU units go with 1024 to 4096 MiB of memory,"
                " in steps, not 512; did you mean 1024?"
            ),
        ),
        (
            "dev",
            {"sync__owner_id": 1},
            (
                "dev.toml: site_publisher.repository_id: owner_id and repository_id go together:"
                " give both, or leave both 0"
            ),
        ),
        (
            "dev",
            {"database__storage_gib": 100},
            (
                "dev.toml: database.storage_limit_gib: 40 leaves storage_gib = 100 no room to grow;"
                " take 125 or more"
            ),
        ),
    ],
)
def test_what_does_not_go_together_is_refused_at_its_key(
    environment: str, changes: dict[str, object], expected: str, tmp_path: Path
) -> None:
    """The file, the key and the fact; all of them at once."""
    assert refusal(environment, tmp_path, **changes) == expected


def test_the_longest_bucket_name_is_known() -> None:
    """The limit of env.prefix follows from it."""
    with tempfile.TemporaryDirectory() as folder:
        table = table_of("dev")
        for name in ("cluster.access_logs", "cdn.access_logs"):
            change(table, name, value=True)
        templates = opened(table, Path(folder)).templates
    names = re.findall(r"BucketNamePrefix: crd-dev-(\S+)", "".join(one.text for one in templates))

    assert max(map(len, names)) == len(LONGEST_BUCKET)
    assert LONGEST_BUCKET in names
    assert BUCKET_NAME_LENGTH == 63


@pytest.mark.slow
def test_a_region_is_refused_if_and_only_if_it_lacks_a_resource_type() -> None:
    """As the resource types of cfn-lint say it."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    [regions] = [setting.values() for setting in SETTINGS if setting.name == "env.region"]
    with tempfile.TemporaryDirectory() as folder:
        templates = opened(table_of("dev"), Path(folder)).templates
    types = set(re.findall(r"Type: (AWS::\w+::\w+)", "".join(one.text for one in templates)))
    lacking = {
        region
        for region in regions
        if types - set(PROVIDER_SCHEMA_MANAGER.get_resource_types(region))
    }

    assert lacking == set(MISSING_SERVICES)
