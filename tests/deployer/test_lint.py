"""Running cfn-lint: findings, cache, exemptions and output."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deployer import lint as lint_module
from deployer.errors import ConfigError, LintError
from deployer.lint import (
    EXEMPTIONS,
    STALE,
    Exemption,
    Finding,
    describe,
    lint,
    load_exemptions,
)
from deployer.lint import cache as cache_module
from deployer.lint import cfn_lint as cfn_lint_module
from deployer.model import Line

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Subject:
    name: str
    text: str
    region: str = "eu-central-1"
    lines: Mapping[str, Line] = field(default_factory=dict)


def subject(name: str, text: str) -> Subject:
    """Return a template whose resources are defined in stacks/NAME.py, ten lines apart."""
    titles = ("Zone", "Alarms", "Uploads")
    lines = {title: Line(f"stacks/{name}.py", 10 * n) for n, title in enumerate(titles, 1)}
    return Subject(f"crd-dev-{name}", text, lines=lines)


ZONE = """
Resources:
  Zone:
    Type: AWS::Route53::HostedZone
    Properties:
      Name: cruddur.com
"""
INVALID = (
    subject("clean", ZONE),
    subject(
        "attribute",
        ZONE
        + """
  Alarms:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: !GetAtt Zone.Idd
""",
    ),
    subject(
        "two",
        """
Resources:
  Alarms:
    Type: AWS::SNS::Topic
    Properties:
      DisplayNam: Alarms
  Zone:
    Type: AWS::Route53::HostedZone
    Properties:
      Name: !Ref Domain
""",
    ),
    subject(
        "policies",
        """
Resources:
  Uploads:
    Type: AWS::SQS::Queue
    Properties:
      MessageRetentionPeriod: 60
""",
    ),
    subject(
        "excuse",
        """
Metadata:
  cfn-lint: {config: {ignore_checks: [E3002]}}
Resources:
  Alarms:
    Type: AWS::SNS::Topic
    Metadata:
      cfn-lint: {config: {ignore_checks: [E3002]}}
    Properties:
      DisplayNam: Alarms
""",
    ),
    subject(
        "output",
        ZONE
        + """
Outputs:
  ZoneId:
    Value: !GetAtt Zone.Idd
""",
    ),
    subject("broken", "Resources: ]"),
    subject("empty", "# Nothing."),
)
EXPECTED = [
    ("E1010", "error", "crd-dev-attribute", "Alarms", "stacks/attribute.py:20"),
    ("E3002", "error", "crd-dev-two", "Alarms", "stacks/two.py:20"),
    ("E1020", "error", "crd-dev-two", "Zone", "stacks/two.py:10"),
    ("I3011", "informational", "crd-dev-policies", "Uploads", "stacks/policies.py:30"),
    ("I3011", "informational", "crd-dev-policies", "Uploads", "stacks/policies.py:30"),
    ("E3002", "error", "crd-dev-excuse", "Alarms", "stacks/excuse.py:20"),
    ("E6101", "error", "crd-dev-output", "Outputs.ZoneId", None),
    ("E0000", "error", "crd-dev-broken", "", None),
    ("E1001", "error", "crd-dev-empty", "", None),
]


@dataclass(frozen=True)
class Linted:
    """The findings of cfn-lint in INVALID, and the folder of the cache."""

    findings: tuple[Finding, ...]
    cache: Path


@pytest.fixture(scope="module")
def linted(tmp_path_factory: pytest.TempPathFactory) -> Linted:
    cache = tmp_path_factory.mktemp("cache")
    return Linted(lint(INVALID, cache_folder=cache, jobs=1), cache)


class FakeCfnLint:
    """Reports a finding in every template, and records the calls."""

    def __init__(self) -> None:
        self.templates: list[tuple[str, str]] = []

    def __call__(
        self, templates: Sequence[tuple[str, str]], *, jobs: int
    ) -> list[tuple[Finding, ...]]:
        self.templates += templates
        return [
            (Finding("E1", "error", text, ("Resources", "Zone", "Type"), 3, 5, ""),)
            for text, _ in templates
        ]


@pytest.fixture
def cfn_lint(monkeypatch: pytest.MonkeyPatch) -> FakeCfnLint:
    fake = FakeCfnLint()
    monkeypatch.setattr(lint_module, "run_cfn_lint", fake)
    return fake


# Findings


def test_a_finding_has_the_line_of_its_resource(linted: Linted) -> None:
    """Errors that troposphere accepts are reported with the line of the stack file.

    A finding that does not concern a resource has no such line. A missing policy is two findings.
    """
    found = [
        (
            finding.rule,
            finding.level,
            finding.stack,
            finding.where,
            finding.source and str(finding.source),
        )
        for finding in linted.findings
    ]

    assert found == EXPECTED


def test_a_finding_has_its_place_and_a_page(linted: Linted) -> None:
    """Row, column and path are those of the template; the page of the rule is a URL."""
    finding, _ = (found for found in linted.findings if found.stack == "crd-dev-two")

    place = (finding.row, finding.column, finding.path)

    assert place == (6, 7, ("Resources", "Alarms", "Properties", "DisplayNam"))
    assert finding.docs.startswith("https://")


def test_two_processes_have_the_same_findings(linted: Linted, tmp_path: Path) -> None:
    """Two processes return the findings of one, in the same order."""
    findings = lint(INVALID, cache_folder=tmp_path, jobs=2)

    assert findings == linted.findings


def test_spawned_processes_have_the_same_findings(linted: Linted, tmp_path: Path) -> None:
    """Processes are spawned on macOS, and if another thread prevents a fork."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()

    try:
        findings = lint(INVALID, cache_folder=tmp_path, jobs=2)
    finally:
        done.set()
        thread.join()

    assert findings == linted.findings


