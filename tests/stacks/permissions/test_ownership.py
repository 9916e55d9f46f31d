"""A release of `prod` has no permission for an environment `prod-two` in the same account.

The config of one checkout refuses such a pair; another checkout may have the second one.
"""

import json
from fnmatch import fnmatchcase
from itertools import product

import pytest
from msgspec.structs import replace

from stacks.permissions import resources
from tests.scanners.policies import World
from tests.stacks.templates import config_of, emit

OURS = {"project": "cruddur", "env": "prod"}
THEIRS = {"project": "cruddur", "env": "prod-two"}
OTHERS = {"project": "other", "env": "prod"}

# Of these IAM is told no tags, or not reliably: names alone keep them apart. For S3, tags count
# only in a bucket where that was switched on; for PassRole AWS advises against them.
WITHOUT_TAGS = (
    "cloudfront:*Function",
    "cloudwatch:*Dashboard*",
    "dynamodb:DescribeStream",
    "dynamodb:ListStreams",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "iam:PassRole",
    "logs:*LogStream*",
    "logs:PutLogEvents",
    "s3:*",
    "sns:*Subscription*",
    "sns:Unsubscribe",
)

# What AWS names, and IAM is told no tags of either: the kind is all that limits it. What is kept
# apart by something else: the artifacts are a bucket of this stack, the zone is what config says,
# and a database of another environment is in a network that cannot be joined.
BY_KIND = {
    "ChangeDnsRecords",
    "ConnectToDatabase",
    "CreateMasterPasswords",
    "CreateServiceLinkedRoles",
    "ManageApis",
    "ManageCloudFrontPolicies",
    "ReadDnsRecords",
    "ReadFunctionCode",
}


@pytest.fixture(scope="module")
def everything():
    """Everything that prod can have."""
    config = config_of("prod")
    service = replace(config.service, exec=True, secrets=("ROLLBAR_ACCESS_TOKEN",))
    verifier = replace(service, name="verifier", image="verifier", port=5555)
    cluster = replace(config.cluster, access_logs=True)
    cdn = replace(config.cdn, access_logs=True)
    env = replace(config.env, protect=False)  # A shell is refused where it is protected.
    changes = {"env": env, "cluster": cluster, "cdn": cdn, "service": service}
    return emit(replace(config, **changes, verifier=verifier))


@pytest.fixture(scope="module")
def policies(everything):
    """The statements of a release, and those of the boundary, nothing in them left to look up."""
    world = World({one.stack.name: one.template for one in everything.values()})
    found = {"release": [], "boundary": []}
    for title, policy in everything["foundation"].of("AWS::IAM::ManagedPolicy").items():
        whose = "boundary" if title == "PermissionsBoundary" else "release"
        found[whose] += world.resolved(policy["PolicyDocument"]["Statement"], "crd-prod-foundation")
    return found


def holds(condition, context):
    """Whether *condition* holds for a request of this *context*, as IAM decides it."""
    tests = {
        "StringEquals": lambda value, said: value is not None and value in listed(said),
        "StringLike": lambda value, said: (
            value is not None and any(fnmatchcase(value, one) for one in listed(said))
        ),
        "StringNotEquals": lambda value, said: value is None or value not in listed(said),
        "ForAnyValue:StringNotLike": lambda value, said: (
            value is not None and not any(fnmatchcase(value, one) for one in listed(said))
        ),
        "ArnLike": lambda value, said: (
            value is not None and any(fnmatchcase(value, one) for one in listed(said))
        ),
        "Null": lambda value, said: (value is None) == (said == "true"),
        "Bool": lambda value, said: value == said,
    }
    return all(
        tests[operator](context.get(key), said)
        for operator, keys in condition.items()
        for key, said in keys.items()
    )


def listed(said):
    return said if isinstance(said, list) else [said]


def allowed(statements, action, resource, context):
    """Whether *statements* allow it: one does, and none denies it."""
    effects = {
        statement["Effect"]
        for statement in statements
        if any(fnmatchcase(action.lower(), one.lower()) for one in listed(statement["Action"]))
        and any(fnmatchcase(resource, one) for one in listed(statement["Resource"]))
        and holds(statement.get("Condition", {}), context)
    }
    return effects == {"Allow"}


def requests(statements, name, tags):
    """Every request by name that *statements* allow, for the environment *name* with these tags."""
    for statement in statements:
        if statement["Effect"] == "Deny" or statement["Sid"] in BY_KIND:
            continue
        for action, pattern in product(statement["Action"], statement["Resource"]):
            if pattern == "*":
                continue
            resource = pattern.replace("crd-prod-", f"crd-{name}-")
            resource = resource.replace("/crd/prod/", f"/crd/{name}/").replace("*", "x")
            yield action, resource, context_of(action, tags, statement)


def context_of(action, tags, statement):
    """The request context: tags, if the service sends them, and the keys of the statement."""
    tagged = not any(fnmatchcase(action, one) for one in WITHOUT_TAGS)
    asked = {
        key: listed(value)[0]
        for operator, keys in statement.get("Condition", {}).items()
        if operator == "StringEquals"
        for key, value in keys.items()
    }
    return asked | ({f"aws:ResourceTag/{key}": tags[key] for key in tags} if tagged else {})


