"""A release of `prod` has no permissions for an environment `prod-two` in the same account.

The config of one checkout refuses such a pair, but another checkout may have the second one.
"""

import json
from fnmatch import fnmatchcase
from itertools import product

import pytest

from stacks.permissions import resources
from tests.scanners.policies import ReferenceResolver

TAGS = {"project": "cruddur", "env": "prod"}
OTHER_ENVIRONMENT = {"project": "cruddur", "env": "prod-two"}
OTHER_PROJECT = {"project": "other", "env": "prod"}

# IAM does not receive the tags of these resources, or not reliably, so only their names count. For
# S3, tags count only in a bucket with ABAC; for PassRole, AWS advises against tags.
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

# Statements on resources with generated names and without tags. They are limited by the type of the
# resource, or in another way: the artifacts are in a bucket of this stack, config names the hosted
# zone, and a database of another environment is in another VPC.
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
def policies(all_stacks):
    """The statements of a release and of the permissions boundary, without references."""
    resolver = ReferenceResolver(
        {stack.stack.name: stack.template for stack in all_stacks.values()}
    )
    found = {"release": [], "boundary": []}
    for title, policy in all_stacks["foundation"].of("AWS::IAM::ManagedPolicy").items():
        owner = "boundary" if title == "PermissionsBoundary" else "release"
        found[owner] += resolver.resolve(
            policy["PolicyDocument"]["Statement"], "crd-prod-foundation"
        )
    return found


def holds(condition, context):
    """Return whether *condition* holds for a request with this *context*, as IAM evaluates it."""
    tests = {
        "StringEquals": lambda value, expected: value is not None and value in listed(expected),
        "StringLike": lambda value, expected: (
            value is not None and any(fnmatchcase(value, pattern) for pattern in listed(expected))
        ),
        "StringNotEquals": lambda value, expected: value is None or value not in listed(expected),
        "ForAnyValue:StringNotLike": lambda value, expected: (
            value is not None
            and not any(fnmatchcase(value, pattern) for pattern in listed(expected))
        ),
        "ArnLike": lambda value, expected: (
            value is not None and any(fnmatchcase(value, pattern) for pattern in listed(expected))
        ),
        "Null": lambda value, expected: (value is None) == (expected == "true"),
        "Bool": lambda value, expected: value == expected,
    }
    return all(
        tests[operator](context.get(key), expected)
        for operator, keys in condition.items()
        for key, expected in keys.items()
    )


def listed(expected):
    return expected if isinstance(expected, list) else [expected]


def allowed(statements, action, resource, context):
    """Return whether a statement allows the request and none denies it."""
    effects = {
        statement["Effect"]
        for statement in statements
        if any(
            fnmatchcase(action.lower(), pattern.lower()) for pattern in listed(statement["Action"])
        )
        and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
        and holds(statement.get("Condition", {}), context)
    }
    return effects == {"Allow"}


def requests(statements, name, tags):
    """Yield every request that *statements* allow by name, with the names and tags of *name*."""
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
    """Return the condition keys: tags, if the service sends them, and those of the statement."""
    tagged = not any(fnmatchcase(action, pattern) for pattern in WITHOUT_TAGS)
    keys_of_statement = {
        key: listed(value)[0]
        for operator, keys in statement.get("Condition", {}).items()
        if operator == "StringEquals"
        for key, value in keys.items()
    }
    return keys_of_statement | (
        {f"aws:ResourceTag/{key}": tags[key] for key in tags} if tagged else {}
    )


@pytest.mark.parametrize("owner", ["release", "boundary"])
def test_resources_of_the_environment_are_allowed(policies, owner):
    """Requests for the environment's own resources are allowed, so the tests below can fail."""
    own_requests = list(requests(policies[owner], "prod", TAGS))

    assert len(own_requests) > 20
    manual = ("foundation", "pipeline", "site-publisher", "artifacts")
    assert not [
        (action, resource)
        for action, resource, context in own_requests
        if not allowed(policies[owner], action, resource, context)
        and not any(name in resource for name in manual)
    ]


@pytest.mark.parametrize("owner", ["release", "boundary"])
def test_resources_of_another_environment_are_denied(policies, owner):
    """Resources of another environment are denied by their tags: their names have the same prefix."""
    other_requests = list(requests(policies[owner], "prod-two", OTHER_ENVIRONMENT))

    assert len(other_requests) > 20
    assert not [
        (action, resource)
        for action, resource, context in other_requests
        if allowed(policies[owner], action, resource, context)
    ]


