"""Every value of every documented setting works in every environment."""

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
from deployer.environment import Environment
from deployer.errors import ConfigError
from deployer.lint import cfn_lint, describe, load_exemptions
from deployer.lint.exemptions import stale
from deployer.lint.findings import Finding
from stacks import Config
from stacks.conflicts import BUCKET_NAME_LENGTH, LONGEST_BUCKET, MISSING_SERVICES
from stacks.parts.postgresql import CLASSES_BY_REGION
from tests.stacks.settings import (
    Case,
    Setting,
    cases,
    change,
    open_environment,
    settings,
    tables_of,
    toml_of,
)

pytestmark = pytest.mark.thorough

SETTINGS = settings()
EXEMPTIONS = load_exemptions()
POLICY_EXEMPTIONS = [exemption for exemption in EXEMPTIONS if exemption.rule.startswith("C")]

# Settings that determine which resources exist; every run tests them.
STRUCTURAL = {
    "env.prefix",
    "env.name",
    "network.nat",
    "network.zones",
    "site_publisher.oidc_provider",
}
STRUCTURAL |= {"cluster.container_insights", "verifier.enable_exec", "foundation.alert_emails"}


def _structural(setting: Setting) -> bool:
    named = setting.name in STRUCTURAL
    return named or (setting.schema.get("type") == "boolean" and setting.path[0] != "verifier")


def _ids(chosen: list[Case]) -> list[str]:
    return [re.sub(r"[^\w.-]+", "_", str(case))[:80] for case in chosen]


# One environment of each kind; the slow tests try every value in every environment.
STRUCTURAL_CASES = [
    case
    for setting in SETTINGS
    if _structural(setting)
    for case in cases(setting)
    if case.environment in {"local", "prod"}
]


def _unsupported(case: Case) -> bool:
    """Return whether AWS does not have *case*: a region without a service, or an instance class."""
    if case.setting == "database.instance_class":
        region = tables_of(case.environment)["env"]["region"]
        return case.value not in CLASSES_BY_REGION[region]
    return case.setting == "env.region" and case.value in MISSING_SERVICES


def opened(case: Case) -> Environment:
    """Return the environment of *case*, whose config file is alone in its folder."""
    with tempfile.TemporaryDirectory() as folder:
        return open_environment(case.tables(), Path(folder))


def findings(case: Case) -> tuple[list[Finding], list[str]]:
    """Return the findings of the policy rules for *case*, and the names of its stacks."""
    environment = opened(case)
    found = policy.check(environment.templates, environment.env)
    return list(found), [template.name for template in environment.templates]


def unexpected(case: Case) -> list[str]:
    """Return the findings of `./inv lint` for *case*, without those of cfn-lint."""
    found, stacks = findings(case)
    exempt = [
        finding
        for finding in found
        if any(exemption.matches(finding) for exemption in POLICY_EXEMPTIONS)
    ]
    others = [finding for finding in found if finding not in exempt]
    return [describe(finding) for finding in [*others, *stale(POLICY_EXEMPTIONS, exempt, stacks)]]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_has_values(setting: Setting) -> None:
    """A new setting has limits, an enumeration or an example."""
    assert setting.values()


@pytest.mark.parametrize("case", STRUCTURAL_CASES, ids=_ids(STRUCTURAL_CASES))
def test_a_value_breaks_no_rule(case: Case) -> None:
    """No value of a setting breaks a policy rule, so no exemption depends on names or values."""
    assert unexpected(case) == []


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_no_value_of_a_setting_breaks_a_rule(setting: Setting) -> None:
    """Each value of the schema is tested in each environment."""
    found = {str(case): unexpected(case) for case in cases(setting) if not _unsupported(case)}

    assert {case: findings for case, findings in found.items() if findings} == {}


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_cfn_lint_finds_nothing_with_a_value(setting: Setting) -> None:
    """Each distinct template is checked once, in one environment."""
    distinct = {
        (template.text, template.region): template.name
        for case in cases(setting)
        if case.environment == "dev" and not _unsupported(case)
        for template in opened(case).templates
    }
    new = [question for question in distinct if question not in _unchanged()]

    answers = cfn_lint.run_cfn_lint(new, jobs=os.cpu_count() or 1)

    assert [
        f"{finding.where}: {finding.rule} {finding.message}"
        for answer in answers
        for finding in answer
    ] == []


@functools.cache
def _unchanged() -> frozenset[tuple[str, str]]:
    """Return the templates of the unchanged environment, which `./inv lint` checks."""
    with tempfile.TemporaryDirectory() as folder:
        templates = open_environment(tables_of("dev"), Path(folder)).templates
    return frozenset((template.text, template.region) for template in templates)


CONDITIONAL = [exemption for exemption in POLICY_EXEMPTIONS if exemption.setting]


