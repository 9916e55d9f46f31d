"""The comment of the plan workflow: one for each environment, updated and never repeated."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from deployer.report.offline_plan_markdown import marker
from deployer.template_yaml import load

WORKFLOW = load((Path(__file__).parents[1] / ".github" / "workflows" / "plan.yml").read_text())
COMMENT = WORKFLOW["jobs"]["comment"]
# A gh that prints the ids in $IDS for a listing, and records all other calls.
GH = """#!/bin/sh
case "$*" in
    *--paginate*) printf '%s' "$IDS" ;;
    *) echo "$*" >> "$CALLS" ;;
esac
"""


def post(folder: Path, ids: str = "", title: str = "### prod: 1 changed") -> list[str]:
    """Run the script of the comment with one plan, and return the calls that write."""
    (folder / "plans").mkdir()
    (folder / "plans" / "prod.md").write_text(f"{marker('prod')}\n{title}\n")
    (folder / "gh").write_text(GH)
    (folder / "gh").chmod(0o755)
    calls = folder / "calls"
    calls.touch()
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "REPOSITORY": "o/r",
        "NUMBER": "7",
        "IDS": ids,
        "CALLS": str(calls),
    }
    script = COMMENT["steps"][-1]["run"]
    command = ["bash", "-e", "-o", "pipefail", "-c", script]
    subprocess.run(command, cwd=folder, env=environment, check=True)
    return calls.read_text().splitlines()


def test_the_first_comment_is_created(tmp_path: Path) -> None:
    """Without a comment of the environment, one is created."""
    assert post(tmp_path) == [
        "api --silent --method POST repos/o/r/issues/7/comments -F body=@plans/prod.md"
    ]


def test_a_later_plan_updates_the_comment(tmp_path: Path) -> None:
    """The first comment of the environment is updated, even if there are several."""
    assert post(tmp_path, "11\n12\n") == [
        "api --silent --method PATCH repos/o/r/issues/comments/11 -F body=@plans/prod.md"
    ]


def test_no_changes_need_no_comment(tmp_path: Path) -> None:
    """A plan without changes only updates a comment."""
    assert post(tmp_path, title="### prod: no changes") == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "hello\n"),
        ("a.md", f"{marker('prod')}\n### a: 1 changed\n"),
        ("A b;c.md", f"{marker('A b;c')}\n### a: 1 changed\n"),
        ("a\n::set-output name=x::y.md", "hello\n"),
        ("a.md", f"{marker('a')}\n{'x' * 300_000}\n"),
    ],
)
def test_a_file_that_is_not_a_plan_is_refused(tmp_path: Path, name: str, text: str) -> None:
    """A file with another marker, a name that no environment has, or of another size is not posted."""
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / name).write_text(text)

    assert refused(tmp_path) == "::error::a file of the artifact is not a plan\n"


def test_a_link_is_refused(tmp_path: Path) -> None:
    """A symbolic link in the artifact is refused: it could lead to the token of the job."""
    (tmp_path / "plans").mkdir()
    (tmp_path / "secret").write_text(f"{marker('prod')}\n### prod: 1 changed\n")
    (tmp_path / "plans" / "prod.md").symlink_to(tmp_path / "secret")

    assert refused(tmp_path) == "::error::a file of the artifact is not a plan\n"


def test_many_files_are_refused(tmp_path: Path) -> None:
    """An artifact with many files is refused, which would create as many comments."""
    (tmp_path / "plans").mkdir()
    for number in range(11):
        (tmp_path / "plans" / f"e{number}.md").write_text(f"{marker(f'e{number}')}\n")

    assert refused(tmp_path) == "::error::the artifact has more than ten plans\n"


def refused(folder: Path) -> str:
    """Run the script of the comment, which must fail without a call; return its output."""
    (folder / "gh").write_text("#!/bin/sh\ntouch called\n")
    (folder / "gh").chmod(0o755)
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", COMMENT["steps"][-1]["run"]],
        cwd=folder,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "REPOSITORY": "o/r", "NUMBER": "7"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert not (folder / "called").exists()
    return done.stdout


def test_the_workflow_runs_without_the_rights_of_the_base() -> None:
    """The event is pull_request, and no expression is part of a script.

    For a fork, GitHub then issues a token that can only read.
    """
    scripts = [
        step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step
    ]
    events = WORKFLOW.get("on", WORKFLOW.get(True))

    assert [*events] == ["pull_request"]
    assert [script for script in scripts if "${{" in script] == []
    assert "secrets." not in json.dumps(WORKFLOW)
    assert "cache" not in json.dumps(WORKFLOW["jobs"])


def test_only_the_job_without_code_may_write() -> None:
    """The job that runs code of the pull request reads; the one that writes has no checkout."""
    writing = {
        name: job
        for name, job in WORKFLOW["jobs"].items()
        if "write" in json.dumps(job["permissions"])
    }

    assert [*writing] == ["comment"]
    assert "checkout" not in json.dumps(COMMENT["steps"])
    assert "./inv" not in json.dumps(COMMENT["steps"])
    assert "head.repo.full_name == github.repository" in COMMENT["if"]
    assert WORKFLOW["permissions"] == {}
