"""The findings of an environment: each once, with a place, and as an error or a warning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployer import lint, policy, synth, template_checks
from deployer.config.fields import Settings
from deployer.environment import Environment
from deployer.errors import LintError
from deployer.lint import Finding
from deployer.model import Env, Line
from deployer.template_checks import check_before_deployment, check_templates
from tests.fakes import ACCOUNT, REGION, desired_stack

POLICY = Finding("C606", "error", "loses events", ("Resources", "Thumbnail"), 3, 1, "")
CFN_LINT = Finding("E3002", "error", "unknown property", ("Resources", "Thumbnail"), 3, 1, "")
OUTPUT = Finding("C001", "error", "no stack imports it", ("Outputs", "Name"), 2, 1, "")


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """Return a list; the rules find what a test adds to it, in the stacks that it names."""
    added: list[Finding] = []

    def find(templates: object, **_: object) -> tuple[Finding, ...]:
        return tuple(added)

    monkeypatch.setattr(lint, "lint", find)
    monkeypatch.setattr(policy, "check", lambda *_: ())
    return added


def environment(name: str, folder: Path) -> Environment:
    """Return an environment with one stack, whose function is in line 7 of a stack file."""
    env = Env("cruddur", "crd", name, ACCOUNT, REGION, "x.example", "Z1", protect=False)
    stack = desired_stack("avatars")
    stack = replace(
        stack, name=f"crd-{name}-avatars", lines={"Thumbnail": Line("stacks/avatars.py", 7)}
    )
    return Environment(env, (stack,), folder / "build" / name, Settings())


def in_stack(finding: Finding, env: str) -> Finding:
    """Return *finding* in the stack of an environment; a resource has its line."""
    source = Line("stacks/avatars.py", 7) if finding.path[0] == "Resources" else None
    return replace(finding, stack=f"crd-{env}-avatars", source=source)


def message(*environments: Environment) -> str:
    """Return the message of the LintError for these environments."""
    with pytest.raises(LintError) as caught:
        check_templates(environments, Path("cache"))
    return caught.value.message


def test_templates_without_findings_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All templates of all environments are checked by cfn-lint, and by the policy rules."""
    dev, prod = environment("dev", tmp_path), environment("prod", tmp_path)
    calls: dict[str, Any] = {}

    def lint_templates(
        templates: Any, *, exemptions: Any, policy_findings: Any, **_: Any
    ) -> tuple[()]:
        calls.update(templates=templates, exemptions=exemptions, policy=policy_findings)
        return ()

    monkeypatch.setattr(lint, "lint", lint_templates)
    monkeypatch.setattr(policy, "check", lambda templates, env: [(env, templates)])

    check_templates([dev, prod], tmp_path)

    assert {
        "templates": [*dev.templates, *prod.templates],
        "exemptions": lint.load_exemptions(),
        "policy": [(dev.env, dev.templates), (prod.env, prod.templates)],
    } == calls


def test_all_findings_are_one_error(findings: list[Finding], tmp_path: Path) -> None:
    """The error has a line for each finding, and the hint has the file of exemptions."""
    findings += [in_stack(CFN_LINT, "dev"), in_stack(POLICY, "dev")]

    with pytest.raises(LintError) as raised:
        check_templates([environment("dev", tmp_path)], tmp_path)

    assert raised.value.message.splitlines() == [
        "stacks/avatars.py:7 crd-dev-avatars Thumbnail: E3002 unknown property",
        "stacks/avatars.py:7 crd-dev-avatars Thumbnail: C606 loses events",
    ]
    assert "exemptions.toml" in str(raised.value.hint)


def test_a_finding_names_its_solution_and_the_page_of_its_rule(
    findings: list[Finding], tmp_path: Path
) -> None:
    """The solution and the page of the rule are in a line below the finding."""
    helper = "stacks.parts.queues.dead_letter_queue"
    page = "docs/policy.md#C606"
    findings.append(replace(in_stack(POLICY, "dev"), solution=helper, docs=page))

    assert message(environment("dev", tmp_path)) == (
        "stacks/avatars.py:7 crd-dev-avatars Thumbnail: C606 loses events\n"
        "  use stacks.parts.queues.dead_letter_queue, see docs/policy.md#C606"
    )


def test_a_finding_in_several_environments_is_reported_once(
    findings: list[Finding], tmp_path: Path
) -> None:
    """The line names the stack of each environment."""
    findings += [in_stack(POLICY, "dev"), in_stack(POLICY, "prod")]

    assert message(environment("dev", tmp_path), environment("prod", tmp_path)) == (
        "stacks/avatars.py:7 crd-dev-avatars, crd-prod-avatars Thumbnail: C606 loses events"
    )


