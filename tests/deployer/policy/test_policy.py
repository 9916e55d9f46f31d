"""The policy rules, their findings and their documentation."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer import policy
from deployer.lint import describe, load_exemptions
from deployer.lint.exemptions import stale
from deployer.policy import RULES, check
from deployer.policy.rules_page import markdown
from operations import project
from tests.deployer.policy.clean_templates import (
    CLEAN_TEMPLATES,
    FAR,
    HIGH,
    LOW,
    Env,
    Templates,
    alarms,
    allow,
    arn,
    document,
    exported,
    import_value,
    json_policy,
    only,
    own_arn,
    ref,
    resource,
    retained,
    subjects,
)
from tests.deployer.policy.equivalent_templates import rewritten
from tests.deployer.policy.planted_violations import PLANTED_VIOLATIONS, PlantedViolation

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]
EXEMPT = {exemption.rule for exemption in load_exemptions() if exemption.rule.startswith("C")}


def places(*pieces: Templates, protect: bool = True) -> list[tuple[str, str]]:
    """Return the rule and the place of each finding in these templates."""
    found = check(subjects(*pieces), Env(protect=protect))
    return [(finding.rule, finding.where) for finding in found]


# Each rule


@pytest.mark.parametrize("piece", CLEAN_TEMPLATES)
def test_clean_templates_have_no_findings(piece: str) -> None:
    """Clean templates have no findings, in a protected environment and in another one."""
    assert places(CLEAN_TEMPLATES[piece]) == []
    assert places(CLEAN_TEMPLATES[piece], protect=False) == []


@pytest.mark.parametrize("planted", PLANTED_VIOLATIONS, ids=str)
def test_a_violation_is_found_at_its_place(planted: PlantedViolation) -> None:
    """The rule of a violation finds it once, and no other rule has a finding."""
    assert places(planted.templates()) == [(planted.rule, planted.where)]


def test_every_rule_has_a_planted_violation() -> None:
    """The templates without the violation are clean, so every rule has an example of both."""
    assert {planted.rule for planted in PLANTED_VIOLATIONS} == {rule.id for rule in RULES}


@settings(max_examples=60)
@given(st.sets(st.sampled_from(sorted(CLEAN_TEMPLATES))), st.sampled_from(PLANTED_VIOLATIONS))
def test_a_violation_is_found_among_other_resources(
    others: set[str], planted: PlantedViolation
) -> None:
    """Other resources in the templates add or hide no finding."""
    clean = [CLEAN_TEMPLATES[name] for name in sorted(others - {planted.piece})]

    assert places(*clean, planted.templates()) == [(planted.rule, planted.where)]


SIMPLE_CORS = "60669652-455b-4ae9-85a4-c4c02393f86c"  # A managed policy of CloudFront.
PROTECTED = {"C102", "C514", "C618", "C803", "C804", "C812", "C823"}


@pytest.mark.parametrize(
    "planted", [planted for planted in PLANTED_VIOLATIONS if planted.rule in PROTECTED], ids=str
)
def test_protection_is_required_in_protected_environments_only(planted: PlantedViolation) -> None:
    """In another environment, the violation is not found."""
    assert places(planted.templates(), protect=False) == []


# Notations


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@settings(max_examples=12)
@given(data=st.data())
def test_a_violation_is_found_in_every_notation(rule: policy.Rule, data: st.DataObject) -> None:
    """A violation is found in every equivalent notation, such as Join, Sub, If and quoted numbers."""
    planted = data.draw(
        st.sampled_from([planted for planted in PLANTED_VIOLATIONS if planted.rule == rule.id])
    )
    seed = data.draw(st.integers(min_value=0, max_value=2**32))

    assert places(rewritten(planted.templates(), Random(seed))) == [(rule.id, planted.where)]


@pytest.mark.parametrize("piece", CLEAN_TEMPLATES)
@settings(max_examples=25)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_clean_templates_are_clean_in_every_notation(piece: str, seed: int) -> None:
    """No rule depends on the notation of troposphere."""
    assert places(rewritten(CLEAN_TEMPLATES[piece], Random(seed))) == []


# Exceptions of rules


def test_ecs_exec_allows_a_writable_root() -> None:
    """A writable root file system is accepted with ECS Exec, whose agent writes to it."""
    resources = {**CLEAN_TEMPLATES["task"][HIGH]["Resources"]}
    container = resources["Task"]["Properties"]["ContainerDefinitions"][0]
    writable = {**container, "ReadonlyRootFilesystem": False}
    task = _with(resources["Task"], ContainerDefinitions=[writable])
    service = _with(resources["Service"], EnableExecuteCommand=True)

    assert places(only(**{**resources, "Task": task, "Service": service}), protect=False) == []
    assert places(only(**{**resources, "Task": task})) == [("C611", "Task/backend")]


def test_the_size_of_a_policy_in_sub_is_that_of_its_json() -> None:
    """A policy of 5,500 characters fits, although its quotation marks are escaped in the template."""
    actions = [f"s3:{number}" for number in range(100, 700)]
    large = resource(
        "IAM::ManagedPolicy", PolicyDocument=json_policy(allow(actions, "${AWS::AccountId}"))
    )

    assert places(only(Policy=large)) == []


def test_localhost_is_a_cors_origin_in_unprotected_environments() -> None:
    """In a protected environment, localhost is a finding."""
    origins = {"CorsConfiguration": {"AllowOrigins": ["http://localhost:3000"]}}
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": origins}
    piece = only(Api=api, **alarms("AWS/ApiGateway", "5xx Latency", {"ApiId": "Api"}))

    assert places(piece, protect=False) == []
    assert places(piece) == [("C008", "Api")]


def test_a_synchronous_function_needs_no_dead_letter_queue() -> None:
    """A function that an API invokes needs no dead-letter queue: the API receives the error."""
    resources = _without_queue()
    called = _with(resources["ThumbnailCalled"], Principal="apigateway.amazonaws.com")

    assert places(only(**{**resources, "ThumbnailCalled": called})) == []


def test_a_destination_replaces_a_dead_letter_queue() -> None:
    """An OnFailure destination, in the resource EventInvokeConfig, replaces a dead-letter queue."""
    resources = _without_queue()
    resources["Failures"] = {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {
            "FunctionName": {"Ref": "Thumbnail"},
            "DestinationConfig": {"OnFailure": {"Destination": "arn"}},
        },
    }

    assert places(only(**resources)) == []


def test_logs_of_load_balancers_need_the_account_in_their_path() -> None:
    """The policy for logs of load balancers must have the account in its path, not a condition."""
    resources = {**CLEAN_TEMPLATES["bucket"][HIGH]["Resources"]}
    lock, delivery = resources["AssetsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    delivery = {
        **{key: delivery[key] for key in ("Sid", "Effect")},
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": {"Fn::Sub": "${Assets.Arn}/lb/AWSLogs/${AWS::AccountId}/*"},
    }
    policy = _with(resources["AssetsPolicy"], PolicyDocument={"Statement": [lock, delivery]})

    assert places(only(**{**resources, "AssetsPolicy": policy})) == []


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:pictures"}},
        {"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": "o-abc/r-ab12/ou-ab12-1/"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abc/*"}},
        {
            "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"},
            "StringEquals": {"aws:PrincipalOrgID": "o-abc"},
        },
    ],
    ids=["bucket", "unit", "units of an organization", "roles of an organization"],
)
def test_a_condition_on_the_account_or_organization(condition) -> None:
    """A condition on an organization, one of its units, or a bucket by name, is sufficient."""
    resources = CLEAN_TEMPLATES["topic"][HIGH]["Resources"]
    allowed = {"Sid": "Allowed", "Effect": "Allow", "Principal": "*", "Action": "sns:Publish"}
    statement = {**allowed, "Resource": {"Ref": "Avatars"}, "Condition": condition}
    statements = resources["AvatarsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    document = {"Statement": [statement, *statements[1:]]}
    policy = _with(resources["AvatarsPolicy"], PolicyDocument=document)

    assert places(only(**{**resources, "AvatarsPolicy": policy})) == []


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
        {"StringEqualsIgnoreCase": {"aws:SourceOrgID": "o-abc"}},
        {"ForAnyValue:StringLike": {"aws:SourceOrgPaths": "o-abc/r-ab12/*"}},
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": own_arn("logs", "log-group:/crd/*")}},
    ],
    ids=["account", "organization", "unit", "context of an encryption"],
)
def test_a_key_policy_may_allow_a_service_for_its_sources(condition) -> None:
    """A condition on the encryption context counts, such as the log group of CloudWatch Logs."""
    logs = {"Principal": {"Service": "logs.amazonaws.com"}, "Condition": condition}
    policy = document(allow("kms:Encrypt", "*", **logs))

    assert places(only(Key=retained("KMS::Key", KeyPolicy=policy))) == []


def test_a_subscription_in_a_topic() -> None:
    """A subscription in the properties of a topic is checked; it can have no dead-letter queue."""
    resources = CLEAN_TEMPLATES["topic"][HIGH]["Resources"]
    topic = _with(resources["Avatars"], Subscription=[{"Protocol": "http"}], SignatureVersion="1")

    assert places(only(**{**resources, "Avatars": topic})) == [
        (rule, "Avatars") for rule in ("C703", "C704", "C705")
    ]


def test_a_managed_policy_without_security_headers() -> None:
    """SimpleCORS allows every site, and sets no other header."""
    resources = CLEAN_TEMPLATES["cdn"][HIGH]["Resources"]
    config = resources["Site"]["Properties"]["DistributionConfig"]
    behavior = {**config["DefaultCacheBehavior"], "ResponseHeadersPolicyId": SIMPLE_CORS}
    site = _with(resources["Site"], DistributionConfig={**config, "DefaultCacheBehavior": behavior})

    assert places(only(**{**resources, "Site": site})) == [
        ("C905", "Site/default"),
        ("C915", "Site/default"),
    ]


def test_one_arn_of_a_bucket_and_its_objects() -> None:
    """The ARN of a bucket with * at its end matches the bucket and its objects."""
    resources = {**CLEAN_TEMPLATES["bucket"][HIGH]["Resources"]}
    lock, delivery = resources["AssetsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    lock = {**lock, "Resource": {"Fn::Sub": "${Assets.Arn}*"}}
    policy = _with(resources["AssetsPolicy"], PolicyDocument={"Statement": [lock, delivery]})

    assert places(only(**{**resources, "AssetsPolicy": policy})) == []


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"s3:DataAccessPointAccount": {"Ref": "AWS::AccountId"}}},
        {"ArnLike": {"s3:DataAccessPointArn": own_arn("s3", "accesspoint/*")}},
    ],
    ids=["account", "access points"],
)
def test_a_bucket_may_delegate_to_access_points(condition) -> None:
    """The policy of a bucket may allow everyone who uses an access point of the account."""
    resources = {**CLEAN_TEMPLATES["bucket"][HIGH]["Resources"]}
    lock, _ = resources["AssetsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    delegation = allow("s3:GetObject", arn("Assets"), Principal="*", Condition=condition)
    policy = _with(resources["AssetsPolicy"], PolicyDocument=document(lock, delegation))

    assert places(only(**{**resources, "AssetsPolicy": policy})) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_SECRET", {"Ref": "Secret"}),
        ("DB_SECRET", {"Fn::GetAtt": ["Secret", "Id"]}),
        ("DB_SECRET", {"Fn::GetAtt": ["Database", "MasterUserSecret.SecretArn"]}),
        ("DB_SECRET", own_arn("secretsmanager", "secret:crd")),
        ("DB_PASSWORD", {"Fn::Sub": "/crd/${AWS::AccountId}/password"}),
        ("USE_TOKEN", "true"),
        ("MAX_TOKENS", 100),
    ],
)
def test_the_name_of_a_secret_is_not_a_secret(name: str, value: object) -> None:
    """A variable may have the name or the ARN of a secret, and settings about secrets."""
    piece = copy.deepcopy(CLEAN_TEMPLATES["function"])
    piece[HIGH]["Resources"]["Thumbnail"]["Properties"]["Environment"]["Variables"][name] = value
    piece[HIGH]["Resources"]["Secret"] = retained("SecretsManager::Secret")

    assert places(piece) == []


def test_a_queue_is_encrypted_by_default() -> None:
    """A queue without a property for encryption is encrypted with a key of SQS."""
    resources = copy.deepcopy(CLEAN_TEMPLATES["topic"][HIGH]["Resources"])
    del resources["Dead"]["Properties"]["SqsManagedSseEnabled"]

    assert places(only(**resources)) == []


def test_a_dynamic_reference_in_a_url_is_not_a_secret() -> None:
    """A reference that CloudFormation resolves is accepted: the template has no password."""
    secret = "{{resolve:secretsmanager:${Above}:SecretString:password}}"
    piece = copy.deepcopy(CLEAN_TEMPLATES["references"])
    piece[HIGH]["Resources"]["Above"]["Properties"]["Url"] = {
        "Fn::Sub": f"postgres://crud:{secret}@host/db"
    }

    assert places(piece) == []


def test_an_event_loop_is_found_by_references() -> None:
    """The function and its role are found by references, whatever their titles are."""
    resources = {**CLEAN_TEMPLATES["function"][HIGH]["Resources"]}
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


def test_metrics_of_an_expression_have_an_alarm() -> None:
    """An alarm on an expression counts as an alarm for the metrics in the expression."""
    resources = {**CLEAN_TEMPLATES["task"][HIGH]["Resources"]}
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


def test_an_alarm_may_be_in_another_stack() -> None:
    """The alarms import the names of the resources, as in the stack monitoring."""
    resources = {**CLEAN_TEMPLATES["topic"][HIGH]["Resources"]}
    names = [title for title in resources if title.startswith("DeadApproximate")]
    high = {title: copy.deepcopy(resources.pop(title)) for title in names}
    for alarm in high.values():
        alarm["Properties"]["Dimensions"][0]["Value"] = import_value("Dead")
        alarm["Properties"]["AlarmActions"] = [import_value("Alerts")]
    outputs = exported("Dead", ref("Dead")) | exported("Alerts", ref("Alerts"))

    assert (
        places({LOW: {"Resources": resources, "Outputs": outputs}, HIGH: {"Resources": high}}) == []
    )


def test_a_parameter_references_a_resource_in_another_region() -> None:
    """The deployer passes the output of a stack in another region as a parameter."""
    function = CLEAN_TEMPLATES["function"][HIGH]["Resources"]["Thumbnail"]
    twins = {
        "One": _with(function, Role={"Ref": "Far"}, LoggingConfig={"LogGroup": {"Ref": "Logs"}}),
        "Two": _with(function, Role={"Ref": "Far"}, LoggingConfig={"LogGroup": {"Ref": "Logs"}}),
    }
    for name in ("One", "Two"):
        twins |= alarms("AWS/Lambda", "Errors Throttles", {"FunctionName": name})
    logs = CLEAN_TEMPLATES["function"][HIGH]["Resources"]["ThumbnailLogs"]
    given = {"Far": {"Value": {"Ref": "Role"}, "Export": {"Name": f"{FAR}-Far"}}}
    role = CLEAN_TEMPLATES["function"][HIGH]["Resources"]["ThumbnailRole"]
    far = {"Resources": {"Role": role}, "Outputs": given}
    high = {"Resources": {**twins, "Logs": logs}, "Parameters": {"Far": {"Type": "String"}}}

    assert places({FAR: far, HIGH: high}) == [("C605", "Two")]


# Findings


def test_a_finding_names_the_line_of_the_resource() -> None:
    """A finding has the line of the resource, and names its part, such as a statement."""
    [planted] = [
        planted
        for planted in PLANTED_VIOLATIONS
        if (planted.rule, planted.piece) == ("C302", "permissions")
    ]

    [finding] = check(subjects(planted.templates()), Env())

    assert describe(finding) == (
        f"stacks/{HIGH}.py:7 {HIGH} Permissions/Allowed: C302 allows everything except for what NotAction lists"
    )
    assert (finding.level, finding.docs) == ("error", "docs/policy.md#C302")


def test_a_finding_about_an_output_has_its_row() -> None:
    """The row of an output or parameter is found in the text of the template."""
    [planted] = [
        planted
        for planted in PLANTED_VIOLATIONS
        if (planted.rule, planted.where) == ("C001", "Outputs.Below")
    ]
    stacks = subjects(planted.templates())

    [finding] = check(stacks, Env())

    [text] = [stack.text for stack in stacks if stack.name == LOW]
    assert text.splitlines()[finding.row - 1] == "  Below:"
    assert finding.row > 2


def test_findings_are_ordered_by_stack_and_row() -> None:
    """The order of the stacks is the deployment order."""
    templates = [
        planted.templates()
        for planted in PLANTED_VIOLATIONS
        if planted.rule in {"C506", "C404", "C822"}
    ]

    found = check(subjects(*templates), Env())

    assert [(finding.stack, finding.rule) for finding in found] == [
        (LOW, "C506"),
        (HIGH, "C404"),
        (HIGH, "C822"),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "[", "Resources: 3", "Resources: {A: 1, B: {Type: AWS::S3::Bucket, Properties: no}}"],
)
def test_an_invalid_template_is_not_an_exception(text: str) -> None:
    """An invalid template raises no exception, which would hide the finding of cfn-lint."""
    [subject] = subjects(CLEAN_TEMPLATES["bucket"])

    check([replace(subject, text=text)], Env())


@settings(max_examples=100)
@given(st.data())
def test_random_values_raise_no_exception(data: st.DataObject) -> None:
    """Any value in place of another may cause findings, but no exception."""
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("a*:/${}", max_size=5),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(["Ref", "Fn::Sub", "Fn::GetAtt", "Statement"]), inner)
        ),
        max_leaves=4,
    )
    piece = CLEAN_TEMPLATES[data.draw(st.sampled_from(sorted(CLEAN_TEMPLATES)))]
    title = data.draw(st.sampled_from(sorted(piece[HIGH]["Resources"])))
    clean = piece[HIGH]["Resources"][title]
    broken = {key: data.draw(values) for key in clean["Properties"]}
    resources = {**piece[HIGH]["Resources"], title: {**clean, "Properties": broken}}

    places({**piece, HIGH: {**piece[HIGH], "Resources": resources}})


# The templates of this project


@pytest.mark.parametrize("name", project.project().environments())
def test_every_environment_has_only_exempt_findings(name: str) -> None:
    """Every finding has an exemption, and every exemption has a finding; without cfn-lint."""
    environment = project.environment(name)
    exemptions = [exemption for exemption in load_exemptions() if exemption.rule.startswith("C")]

    found = check(environment.desired, environment.env)

    exempt = [
        finding for finding in found if any(exemption.matches(finding) for exemption in exemptions)
    ]
    stacks = [stack.name for stack in environment.desired]
    assert [describe(finding) for finding in found if finding not in exempt] == []
    assert [describe(finding) for finding in stale(exemptions, exempt, stacks)] == []


# The table of rules


def test_ids_are_ordered_and_unique() -> None:
    """The id of a rule is unique, and the table is sorted."""
    ids = [rule.id for rule in RULES]

    assert sorted(set(ids)) == ids
    assert all(re.fullmatch(r"C\d{3}", rule_id) for rule_id in ids)


def test_a_rule_is_a_sentence_with_a_source() -> None:
    """The requirement is a sentence, and its source is documented."""
    assert [rule.id for rule in RULES if not re.fullmatch(r"[A-Z].*\.", rule.sentence)] == []
    assert [rule.id for rule in RULES if not rule.source] == []


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.solution], ids=lambda rule: rule.id
)
def test_a_solution_exists(rule: policy.Rule) -> None:
    """The solution of a rule is a function or class of the stacks."""
    for name in rule.solution.split(" or "):
        module, _, attribute = name.rpartition(".")
        assert callable(getattr(import_module(module), attribute))


def test_a_rule_has_an_anchor_in_the_page() -> None:
    """Findings link to docs/policy.md#RULE."""
    page = markdown()

    assert [r.id for r in RULES if f'<a id="{r.id}"></a>{r.id} |' not in page] == []


def test_the_page_is_fresh() -> None:
    """docs/policy.md is generated: python -m deployer.policy > docs/policy.md."""
    assert markdown() == (ROOT / "docs" / "policy.md").read_text()


def test_exemptions_name_existing_rules() -> None:
    """A misspelt rule is found here, before it is reported as unused."""
    assert {rule.id for rule in RULES} >= EXEMPT


def _with(resource, **properties):
    return {**resource, "Properties": {**resource["Properties"], **properties}}


def _without_queue():
    """Return the resources of the function without its dead-letter queue."""
    resources = {**CLEAN_TEMPLATES["function"][HIGH]["Resources"]}
    properties = {**resources["Thumbnail"]["Properties"]}
    del properties["DeadLetterConfig"]
    return {**resources, "Thumbnail": {**resources["Thumbnail"], "Properties": properties}}
