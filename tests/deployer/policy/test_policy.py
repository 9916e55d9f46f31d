from __future__ import annotations

import copy
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer import policy
from deployer.lint import describe, load_exemptions
from deployer.lint.exemptions import stale
from deployer.policy import RULES, check
from deployer.policy.rules_page import markdown
from operations import project
from tests.deployer.policy.clean_templates import (
    FAR,
    HIGH,
    LOW,
    PIECES,
    Env,
    Piece,
    alarms,
    only,
    ref,
    subjects,
    taken,
)
from tests.deployer.policy.clean_templates import given as exported
from tests.deployer.policy.equivalent_templates import respelled
from tests.deployer.policy.planted_violations import FAULTS, Fault

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]
EXEMPT = {one.rule for one in load_exemptions() if one.rule.startswith("C")}


def places(*pieces: Piece, protect: bool = True) -> list[tuple[str, str]]:
    found = check(subjects(*pieces), Env(protect=protect))
    return [(one.rule, one.where) for one in found]


# Each rule


@pytest.mark.parametrize("piece", PIECES)
def test_what_is_clean_has_no_findings(piece: str) -> None:
    """No rule cries wolf, in an environment that is protected and in one that is not."""
    assert places(PIECES[piece]) == []
    assert places(PIECES[piece], protect=False) == []


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_is_found_where_it_is(fault: Fault) -> None:
    """By its rule, by no other, and once."""
    assert places(fault.planted()) == [(fault.rule, fault.where)]


def test_every_rule_has_a_clean_and_a_faulty_template() -> None:
    """The clean one is the piece that the fault is planted in, so it has what the rule asks of."""
    assert {fault.rule for fault in FAULTS} == {rule.id for rule in RULES}


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(sorted(PIECES))), st.sampled_from(FAULTS))
def test_a_fault_is_found_among_anything(others: set[str], fault: Fault) -> None:
    """Whatever else is in the templates, there is that one finding."""
    clean = [PIECES[name] for name in sorted(others - {fault.piece})]

    assert places(*clean, fault.planted()) == [(fault.rule, fault.where)]


PROTECTED = {"C102", "C514", "C618", "C803", "C804", "C812", "C823"}


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.rule in PROTECTED], ids=str)
def test_what_is_made_to_be_thrown_away_need_not_be_kept(fault: Fault) -> None:
    """Protection is asked of protected environments only."""
    assert places(fault.planted(), protect=False) == []


# However it is written


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_rule_finds_the_same_in_every_spelling(rule: policy.Rule, data: st.DataObject) -> None:
    """Quoted numbers, defaults of parameters, Join, Sub, If, one thing for a list of one."""
    fault = data.draw(st.sampled_from([one for one in FAULTS if one.rule == rule.id]))
    seed = data.draw(st.integers(min_value=0, max_value=2**32))

    assert places(respelled(fault.planted(), Random(seed))) == [(rule.id, fault.where)]