def test_settings_of_the_user_are_ignored(linted: Linted, tmp_path: Path) -> None:
    """~/.cfnlintrc, ./.cfnlintrc, newer schemas in the cache and AWS_REGION have no effect."""
    (tmp_path / ".cfnlintrc").write_text("ignore_checks: [E, I]\nnonsense: [W]\n")
    _newer_schemas(tmp_path / "cache" / "aws" / "cfn-lint" / "schemas")
    _newer_schemas(tmp_path / "Library" / "Caches" / "aws" / "cfn-lint" / "schemas")
    env = {
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "AWS_REGION": "us-west-2",
        "PYTHONHASHSEED": "7",
    }

    result = _lint_in_a_process(tmp_path / "memory", cwd=tmp_path, env=env)

    assert result["findings"] == [describe(finding) for finding in linted.findings]


def test_a_region_that_cfn_lint_does_not_know_is_an_error(tmp_path: Path) -> None:
    """cfn-lint checks nothing in an unknown region, so this is not a clean result."""
    with pytest.raises(LintError, match="mars-north-1: cfn-lint does not know this region"):
        lint([Subject("crd-dev-dns", ZONE, "mars-north-1")], cache_folder=tmp_path, jobs=1)


def test_a_long_list_of_valid_values_is_its_length_and_the_nearest_value() -> None:
    """A misspelt service in an action is one short line, not 5 kB of valid values."""
    template = json.dumps(
        {
            "Resources": {
                "Policy": {
                    "Type": "AWS::IAM::ManagedPolicy",
                    "Properties": {
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": {
                                "Effect": "Allow",
                                "Action": "dyanmodb:PutItem",
                                "Resource": "*",
                            },
                        }
                    },
                }
            }
        }
    )
    (findings,) = cfn_lint_module.run_cfn_lint([(template, "us-east-1")], jobs=1)
    (message,) = (finding.message for finding in findings if finding.rule == "W3037")

    assert re.sub("[0-9]+", "N", message) == (
        "'dyanmodb' is not one of N valid values; did you mean 'dynamodb'?"
    )


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("'a' is not one of ['b', 'c']", "'a' is not one of ['b', 'c']"),
        (f"'a' is not one of {['xyz'] * 30}", "'a' is not one of 30 valid values"),
        (
            "'a' is not one of ['b' is not one of ['c', d']",
            "'a' is not one of ['b' is not one of ['c', d']",
        ),
        ("Additional properties are not allowed", "Additional properties are not allowed"),
    ],
)
def test_only_long_lists_are_shortened(message: str, expected: str) -> None:
    """A short list stays, and so does a message without a list."""
    assert cfn_lint_module.shorten(message) == expected