def test_resources_of_another_project_are_denied(policies):
    """Resources of another project are denied, also if its environment has the same name."""
    other_requests = list(requests(policies["release"], "prod-two", OTHER_PROJECT))

    assert not [
        (action, resource)
        for action, resource, context in other_requests
        if allowed(policies["release"], action, resource, context)
    ]


def test_resources_of_another_environment_cannot_be_tagged(policies):
    """Resources with other owner tags cannot be tagged: the release could then change them."""
    requested = {f"aws:RequestTag/{key}": value for key, value in TAGS.items()}
    existing = {f"aws:ResourceTag/{key}": value for key, value in OTHER_ENVIRONMENT.items()}
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
        if allowed(policies["release"], action, "arn:aws:any:thing", requested | existing)
    ]


def test_functions_of_another_environment_get_no_event_source(policies):
    """A new mapping has no tags, but its function has the name of its stack."""
    function = "arn:aws:lambda:eu-central-1:123456789012:function:crd-{}-messages-Stream-1A2B"
    create = "lambda:CreateEventSourceMapping"

    for name, expected in (("prod", True), ("prod-two", False)):
        context = {"lambda:FunctionArn": function.format(name)}
        assert expected == allowed(policies["release"], create, "*", context)


@pytest.mark.parametrize(
    ("type_", "name_property", "listed_names"),
    [
        ("AWS::IAM::Role", None, resources.STACKS_WITH_ROLES),
        ("AWS::SNS::Topic", None, resources.STACKS_WITH_TOPICS),
        ("AWS::Events::Rule", None, resources.STACKS_WITH_SCHEDULES),
        ("AWS::S3::Bucket", "BucketNamePrefix", resources.BUCKET_NAMES),
        ("AWS::CloudWatch::Dashboard", "DashboardName", [resources.DASHBOARD]),
        ("AWS::CloudFront::Function", "Name", ["site"]),
        ("AWS::Lambda::EventSourceMapping", None, ["messages"]),
    ],
)
def test_the_listed_names_are_those_of_the_templates(
    all_stacks, type_, name_property, listed_names
):
    """A missing name would fail a release, and an unused one would allow too much."""
    found = {
        properties[name_property].removeprefix("crd-prod-") if name_property else name
        for name, stack in all_stacks.items()
        if name not in resources.MANUAL_STACKS
        for properties in stack.of(type_).values()
    }

    assert sorted(found) == sorted(listed_names)


def test_only_resources_with_other_tags_are_denied(policies):
    """StringNotEquals also holds for a missing tag, so `Null` excludes untagged resources."""
    denials = [
        statement
        for statement in policies["boundary"]
        if statement["Sid"] in {"DenyOtherProjects", "DenyOtherEnvironments"}
    ]

    assert [
        {
            "StringNotEquals": {f"aws:ResourceTag/{key}": value},
            "Null": {f"aws:ResourceTag/{key}": "false"},
        }
        for key, value in TAGS.items()
    ] == [statement["Condition"] for statement in denials]
    assert denials == [
        statement
        for statement in policies["release"]
        if statement in json.loads(json.dumps(denials))
    ]


@pytest.mark.parametrize("action", ["DeleteStack", "UpdateTerminationProtection", "GetTemplate"])
def test_no_build_has_access_to_stacks_of_another_environment(all_stacks, action):
    """Builds have no access to stacks of another environment, whose names have the same prefix."""
    pipeline = all_stacks["pipeline"]
    templates = {
        f"crd-prod-pipeline-{nested.title}": nested.template.to_dict()
        for nested in pipeline.stack.template.nested
    }
    resolver = ReferenceResolver({pipeline.stack.name: pipeline.template, **templates})
    roles = [
        resolver.resolve(policy["PolicyDocument"]["Statement"], name)
        for name, template in templates.items()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
        for policy in resource["Properties"]["Policies"]
    ]
    call = f"cloudformation:{action}"
    stack = "arn:aws:cloudformation:ca-central-1:123456789012:stack/crd-{}-service/1"
    own_tags, other_tags = (
        {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
        for tags in (TAGS, OTHER_ENVIRONMENT)
    )

    assert any(allowed(role, call, stack.format("prod"), own_tags) for role in roles)
    assert not any(allowed(role, call, stack.format("prod-two"), other_tags) for role in roles)