@pytest.mark.parametrize(
    "exemption", CONDITIONAL, ids=lambda one: f"{one.rule}-{one.stack}-{one.resource}"
)
def test_an_exemption_of_a_setting_is_needed_by_one_of_its_values(exemption) -> None:
    """A run of lint cannot find an exemption that no value needs."""
    name = exemption.setting.replace("service.", "verifier.") * exemption.stack.endswith("verifier")
    expected = name or exemption.setting
    [setting] = [setting for setting in SETTINGS if setting.name == expected]
    tried = [case for case in cases(setting) if case.environment == "dev"]
    if exemption.stack.endswith("verifier") and exemption.setting != "service.enable_exec":
        tried = [Case("dev", "verifier.enable_exec", value=False)]

    assert any(exemption.matches(found) for case in tried for found in findings(case)[0])


def test_exemptions_are_tied_to_no_environment() -> None:
    """Exemptions apply to any prefix and name of an environment."""
    assert [
        exemption.stack for exemption in EXEMPTIONS if not exemption.stack.startswith("*-")
    ] == []


# --- refused settings ---


def refusal(environment: str, folder: Path, **changes: object) -> str:
    """Return the error for the config file of *environment* with *changes*, dots as `__`."""
    table = copy.deepcopy(tables_of(environment))
    for name, value in changes.items():
        change(table, name.replace("__", "."), value)
    path = folder / f"{table['env']['name']}.toml"
    path.write_text(toml_of(table), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        configs.load(path, Config)
    return re.sub(r"^.*/(\w+\.toml):\d+: ", r"\1: ", refused.value.message, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("environment", "changes", "expected"),
    [
        (
            "prod",
            {"database__backup_retention_days": 6},
            "prod.toml: database.backup_retention_days: 6 is too few if env.protect is true; use 7 or more",
        ),
        (
            "prod",
            {"service__enable_exec": True},
            "prod.toml: service.enable_exec: is true while env.protect is true; set one of them to false",
        ),
        (
            "prod",
            {"verifier__enable_exec": True},
            "prod.toml: verifier.enable_exec: is true while env.protect is true; set one of them to false",
        ),
        (
            "dev",
            {"env__protect": True},
            (
                "dev.toml: database.backup_retention_days: 1 is too few if env.protect is true; use 7 or more\n"
                "dev.toml: service.enable_exec: is true while env.protect is true; set one of them to false"
            ),
        ),
        (
            "dev",
            {"env__prefix": "twenty-letters-long1"},
            (
                "dev.toml: env.prefix: the bucket"
                " twenty-letters-long1-dev-access-logs-111111111111-ca-central-1-an would have 65"
                " characters, and S3 allows 63; shorten env.prefix or env.name by 2"
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
            {"env__region": "us-west-1", "network__zones": 3},
            "dev.toml: network.zones: most accounts can use only two zones of us-west-1; use 2",
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
                " the load balancer could not reach the service"
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
            {"site_publisher__owner_id": 1},
            (
                "dev.toml: site_publisher.repository_id: owner_id and repository_id go together:"
                " set both, or leave both 0"
            ),
        ),
        (
            "dev",
            {"database__storage_gib": 100},
            (
                "dev.toml: database.max_storage_gib: 40 leaves no room to grow from storage_gib = 100;"
                " use 125 or more"
            ),
        ),
    ],
)
def test_conflicting_settings_are_refused_at_their_key(
    environment: str, changes: dict[str, object], expected: str, tmp_path: Path
) -> None:
    """Each error has the file, the key and the fact; all errors are reported together."""
    assert refusal(environment, tmp_path, **changes) == expected


def test_the_longest_bucket_name_is_known() -> None:
    """The maximum length of env.prefix depends on it."""
    with tempfile.TemporaryDirectory() as folder:
        table = tables_of("dev")
        for name in ("cluster.access_logs", "cdn.access_logs"):
            change(table, name, value=True)
        templates = open_environment(table, Path(folder)).templates
    names = re.findall(
        r"BucketNamePrefix: crd-dev-(\S+)", "".join(template.text for template in templates)
    )

    assert max(map(len, names)) == len(LONGEST_BUCKET)
    assert LONGEST_BUCKET in names
    assert BUCKET_NAME_LENGTH == 63


@pytest.mark.slow
def test_a_region_is_refused_if_and_only_if_it_lacks_a_resource_type() -> None:
    """The table agrees with the resource types of cfn-lint."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    [regions] = [setting.values() for setting in SETTINGS if setting.name == "env.region"]
    with tempfile.TemporaryDirectory() as folder:
        templates = open_environment(tables_of("dev"), Path(folder)).templates
    types = set(
        re.findall(r"Type: (AWS::\w+::\w+)", "".join(template.text for template in templates))
    )
    lacking = {
        region
        for region in regions
        if types - set(PROVIDER_SCHEMA_MANAGER.get_resource_types(region))
    }

    assert lacking == set(MISSING_SERVICES)