@pytest.mark.parametrize("piece", PIECES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_what_is_clean_is_clean_in_every_spelling(piece: str, seed: int) -> None:
    """No rule is tied to the way in which troposphere writes a value."""
    assert places(respelled(PIECES[piece], Random(seed))) == []


# What a rule leaves alone


def test_ecs_exec_is_a_reason_for_a_writable_root() -> None:
    """The agent of ECS Exec writes there."""
    resources = {**PIECES["task"][HIGH]["Resources"]}
    container = resources["Task"]["Properties"]["ContainerDefinitions"][0]
    writable = {**container, "ReadonlyRootFilesystem": False}
    task = _with(resources["Task"], ContainerDefinitions=[writable])
    service = _with(resources["Service"], EnableExecuteCommand=True)

    assert places(only(**{**resources, "Task": task, "Service": service}), protect=False) == []
    assert places(only(**{**resources, "Task": task})) == [("C611", "Task/backend")]


def test_a_developers_machine_may_call_where_nothing_is_protected() -> None:
    """Of localhost, no other name."""
    origins = {"CorsConfiguration": {"AllowOrigins": ["http://localhost:3000"]}}
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": origins}
    piece = only(Api=api, **alarms("AWS/ApiGateway", "5xx Latency", {"ApiId": "Api"}))

    assert places(piece, protect=False) == []
    assert places(piece) == [("C008", "Api")]


def test_a_function_nobody_leaves_alone_needs_no_queue() -> None:
    """An API waits for the answer, so it hears of a failure."""
    resources = _without_queue()
    called = _with(resources["ThumbnailCalled"], Principal="apigateway.amazonaws.com")

    assert places(only(**{**resources, "ThumbnailCalled": called})) == []


def test_a_destination_is_as_good_as_a_queue() -> None:
    """OnFailure stands in a resource of its own."""
    resources = _without_queue()
    resources["Failures"] = {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {
            "FunctionName": {"Ref": "Thumbnail"},
            "DestinationConfig": {"OnFailure": {"Destination": "arn"}},
        },
    }

    assert places(only(**resources)) == []


def test_logs_of_load_balancers_are_guarded_by_their_path() -> None:
    """AWS documents no condition for them, but an account in the path."""
    resources = {**PIECES["bucket"][HIGH]["Resources"]}
    lock, delivery = resources["AssetsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    delivery = {
        **{key: delivery[key] for key in ("Sid", "Effect")},
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": {"Fn::Sub": "${Assets.Arn}/lb/AWSLogs/${AWS::AccountId}/*"},
    }
    policy = _with(resources["AssetsPolicy"], PolicyDocument={"Statement": [lock, delivery]})

    assert places(only(**{**resources, "AssetsPolicy": policy})) == []


def test_a_loop_is_seen_through_an_import() -> None:
    """The bucket of a lower stack, written to by its ARN."""
    resources = {**PIECES["function"][HIGH]["Resources"]}
    low = {title: resources.pop(title) for title in ("Uploads", "UploadsPolicy")}
    call = {"Function": {"Fn::GetAtt": ["Called", "Arn"]}}
    low["Uploads"] = _with(
        low["Uploads"], NotificationConfiguration={"LambdaConfigurations": [call]}
    )
    low["Called"] = _with(resources.pop("Thumbnail"), Role={"Ref": "Writer"})
    for title in ("ThumbnailLogs", "ThumbnailCalled"):
        low[title] = resources.pop(title)
    low["Writer"] = resources.pop("ThumbnailRole")
    low |= alarms("AWS/Lambda", "Errors Throttles", {"FunctionName": "Called"})
    below = {LOW: {"Resources": low}}

    found = places(below)

    assert found == [("C405", "Uploads")]


def test_what_an_alarm_computes_from_is_watched_too() -> None:
    """How many tasks are wanted, less how many run."""
    resources = {**PIECES["task"][HIGH]["Resources"]}
    watched = resources["ServiceCPUUtilization"]["Properties"]
    running = {
        "Namespace": "ECS/ContainerInsights",
        "MetricName": "RunningTaskCount",
        "Dimensions": watched["Dimensions"],
    }
    computed = {
        "Metrics": [
            {"Id": "missing", "Expression": "0 - running"},
            {"Id": "running", "MetricStat": {"Metric": running}},
        ],
        "AlarmActions": watched["AlarmActions"],
        "TreatMissingData": "breaching",
    }
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": computed}

    assert places(only(**{**resources, "ServiceCPUUtilization": alarm})) == []


def test_an_alarm_of_another_stack_counts() -> None:
    """As ours do: the stacks below say what the things are called."""
    resources = {**PIECES["topic"][HIGH]["Resources"]}
    names = [title for title in resources if title.startswith("DeadApproximate")]
    high = {title: copy.deepcopy(resources.pop(title)) for title in names}
    for alarm in high.values():
        alarm["Properties"]["Dimensions"][0]["Value"] = taken("Dead")
        alarm["Properties"]["AlarmActions"] = [taken("Alerts")]
    outputs = exported("Dead", ref("Dead")) | exported("Alerts", ref("Alerts"))

    assert (
        places({LOW: {"Resources": resources, "Outputs": outputs}, HIGH: {"Resources": high}}) == []
    )


def test_a_value_is_followed_to_another_region() -> None:
    """A parameter is what the deployer fills from another stack's output."""
    function = PIECES["function"][HIGH]["Resources"]["Thumbnail"]
    twins = {
        "One": _with(function, Role={"Ref": "Far"}, LoggingConfig={"LogGroup": {"Ref": "Logs"}}),
        "Two": _with(function, Role={"Ref": "Far"}, LoggingConfig={"LogGroup": {"Ref": "Logs"}}),
    }
    for name in ("One", "Two"):
        twins |= alarms("AWS/Lambda", "Errors Throttles", {"FunctionName": name})
    logs = PIECES["function"][HIGH]["Resources"]["ThumbnailLogs"]
    given = {"Far": {"Value": {"Ref": "Role"}, "Export": {"Name": f"{FAR}-Far"}}}
    role = PIECES["function"][HIGH]["Resources"]["ThumbnailRole"]
    far = {"Resources": {"Role": role}, "Outputs": given}
    high = {"Resources": {**twins, "Logs": logs}, "Parameters": {"Far": {"Type": "String"}}}

    assert places({FAR: far, HIGH: high}) == [("C605", "Two")]


# How it is told


def test_a_finding_names_the_line_that_made_the_resource() -> None:
    """And a detail of the resource where only that is meant."""
    [fault] = [one for one in FAULTS if one.rule == "C302"]

    [finding] = check(subjects(fault.planted()), Env())

    assert describe(finding) == (
        f"stacks/{HIGH}.py:7 {HIGH} Rights/Allowed: C302 allows everything except for what NotAction lists"
    )
    assert (finding.level, finding.docs) == ("error", "docs/policy.md#C302")


def test_what_has_no_line_is_told_by_its_row() -> None:
    """An output or a parameter is found in the text."""
    [fault] = [one for one in FAULTS if (one.rule, one.where) == ("C001", "Outputs.Below")]
    stacks = subjects(fault.planted())

    [finding] = check(stacks, Env())

    [text] = [stack.text for stack in stacks if stack.name == LOW]
    assert text.splitlines()[finding.row - 1] == "  Below:"
    assert finding.row > 2


def test_findings_come_by_stack_then_by_row() -> None:
    """The order of the stacks is the order of deploying."""
    planted = [fault.planted() for fault in FAULTS if fault.rule in {"C506", "C404", "C822"}]

    found = check(subjects(*planted), Env())

    assert [(one.stack, one.rule) for one in found] == [
        (LOW, "C506"),
        (HIGH, "C404"),
        (HIGH, "C822"),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "[", "Resources: 3", "Resources: {A: 1, B: {Type: AWS::S3::Bucket, Properties: no}}"],
)
def test_what_is_no_template_is_for_cfn_lint_to_say(text: str) -> None:
    """A rule that falls over would hide the finding that says why."""
    [subject] = subjects(PIECES["bucket"])

    check([replace(subject, text=text)], Env())


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_rule_falls_over_nonsense(data: st.DataObject) -> None:
    """Any value where another was: a finding perhaps, never a traceback."""
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("a*:/${}", max_size=5),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(["Ref", "Fn::Sub", "Fn::GetAtt", "Statement"]), inner)
        ),
        max_leaves=4,
    )
    piece = PIECES[data.draw(st.sampled_from(sorted(PIECES)))]
    title = data.draw(st.sampled_from(sorted(piece[HIGH]["Resources"])))
    one = piece[HIGH]["Resources"][title]
    broken = {key: data.draw(values) for key in one["Properties"]}
    resources = {**piece[HIGH]["Resources"], title: {**one, "Properties": broken}}

    places({**piece, HIGH: {**piece[HIGH], "Resources": resources}})


# Our own templates


@pytest.mark.parametrize("name", project.project().environments())
def test_every_environment_is_clean_or_has_its_reasons(name: str) -> None:
    """As `./inv lint` says it, but without cfn-lint; and no reason outlives its finding."""
    environment = project.environment(name)
    ours = [one for one in load_exemptions() if one.rule.startswith("C")]

    found = check(environment.desired, environment.env)

    excused = [finding for finding in found if any(one.matches(finding) for one in ours)]
    stacks = [stack.name for stack in environment.desired]
    assert [describe(finding) for finding in found if finding not in excused] == []
    assert [describe(finding) for finding in stale(ours, excused, stacks)] == []


# The table


def test_ids_are_ordered_and_unique() -> None:
    """A number, once given, names its rule."""
    ids = [rule.id for rule in RULES]

    assert sorted(set(ids)) == ids
    assert all(re.fullmatch(r"C\d{3}", one) for one in ids)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_a_sentence_with_a_source(rule: policy.Rule) -> None:
    """What has to be so, and where that is known from."""
    assert re.fullmatch(r"[A-Z].*\.", rule.sentence)
    assert rule.source


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.solution], ids=lambda rule: rule.id
)
def test_a_solution_exists(rule: policy.Rule) -> None:
    """The solution of a rule is a function or class of the stacks."""
    for name in rule.solution.split(" or "):
        module, _, attribute = name.rpartition(".")
        assert callable(getattr(import_module(module), attribute))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_an_anchor_in_the_page(rule: policy.Rule) -> None:
    """Findings link to docs/policy.md#RULE."""
    assert f'<a id="{rule.id}"></a>{rule.id} |' in markdown()


def test_the_page_is_fresh() -> None:
    """docs/policy.md is made from the table: python -m deployer.policy > docs/policy.md."""
    assert markdown() == (ROOT / "docs" / "policy.md").read_text()


def test_exemptions_are_from_rules_there_are() -> None:
    """A misspelt rule would be stale, and say so late."""
    assert {rule.id for rule in RULES} >= EXEMPT


def _with(resource, **properties):
    return {**resource, "Properties": {**resource["Properties"], **properties}}


def _without_queue():
    """The function of the piece, with nowhere for what it fails at."""
    resources = {**PIECES["function"][HIGH]["Resources"]}
    properties = {**resources["Thumbnail"]["Properties"]}
    del properties["DeadLetterConfig"]
    return {**resources, "Thumbnail": {**resources["Thumbnail"], "Properties": properties}}