def test_different_findings_of_a_resource_are_all_reported(
    findings: list[Finding], tmp_path: Path
) -> None:
    """Findings are the same only if rule, resource and message are."""
    findings += [in_stack(POLICY, "dev"), in_stack(replace(POLICY, message="other"), "dev")]

    assert len(message(environment("dev", tmp_path)).splitlines()) == 2


def test_a_rule_replaces_those_of_cfn_lint_for_the_same_violation(
    findings: list[Finding], tmp_path: Path
) -> None:
    """C101 replaces I3011 of the same resource, but not of another one."""
    both = [replace(POLICY, rule="C101"), replace(CFN_LINT, rule="I3011")]
    other = replace(CFN_LINT, rule="I3011", path=("Resources", "Other"))
    findings += [in_stack(finding, "dev") for finding in (*both, other)]

    lines = message(environment("dev", tmp_path)).splitlines()

    assert [line.split(": ")[1].split()[0] for line in lines] == ["C101", "I3011"]


def test_the_place_is_a_line_of_a_template_of_the_emulator(
    findings: list[Finding], tmp_path: Path
) -> None:
    """build/local is written, because it is not in the repository."""
    local = environment("local", tmp_path)
    findings.append(in_stack(OUTPUT, "local"))

    assert message(local).startswith("build/local/avatars.yaml:2 crd-local-avatars Outputs.Name: ")
    assert (tmp_path / "build/local/avatars.yaml").read_text() == local.desired[0].text


def test_the_place_is_a_line_of_a_reviewed_template(
    findings: list[Finding], tmp_path: Path
) -> None:
    """The template of an account is in build/ if it is up to date."""
    dev = environment("dev", tmp_path)
    synth.write(dev.desired, dev.build)
    findings.append(in_stack(OUTPUT, "dev"))

    assert message(dev).startswith("build/dev/avatars.yaml:2 crd-dev-avatars Outputs.Name: ")


@pytest.mark.parametrize("text", [None, "# old"])
def test_the_place_is_the_stack_file_if_the_template_is_stale(
    findings: list[Finding], tmp_path: Path, text: str | None
) -> None:
    """A line of a missing or another template would be wrong; nothing is written for accounts."""
    dev = environment("dev", tmp_path)
    if text:
        dev.build.mkdir(parents=True)
        (dev.build / "avatars.yaml").write_text(text)
    findings.append(in_stack(OUTPUT, "dev"))

    assert message(dev).startswith("stacks/avatars.py:7 crd-dev-avatars Outputs.Name: ")
    assert dev.build.exists() is bool(text)


@pytest.mark.parametrize("rule", ["C606", lint.STALE])
def test_findings_of_policy_rules_are_warnings_in_the_emulator(
    findings: list[Finding], tmp_path: Path, rule: str
) -> None:
    """A local deployment continues; the hint says that accounts refuse them."""
    findings.append(in_stack(replace(POLICY, rule=rule), "local"))

    warning = check_before_deployment(environment("local", tmp_path), Path("cache"))

    assert warning is not None
    assert f"Thumbnail: {rule} loses events" in warning.message
    assert warning.hint.startswith("accounts refuse these findings: ")


def test_findings_of_cfn_lint_stop_a_local_deployment(
    findings: list[Finding], tmp_path: Path
) -> None:
    """The error has the findings of policy rules too."""
    findings += [in_stack(POLICY, "local"), in_stack(CFN_LINT, "local")]

    with pytest.raises(LintError, match=r"C606 loses events\n.*E3002 unknown property"):
        check_before_deployment(environment("local", tmp_path), Path("cache"))


def test_an_account_refuses_every_finding(findings: list[Finding], tmp_path: Path) -> None:
    """A violation of a policy rule stops a deployment to an account."""
    findings.append(in_stack(POLICY, "dev"))

    with pytest.raises(LintError, match="C606"):
        check_before_deployment(environment("dev", tmp_path), Path("cache"))


def test_no_findings_are_no_warning(findings: list[Finding], tmp_path: Path) -> None:
    """Without findings, nothing is shown or raised."""
    assert check_before_deployment(environment("dev", tmp_path), Path("cache")) is None
    assert template_checks.check_templates([environment("dev", tmp_path)], Path("cache")) is None