def test_the_longest_template_is_checked_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The longest template is checked first, and the findings keep the order of the templates."""
    checked: list[str] = []

    def check(template: tuple[str, str]) -> tuple[Finding, ...]:
        checked.append(template[0])
        return (Finding("E1", "error", template[0], (), 1, 1, ""),)

    monkeypatch.setattr(cfn_lint_module, "_check", check)

    findings = lint(
        [Subject("dns", text) for text in ("2.", "3..", "1")], cache_folder=tmp_path, jobs=1
    )

    assert checked == ["3..", "2.", "1"]
    assert [finding.message for finding in findings] == ["2.", "3..", "1"]


# Cache


def test_cached_results_import_nothing(linted: Linted) -> None:
    """A second process reads the cache: no cfn-lint, no troposphere, the same findings."""
    result = _lint_in_a_process(linted.cache)

    assert result["findings"] == [describe(finding) for finding in linted.findings]
    assert result["imported"] == []


def test_only_changed_templates_are_checked(cfn_lint: FakeCfnLint, tmp_path: Path) -> None:
    """An unchanged template is read from the cache, and the findings keep their order."""
    one, two = Subject("one", "1"), Subject("two", "2")
    lint([one], cache_folder=tmp_path)

    findings = lint([two, one], cache_folder=tmp_path)

    assert cfn_lint.templates == [("1", "eu-central-1"), ("2", "eu-central-1")]
    assert [(finding.stack, finding.message) for finding in findings] == [
        ("two", "2"),
        ("one", "1"),
    ]


def test_equal_templates_are_checked_once(cfn_lint: FakeCfnLint, tmp_path: Path) -> None:
    """The name of the stack is not part of the key, only of the finding."""
    findings = lint([Subject("one", "text"), Subject("two", "text")], cache_folder=tmp_path)

    assert cfn_lint.templates == [("text", "eu-central-1")]
    assert [finding.stack for finding in findings] == ["one", "two"]


def test_lines_are_not_cached(cfn_lint: FakeCfnLint, tmp_path: Path) -> None:
    """A stack file may change without its template; the finding has the new line."""
    lint([Subject("dns", "text", lines={"Zone": Line("stacks/dns.py", 1)})], cache_folder=tmp_path)

    (finding,) = lint(
        [Subject("dns", "text", lines={"Zone": Line("stacks/dns.py", 2)})], cache_folder=tmp_path
    )

    assert finding.source == Line("stacks/dns.py", 2)
    assert len(cfn_lint.templates) == 1


@pytest.mark.parametrize(
    "changed",
    [Subject("dns", "text", "us-east-1"), Subject("dns", "text "), Subject("dns", "# text")],
    ids=["region", "space", "comment"],
)
def test_another_text_or_region_is_checked(
    cfn_lint: FakeCfnLint, tmp_path: Path, changed: Subject
) -> None:
    """The findings depend on text and region."""
    lint([Subject("dns", "text")], cache_folder=tmp_path)

    lint([changed], cache_folder=tmp_path)

    assert cfn_lint.templates[1:] == [(changed.text, changed.region)]


def test_another_version_checks_again(
    cfn_lint: FakeCfnLint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update of cfn-lint, Python or this package invalidates the cache."""
    lint([Subject("dns", "text")], cache_folder=tmp_path)
    monkeypatch.setattr(cache_module, "_versions", lambda: "another")

    lint([Subject("dns", "text")], cache_folder=tmp_path)

    assert len(cfn_lint.templates) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-2],
        lambda text: text.replace("error", "wrong"),
        lambda text: text.partition("\n")[0] + "\n[]",
        lambda text: "\0" + text,
    ],
    ids=["emptied", "truncated", "edited", "cleared", "shifted"],
)
def test_a_damaged_entry_is_checked_again(
    cfn_lint: FakeCfnLint, tmp_path: Path, damage: object
) -> None:
    """A template with a damaged cache entry is checked again, and the entry is written again."""
    before = lint([Subject("dns", "text")], cache_folder=tmp_path)
    (entry,) = tmp_path.iterdir()
    whole = entry.read_text()
    entry.write_text(damage(whole))

    after = lint([Subject("dns", "text")], cache_folder=tmp_path)

    assert after == before
    assert len(cfn_lint.templates) == 2
    assert entry.read_text() == whole


