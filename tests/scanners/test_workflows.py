"""The GitHub workflows: valid, pinned, and with minimal permissions."""

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
INSECURE = """\
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


def locations(findings):
    """Return the rule, workflow and path of each finding."""
    return [(finding.rule, finding.stack, finding.where) for finding in findings]


def test_parse_audit() -> None:
    """A finding has the path of its primary location."""
    found = workflows.parse_audit(json.loads((RECORDED / "zizmor.json").read_text()))

    assert locations(found) == [
        ("zizmor:template-injection", "bad.yml", "jobs.a.steps.1.run"),
        ("zizmor:unpinned-uses", "bad.yml", "jobs.a.steps.0.uses"),
    ]


def test_parse_validation() -> None:
    """An unreadable file is a finding. Of several messages the most specific is used."""
    found = workflows.parse_validation(json.loads((RECORDED / "schema.json").read_text()))

    assert locations(found) == [
        ("schema:refused", "worse.yml", "$"),
        ("schema:refused", "bad.yml", "jobs.a"),
    ]
    assert found[1].message == "Additional properties are not allowed ('step' was unexpected)"


def test_folder_without_workflows_is_an_error(tmp_path: Path) -> None:
    """A folder without workflows is an error: it would have no findings."""
    with pytest.raises(ScannerError, match="there is no workflow in"):
        workflows._files(tmp_path)


@pytest.mark.slow
def test_workflows_have_no_findings() -> None:
    """The scanners of schema and security accept the workflows of this repository."""
    assert (workflows.audit(), workflows.validate()) == ((), ())


@pytest.mark.slow
def test_insecure_workflow_is_found(tmp_path: Path) -> None:
    """Unpinned actions, injections, excessive permissions and schema errors are findings."""
    (tmp_path / "naive.yml").write_text(INSECURE)

    audited = {finding.rule for finding in workflows.audit(tmp_path)}
    validated = locations(workflows.validate(tmp_path))

    assert {
        "zizmor:dangerous-triggers",
        "zizmor:excessive-permissions",
        "zizmor:template-injection",
        "zizmor:unpinned-uses",
    } <= audited
    assert validated == [("schema:refused", "naive.yml", "jobs.publish")]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned(file: Path) -> None:
    """Each action is pinned to a commit, with its version in a comment."""
    used = re.findall(r"uses: (.*)", file.read_text())

    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_tasks_exist(file: Path) -> None:
    """Workflows use only tasks that exist."""
    named = set(re.findall(r"\./inv ([\w.]+)", file.read_text()))

    assert named
    assert named <= tasks.namespace.task_names.keys()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_permissions(file: Path) -> None:
    """Jobs have no permissions by default; only the publishing job may request an OIDC token.

    Only the job that comments, which checks out no code, may write to pull requests.
    """
    workflow = load(file.read_text())
    permissions = {name: job["permissions"] for name, job in workflow["jobs"].items()}

    assert workflow["permissions"] == {}
    assert (
        permissions
        == {
            "plan": {
                "check": {"contents": "read"},
                "plan": {"contents": "read"},
                "comment": {"pull-requests": "write"},
            },
            "sync": {"publish": {"contents": "read", "id-token": "write"}},
        }[file.stem]
    )


def test_only_the_branch_publishes() -> None:
    """No job has an environment, whose name would replace the branch in the OIDC token."""
    workflow = load((workflows.FOLDER / "sync.yml").read_text())

    assert workflow.get("on", workflow.get(True)) == {"push": {"branches": ["prod"]}}
    assert all("environment" not in job for job in workflow["jobs"].values())
    assert workflow["concurrency"] == {"group": "sync", "cancel-in-progress": False}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_fails_ends_its_job(file: Path) -> None:
    """A job ends at its first failed step, so a failed build is not published (defect 58)."""
    jobs = load(file.read_text())["jobs"].values()
    steps = [step for job in jobs for step in job["steps"]]

    assert steps
    assert [part for part in [*jobs, *steps] if "continue-on-error" in part] == []
    assert [step for step in steps if "always()" in str(step.get("if", ""))] == []
