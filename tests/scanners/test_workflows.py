"""The workflows of GitHub: fit to run, and no way in for strangers."""

import json
import re
from pathlib import Path

import pytest

import tasks
from deployer.template_yaml import load
from tests.scanners import workflows
from tests.scanners.errors import ScannerError

RECORDED = Path(__file__).parent / "recorded"
FILES = sorted(workflows.FOLDER.glob("*.yml"))
NAIVE = """\
name: naive
on: pull_request_target
jobs:
  publish:
    runs-on: ubuntu-latest
    step: 1
    steps:
    - uses: actions/checkout@v4
    - run: echo ${{ github.event.pull_request.title }}
"""


def places(findings):
    """The rule, workflow and place of each."""
    return [(each.rule, each.stack, each.where) for each in findings]


def test_audited() -> None:
    """The place is that of the primary location; the others lead there."""
    found = workflows.audited(json.loads((RECORDED / "zizmor.json").read_text()))

    assert [
        ("zizmor:template-injection", "bad.yml", "jobs.a.steps.1.run"),
        ("zizmor:unpinned-uses", "bad.yml", "jobs.a.steps.0.uses"),
    ] == places(found)


def test_validated() -> None:
    """What cannot be read is a finding, and of many reasons the closest is told."""
    found = workflows.validated(json.loads((RECORDED / "schema.json").read_text()))

    assert [
        ("schema:refused", "worse.yml", "$"),
        ("schema:refused", "bad.yml", "jobs.a"),
    ] == places(found)
    assert "Additional properties are not allowed ('step' was unexpected)" == found[1].message


def test_no_workflow_is_no_approval(tmp_path: Path) -> None:
    """A folder that was moved would have no findings."""
    with pytest.raises(ScannerError, match="there is no workflow in"):
        workflows._files(tmp_path)


@pytest.mark.slow
def test_nothing_is_found() -> None:
    """Both tools over our workflows."""
    assert ((), ()) == (workflows.audit(), workflows.validate())


@pytest.mark.slow
def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    """Unpinned, injectable, with too many rights, and no workflow at all."""
    (tmp_path / "naive.yml").write_text(NAIVE)

    audited = {each.rule for each in workflows.audit(tmp_path)}
    validated = places(workflows.validate(tmp_path))

    assert {
        "zizmor:dangerous-triggers",
        "zizmor:excessive-permissions",
        "zizmor:template-injection",
        "zizmor:unpinned-uses",
    } <= audited
    assert [("schema:refused", "naive.yml", "jobs.publish")] == validated


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned(file: Path) -> None:
    """By commit, with the version behind it."""
    used = re.findall(r"uses: (.*)", file.read_text())

    assert used
    for each in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_tasks_exist(file: Path) -> None:
    """A workflow speaks of our tasks by their names."""
    named = set(re.findall(r"\./inv ([\w.]+)", file.read_text()))

    assert named
    assert named <= tasks.namespace.task_names.keys()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_rights(file: Path) -> None:
    """None by default; only who publishes may ask for a token."""
    said = load(file.read_text())
    rights = {name: job["permissions"] for name, job in said["jobs"].items()}

    assert {} == said["permissions"]
    assert (
        rights
        == {
            "plan": {"check": {"contents": "read"}},
            "sync": {"publish": {"contents": "read", "id-token": "write"}},
        }[file.stem]
    )


def test_only_the_branch_publishes() -> None:
    """And no environment, whose name would stand in the token in place of the branch."""
    said = load((workflows.FOLDER / "sync.yml").read_text())

    assert {"push": {"branches": ["prod"]}} == said.get("on", said.get(True))
    assert all("environment" not in job for job in said["jobs"].values())
    assert {"group": "sync", "cancel-in-progress": False} == said["concurrency"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_fails_ends_its_job(file: Path) -> None:
    """Nothing is published of a build that failed (defect 58)."""
    jobs = load(file.read_text())["jobs"].values()
    steps = [step for job in jobs for step in job["steps"]]

    assert steps
    assert [one for one in [*jobs, *steps] if "continue-on-error" in one] == []
    assert [step for step in steps if "always()" in str(step.get("if", ""))] == []