def test_an_entry_with_another_name_is_damaged(cfn_lint: FakeCfnLint, tmp_path: Path) -> None:
    """A copy of the entry of a clean template over that of another one is not used."""
    one, two = Subject("dns", "one"), Subject("dns", "two")
    lint([one], cache_folder=tmp_path)
    (first,) = tmp_path.iterdir()
    lint([two], cache_folder=tmp_path)
    (second,) = set(tmp_path.iterdir()) - {first}
    second.write_bytes(first.read_bytes())

    (finding,) = lint([two], cache_folder=tmp_path)

    assert finding.message == "two"


def test_the_least_recently_used_entries_are_deleted(
    cfn_lint: FakeCfnLint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The least recently used entries are deleted, so that the folder does not grow forever."""
    monkeypatch.setattr(cache_module, "MAX_ENTRIES", 2)
    lint([Subject("dns", "used")], cache_folder=tmp_path)
    (used,) = tmp_path.iterdir()
    lint([Subject("dns", "idle")], cache_folder=tmp_path)
    (idle,) = set(tmp_path.iterdir()) - {used}
    os.utime(used, (1, 1))
    os.utime(idle, (2, 2))

    lint([Subject("dns", "used"), Subject("dns", "new")], cache_folder=tmp_path)

    assert len(list(tmp_path.iterdir())) == 2
    assert (used.exists(), idle.exists()) == (True, False)


def test_other_files_are_not_deleted(
    cfn_lint: FakeCfnLint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other files in the folder are not deleted: it may be a link to a wrong folder."""
    monkeypatch.setattr(cache_module, "MAX_ENTRIES", 1)
    others = [tmp_path / name for name in ("thesis.txt", "deadbeef", "0" * 63)]
    for file in others:
        file.touch()
        os.utime(file, (1, 1))

    lint([Subject("dns", "one"), Subject("dns", "two")], cache_folder=tmp_path)

    assert all(file.exists() for file in others)
    assert len(list(tmp_path.iterdir())) == len(others) + 1


def test_drafts_of_killed_processes_are_deleted(
    cfn_lint: FakeCfnLint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A draft that `write_atomically` left is removed like an old entry."""
    monkeypatch.setattr(cache_module, "MAX_ENTRIES", 1)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(Path, "replace", stop)
        killed.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            lint([Subject("dns", "one")], cache_folder=tmp_path)
    (draft,) = tmp_path.iterdir()
    os.utime(draft, (1, 1))

    lint([Subject("dns", "two")], cache_folder=tmp_path)

    assert not draft.exists()


def test_a_cache_that_cannot_be_written_is_no_error(cfn_lint: FakeCfnLint, tmp_path: Path) -> None:
    """The findings are returned without the cache."""
    (tmp_path / "file").touch()

    findings = lint([Subject("dns", "text")], cache_folder=tmp_path / "file" / "memory")

    assert len(findings) == 1


# Exemptions


def exemption(**changed: str) -> Exemption:
    values = {
        "rule": "E1",
        "stack": "crd-*-dns",
        "resource": "Zone",
        "reason": "why",
        "date": "now",
    }
    return Exemption(**values | changed, number=7)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (exemption(), []),
        (exemption(stack="crd-dev-dns"), []),
        (exemption(resource="Z*"), []),
        (exemption(rule="E2"), ["E1", STALE]),
        (exemption(rule="E"), ["E1", STALE]),
        (exemption(resource="zone"), ["E1", STALE]),
        (exemption(stack="crd-*"), []),
        (exemption(stack="crd-prod-dns"), ["E1"]),
    ],
    ids=["globs", "name", "part", "rule", "prefix", "case", "wide", "elsewhere"],
)
def test_an_exemption_covers_what_it_names(
    cfn_lint: FakeCfnLint, tmp_path: Path, one: Exemption, expected: list[str]
) -> None:
    """An exemption of a given stack that matches nothing is a finding itself."""
    findings = lint([Subject("crd-dev-dns", "text")], exemptions=[one], cache_folder=tmp_path)

    assert [finding.rule for finding in findings] == expected


def test_an_exemption_of_a_setting_is_not_stale(cfn_lint: FakeCfnLint, tmp_path: Path) -> None:
    """An exemption that names a setting is never stale: another value of the setting may need it."""
    conditional = exemption(rule="E2", setting="network.nat")

    findings = lint(
        [Subject("crd-dev-dns", "text")], exemptions=[conditional], cache_folder=tmp_path
    )

    assert [finding.rule for finding in findings] == ["E1"]


def test_a_stale_exemption_has_its_line(cfn_lint: FakeCfnLint, tmp_path: Path) -> None:
    """The finding has the line of exemptions.toml to delete."""
    one = exemption(rule="W9")

    *_, finding = lint([Subject("crd-dev-dns", "text")], exemptions=[one], cache_folder=tmp_path)

    assert describe(finding) == (
        "deployer/lint/exemptions.toml:7 crd-*-dns Zone:"
        " L0001 no finding matches the exemption from W9: delete it"
    )
    assert finding.level == "warning"


def test_policy_findings_follow_those_of_cfn_lint(cfn_lint: FakeCfnLint, tmp_path: Path) -> None:
    """Policy findings follow those of cfn-lint, by stack, and exemptions apply to them too."""
    policy_findings = [
        Finding("C101", "error", "Ours", ("Resources", "Zone"), 3, 1, "", name, None, detail)
        for name, detail in (("crd-dev-dns", ""), ("crd-dev-net", "Sid"), ("crd-dev-net", "Other"))
    ]
    exempt = exemption(rule="C101", stack="crd-dev-net", resource="Zone/S*")
    stacks = [Subject("crd-dev-dns", "dns"), Subject("crd-dev-net", "net")]

    findings = lint(
        stacks, exemptions=[exempt], policy_findings=policy_findings, cache_folder=tmp_path
    )

    assert [(finding.stack, finding.rule, finding.where) for finding in findings] == [
        ("crd-dev-dns", "E1", "Zone"),
        ("crd-dev-dns", "C101", "Zone"),
        ("crd-dev-net", "E1", "Zone"),
        ("crd-dev-net", "C101", "Zone/Other"),
    ]


def test_a_new_exemption_needs_no_check(cfn_lint: FakeCfnLint, tmp_path: Path) -> None:
    """The cache has all findings, also the exempt ones."""
    lint([Subject("crd-dev-dns", "text")], cache_folder=tmp_path)

    findings = lint(
        [Subject("crd-dev-dns", "text")], exemptions=[exemption()], cache_folder=tmp_path
    )

    assert findings == ()
    assert len(cfn_lint.templates) == 1


WRITTEN = """# Exemptions.

[[exemption]]
rule = "W3005"
stack = "crd-*-service"
resource = "Backend"
reason = "Says why."
date = 2026-11-21
"""


def test_exemptions_are_read_from_a_table(tmp_path: Path) -> None:
    """Each exemption has its line in the file."""
    (tmp_path / "some.toml").write_text(WRITTEN + WRITTEN.replace("W3005", "W3006"))

    one, two = load_exemptions(tmp_path / "some.toml")

    assert one == Exemption("W3005", "crd-*-service", "Backend", "Says why.", "2026-11-21")
    assert (two.rule, one.number, two.number) == ("W3006", 3, 11)


def test_an_exemption_may_name_a_setting(tmp_path: Path) -> None:
    """The finding depends on the value of this setting."""
    (tmp_path / "some.toml").write_text(WRITTEN + 'setting = "service.exec"\n')

    [one] = load_exemptions(tmp_path / "some.toml")

    assert one.setting == "service.exec"


def test_one_reason_may_apply_to_several_resources(tmp_path: Path) -> None:
    """Each stack and resource of a list is an exemption, so each can become stale."""
    several = WRITTEN.replace('"Backend"', '["Front", "Back"]').replace(
        '"crd-*-service"', '["crd-dev-a", "crd-dev-b"]'
    )
    (tmp_path / "some.toml").write_text(several)

    found = load_exemptions(tmp_path / "some.toml")

    assert [(row.stack, row.resource, row.number) for row in found] == [
        ("crd-dev-a", "Front", 3),
        ("crd-dev-a", "Back", 3),
        ("crd-dev-b", "Front", 3),
        ("crd-dev-b", "Back", 3),
    ]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (WRITTEN.replace("[[", "[").replace("]]", "]"), "only .*tables are allowed"),
        (WRITTEN + "[other]\n", "only .*tables are allowed"),
        (WRITTEN.replace("exemption", "exemptions"), "only .*tables are allowed"),
        (WRITTEN.replace("Says why.", " "), "line 3: reason missing"),
        (WRITTEN.replace("resource", "resorce"), "line 3: resorce, resource missing or unknown"),
        (WRITTEN + "number = 4\n", "line 3: number missing or unknown"),
        (WRITTEN.replace('"W3005"', "W3005"), "Invalid value"),
        (WRITTEN.replace('"Backend"', "[]"), "line 3: resource missing"),
    ],
    ids=["single", "other", "plural", "no reason", "misspelt", "extra", "no TOML", "none"],
)
def test_anything_else_in_the_file_is_an_error(tmp_path: Path, text: str, fact: str) -> None:
    """An invalid exemption is not ignored."""
    (tmp_path / "some.toml").write_text(text)

    with pytest.raises(ConfigError, match=f"some.toml: .*{fact}"):
        load_exemptions(tmp_path / "some.toml")


def test_the_exemptions_are_valid() -> None:
    """Every exemption names one complete rule, of cfn-lint or of the policy rules."""
    rules = [exemption.rule for exemption in load_exemptions(EXEMPTIONS)]

    assert [rule for rule in rules if not re.fullmatch(r"[EWI]\d{4}|C\d{3}", rule)] == []


# Output


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (
            Finding(
                *("E3002", "error", "No\n such  property", ("Resources", "Lb", "Properties"), 4, 1),
                *("", "crd-dev-cluster", Line("stacks/cluster.py", 88)),
            ),
            "stacks/cluster.py:88 crd-dev-cluster Lb: E3002 No such property",
        ),
        (
            Finding("E6101", "error", "Bad", ("Outputs", "Vpc", "Value"), 9, 1, "", "crd-dev-net"),
            "crd-dev-net:9 Outputs.Vpc: E6101 Bad",
        ),
        (
            Finding("E0000", "error", "No YAML", (), 1, 1, "", "crd-dev-net"),
            "crd-dev-net:1: E0000 No YAML",
        ),
    ],
    ids=["line", "row", "whole"],
)
def test_a_finding_is_one_line(finding: Finding, expected: str) -> None:
    """The line begins with the place of the finding."""
    assert describe(finding) == expected


SCRIPT = """
import sys
before = {*sys.modules}  # coverage may be among them, and what it needs

import json
from collections import namedtuple
from pathlib import Path
from deployer.lint import describe, lint

Line = namedtuple("Line", "file number")
Line.__str__ = lambda line: f"{line.file}:{line.number}"
Subject = namedtuple("Subject", "name text region lines")
subjects = [
    Subject(name, text, region, {title: Line(*line) for title, line in lines.items()})
    for name, text, region, lines in json.load(sys.stdin)
]
findings = lint(subjects, cache_folder=Path(sys.argv[1]), jobs=1)
heavy = {"cfnlint", "troposphere", "multiprocessing", "importlib.metadata"}
imported = sorted(heavy & {*sys.modules} - before)
print(json.dumps({"findings": [describe(finding) for finding in findings], "imported": imported}))
"""


def _lint_in_a_process(
    cache: Path, *, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> dict[str, list[str]]:
    """Return the findings in INVALID of a new process, and the slow modules that it imports."""
    texts = [
        (
            subject.name,
            subject.text,
            subject.region,
            {title: (line.file, line.number) for title, line in subject.lines.items()},
        )
        for subject in INVALID
    ]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(cache)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def _newer_schemas(folder: Path) -> None:
    """Write newer schemas like `cfn-lint -u`, but without any resource types."""
    (folder / "providers").mkdir(parents=True)
    (folder / "version.json").write_text('{"schema_date": "2099-01-01"}')
    for region in "us-east-1", "eu-central-1":
        (folder / "providers" / f"{region}.json").write_text("{}")