@pytest.mark.parametrize("whose", ["release", "boundary"])
def test_what_is_ours_is_allowed(policies, whose):
    """Otherwise the tests below would pass with any policy."""
    ours = list(requests(policies[whose], "prod", OURS))

    assert len(ours) > 20
    handed_off = ("foundation", "pipeline", "site-publisher", "artifacts")
    assert not [
        (action, resource)
        for action, resource, context in ours
        if not allowed(policies[whose], action, resource, context)
        and not any(layer in resource for layer in handed_off)
    ]


@pytest.mark.parametrize("whose", ["release", "boundary"])
def test_nothing_of_a_sibling_is_allowed(policies, whose):
    """Its names begin like ours, its tags are its own."""
    theirs = list(requests(policies[whose], "prod-two", THEIRS))

    assert len(theirs) > 20
    assert not [
        (action, resource)
        for action, resource, context in theirs
        if allowed(policies[whose], action, resource, context)
    ]


def test_nothing_of_another_project_is_allowed(policies):
    """Its environment may have the same name."""
    theirs = list(requests(policies["release"], "prod-two", OTHERS))

    assert not [
        (action, resource)
        for action, resource, context in theirs
        if allowed(policies["release"], action, resource, context)
    ]


def test_a_sibling_cannot_be_given_our_tags(policies):
    """Or they would tell nothing."""
    mine = {f"aws:RequestTag/{key}": value for key, value in OURS.items()}
    theirs = {f"aws:ResourceTag/{key}": value for key, value in THEIRS.items()}
    tagging = {
        action
        for statement in policies["release"]
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
        if any(word in action for word in ("Tag", "AddTags"))
    }

    assert len(tagging) > 10
    assert not [
        action
        for action in tagging
        if allowed(policies["release"], action, "arn:aws:any:thing", mine | theirs)
    ]


def test_a_sibling_cannot_be_fed(policies):
    """A mapping is new and has no tags; the function that it feeds has a name."""
    function = "arn:aws:lambda:eu-central-1:123456789012:function:crd-{}-messages-Stream-1A2B"
    create = "lambda:CreateEventSourceMapping"

    for name, may in (("prod", True), ("prod-two", False)):
        context = {"lambda:FunctionArn": function.format(name)}
        assert may == allowed(policies["release"], create, "*", context)


@pytest.mark.parametrize(
    ("type_", "names", "known"),
    [
        ("AWS::IAM::Role", None, resources.STACKS_WITH_ROLES),
        ("AWS::SNS::Topic", None, resources.STACKS_WITH_TOPICS),
        ("AWS::S3::Bucket", "BucketNamePrefix", resources.BUCKET_NAMES),
        ("AWS::CloudWatch::Dashboard", "DashboardName", [resources.DASHBOARD]),
        ("AWS::CloudFront::Function", "Name", ["site"]),
        ("AWS::Lambda::EventSourceMapping", None, ["messages"]),
    ],
)
def test_all_that_is_known_by_its_name_is_listed(everything, type_, names, known):
    """A layer or a name that is missing would fail a release; one too many reaches too far."""
    found = {
        properties[names].removeprefix("crd-prod-") if names else layer
        for layer, one in everything.items()
        if layer not in resources.MANUAL_STACKS
        for properties in one.of(type_).values()
    }

    assert sorted(found) == sorted(known)


def test_the_conditions_are_those_of_iam(policies):
    """A key that is missing is different: only what has another tag is denied."""
    denials = [one for one in policies["boundary"] if one["Sid"].startswith("DenyOther")]

    assert [
        {
            "StringNotEquals": {f"aws:ResourceTag/{key}": value},
            "Null": {f"aws:ResourceTag/{key}": "false"},
        }
        for key, value in OURS.items()
    ] == [one["Condition"] for one in denials]
    assert denials == [one for one in policies["release"] if one in json.loads(json.dumps(denials))]


@pytest.mark.parametrize("action", ["DeleteStack", "UpdateTerminationProtection", "GetTemplate"])
def test_no_stage_of_the_pipeline_reaches_a_stack_of_a_sibling(everything, action):
    """The names of its stacks match, too; CloudFormation tells IAM their tags."""
    pipeline = everything["pipeline"]
    templates = {
        f"crd-prod-pipeline-{one.title}": one.template.to_dict()
        for one in pipeline.stack.template.nested
    }
    world = World({pipeline.stack.name: pipeline.template, **templates})
    roles = [
        world.resolved(policy["PolicyDocument"]["Statement"], name)
        for name, template in templates.items()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
        for policy in resource["Properties"]["Policies"]
    ]
    call = f"cloudformation:{action}"
    stack = "arn:aws:cloudformation:ca-central-1:123456789012:stack/crd-{}-service/1"
    ours, theirs = (
        {f"aws:ResourceTag/{key}": value for key, value in tags.items()} for tags in (OURS, THEIRS)
    )

    assert any(allowed(role, call, stack.format("prod"), ours) for role in roles)
    assert not any(allowed(role, call, stack.format("prod-two"), theirs) for role in roles)
