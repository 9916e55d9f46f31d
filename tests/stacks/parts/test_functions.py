import json

import pytest

from deployer import artifacts
from tests.stacks.templates import CODE, statements, text

FUNCTION = "AWS::Lambda::Function"

# Each function with the folder of its code and all it may do.
LOGGED = {"logs:CreateLogStream", "logs:PutLogEvents"}
JOINED = {  # AWSLambdaVPCAccessExecutionRole, but for the logs.
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}
MAY = {
    "Authorizer": ("authorizer", LOGGED),
    "MessagingStream": (
        "messaging_stream",
        LOGGED
        | {
            "dynamodb:DeleteItem",
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "sqs:SendMessage",
        },
    ),
    "Migrate": ("migrate", LOGGED | JOINED | {"rds-db:connect"}),
    "PostConfirmation": ("post_confirmation", LOGGED | JOINED | {"rds-db:connect"}),
    "Thumbnail": (
        "thumbnail",
        LOGGED | {"s3:GetObject", "s3:ListBucket", "s3:PutObject", "sqs:SendMessage"},
    ),
    "UploadUrl": ("upload_url", LOGGED | {"s3:PutObject"}),
}


@pytest.fixture
def functions(emitted):
    """Every function of the environment, by title: its properties, and its stack."""
    return {
        title: (function, one)
        for one in emitted.values()
        for title, function in one.of(FUNCTION).items()
    }


def role_of(function, one):
    """The title of the role of *function*, and what it says."""
    title, attribute = function["Role"]["Fn::GetAtt"]
    assert "Arn" == attribute
    return title, one.of("AWS::IAM::Role")[title]


def allowed(function, one):
    """The statements of the role of *function*, by name."""
    _, role = role_of(function, one)
    (policy,) = role["Policies"]
    return statements(policy["PolicyDocument"])


# --- what each may ----------------------------------------------------------------------------


@pytest.mark.parametrize("title", MAY)
def test_a_function_may_do_what_it_needs_and_nothing_else(functions, title):
    """Each action is there because its code calls it (defects 30, 88, 92)."""
    _, needs = MAY[title]

    may = allowed(*functions[title])

    actions = [action for statement in may.values() for action in statement["Action"]]
    assert needs == set(actions)
    assert len(actions) == len(set(actions))


def test_the_table_knows_every_function(functions):
    """A new one has to say here what it may."""
    assert set(MAY) == set(functions)


def test_every_function_has_a_role_of_its_own(functions):
    """Which only Lambda takes, and which has no policies but its own (defect 22)."""
    roles = {title: role_of(*found) for title, found in functions.items()}

    assert len(functions) == len({name for name, _ in roles.values()})
    for _, role in roles.values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert {"Service": "lambda.amazonaws.com"} == trust["Principal"]
        assert not {"ManagedPolicyArns", "RoleName"} & role.keys()


def test_only_lambda_touches_the_network_for_a_function(functions):
    """Code of a function that called these itself would be known by its ARN, and refused."""
    for function, one in functions.values():
        joining = [
            statement
            for statement in allowed(function, one).values()
            if JOINED & set(statement["Action"])
        ]
        assert bool(joining) == ("VpcConfig" in function)
        for statement in joining:
            assert {"Null": {"lambda:SourceFunctionArn": "true"}} == statement["Condition"]


def test_only_what_aws_cannot_narrow_is_allowed_everywhere(functions):
    """Which is to look for interfaces and subnets (defect 92)."""
    everywhere = {
        action
        for found in functions.values()
        for statement in allowed(*found).values()
        if "*" in statement["Resource"]
        for action in statement["Action"]
    }

    assert {"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"} == everywhere


# --- where each writes ------------------------------------------------------------------------


def test_every_function_writes_to_a_log_group_of_its_own(functions, config):
    """Which expires, and into which no other writes (defect 91)."""
    groups = set()
    for function, one in functions.values():
        group = function["LoggingConfig"]["LogGroup"]["Ref"]
        kept = one.of("AWS::Logs::LogGroup")[group]["RetentionInDays"]
        assert config.functions.log_retention_days == kept
        assert [{"Fn::GetAtt": [group, "Arn"]}] == allowed(function, one)["WriteLogs"]["Resource"]
        groups.add((one.stack.name, group))

    assert len(functions) == len(groups)


# --- what each runs on ------------------------------------------------------------------------


def test_they_run_on_arm_but_for_the_emulator(functions, config):
    """Which runs them on the machine that it is on (defect 66)."""
    settings = config.functions
    machine = artifacts.target(settings.runtime, settings.architecture).architecture

    assert {settings.runtime} == {function["Runtime"] for function, _ in functions.values()}
    assert {(machine,)} == {tuple(one["Architectures"]) for one, _ in functions.values()}
    assert ("host" if config.env.name == "local" else "arm64") == settings.architecture


@pytest.mark.parametrize("title", MAY)
def test_a_function_is_the_zip_of_its_folder(functions, config, title):
    """Named by a digest, so new code is a change of the template (defects 87, 103)."""
    function, one = functions[title]
    folder, _ = MAY[title]
    settings = config.functions

    target = artifacts.target(settings.runtime, settings.architecture)
    zipped = CODE.artifact(folder, target)

    assert f"{folder}.handler.handler" == function["Handler"]
    assert {
        "S3Bucket": {"Fn::ImportValue": f"crd-{config.env.name}-foundation-Artifacts"},
        "S3Key": f"releases/{zipped.key}",
    } == function["Code"]
    assert zipped in one.stack.template.artifacts


def test_sizes_are_said(functions):
    """Seconds and MB: 3 and 128, which Lambda takes otherwise, are too small (defect 69)."""
    sizes = {title: (one["Timeout"], one["MemorySize"]) for title, (one, _) in functions.items()}

    assert {
        "Authorizer": (5, 512),
        "MessagingStream": (60, 256),
        "Migrate": (300, 512),
        "PostConfirmation": (5, 512),
        "Thumbnail": (60, 1024),
        "UploadUrl": (5, 256),
    } == sizes


def test_a_function_has_no_name_that_stands_in_its_own_way(functions):
    """CloudFormation names it, so another can take its place before it goes (defect 22)."""
    assert not [title for title, (function, _) in functions.items() if "FunctionName" in function]


def test_no_function_has_calls_reserved(functions):
    """A new account may have ten at once, and Lambda lets none of them be reserved."""
    assert not [
        title
        for title, (function, _) in functions.items()
        if "ReservedConcurrentExecutions" in function
    ]


# --- who calls --------------------------------------------------------------------------------


def test_services_call_for_one_source_of_ours(functions, emitted):
    """Not one function can be called by everyone, or for anybody."""
    calls = {
        title: (one["Principal"], one["FunctionName"]["Fn::GetAtt"][0])
        for layer in emitted.values()
        for title, one in layer.of("AWS::Lambda::Permission").items()
    }

    assert {
        "AuthorizerInvokePermission": ("apigateway.amazonaws.com", "Authorizer"),
        "PostConfirmationInvokePermission": ("cognito-idp.amazonaws.com", "PostConfirmation"),
        "ThumbnailInvokePermission": ("s3.amazonaws.com", "Thumbnail"),
        "UploadUrlInvokePermission": ("apigateway.amazonaws.com", "UploadUrl"),
    } == calls
    for layer in emitted.values():
        for one in layer.of("AWS::Lambda::Permission").values():
            assert "lambda:InvokeFunction" == one["Action"]
            assert one["SourceArn"]


# --- what becomes of a failure ----------------------------------------------------------------


def test_what_nobody_waits_for_is_not_lost(emitted):
    """A function that S3 or a stream calls leaves in a queue what it gives up on (defects 70, 94)."""
    for layer, type_, title in (
        ("avatars", "AWS::Lambda::EventInvokeConfig", "Thumbnail"),
        ("messages", "AWS::Lambda::EventSourceMapping", "MessagingStream"),
    ):
        one = emitted[layer]
        config = one.one(type_)
        queue = {"Fn::GetAtt": ["Failures", "Arn"]}
        assert {"Ref": title} == config["FunctionName"]
        assert {"OnFailure": {"Destination": queue}} == config["DestinationConfig"]
        may = allowed(one.of(FUNCTION)[title], one)["SendToDeadLetterQueue"]
        assert (["sqs:SendMessage"], [queue]) == (may["Action"], may["Resource"])


@pytest.mark.parametrize("layer", ["avatars", "messages"])
def test_failures_wait_for_two_weeks(emitted, layer):
    """Encrypted, over TLS only, and nobody is let in who has no right of its own."""
    queue = emitted[layer].one("AWS::SQS::Queue")
    policy = emitted[layer].one("AWS::SQS::QueuePolicy")

    only = statements(policy["PolicyDocument"])

    assert {"MessageRetentionPeriod": 14 * 24 * 3600, "SqsManagedSseEnabled": True} == queue
    assert [{"Ref": "Failures"}] == policy["Queues"]
    assert ["DenyInsecureTransport"] == list(only)
    assert {"Bool": {"aws:SecureTransport": "false"}} == only["DenyInsecureTransport"]["Condition"]


# --- what each is told ------------------------------------------------------------------------

TOLD = {
    "Authorizer": {"USER_POOL_ID", "CLIENT_ID"},
    "MessagingStream": {"TABLE_NAME", "GROUP_INDEX_NAME"},
    "Migrate": {"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "APPLICATION_USER"},
    "PostConfirmation": {"PGHOST", "PGPORT", "PGDATABASE", "PGUSER"},
    "Thumbnail": {
        "UPLOADS_BUCKET_NAME",
        "AVATARS_BUCKET_NAME",
        "UPLOAD_LIMIT_BYTES",
        "PILLOW_BLOCKS_MAX",
    },
    "UploadUrl": {"UPLOADS_BUCKET_NAME", "UPLOAD_LIMIT_BYTES"},
}


@pytest.mark.parametrize("title", TOLD)
def test_a_function_is_told_where_things_are_and_no_secret(functions, title):
    """All of it from other stacks or the configuration (defects 80, 85, 89, 90)."""
    function, _ = functions[title]
    variables = function["Environment"]["Variables"]

    assert TOLD[title] == set(variables)
    assert "password" not in text(variables).lower()
    written_down = {name for name, value in variables.items() if isinstance(value, str)}
    assert written_down <= {"UPLOAD_LIMIT_BYTES", "GROUP_INDEX_NAME", "PILLOW_BLOCKS_MAX"}


@pytest.mark.parametrize("title", TOLD)
def test_a_function_is_told_what_its_code_reads(title):
    """Every name is in its sources, or is one of libpq's or Pillow's own."""
    folder, _ = MAY[title]
    sources = "".join(
        file.read_text()
        for place in (folder, "shared")
        for file in sorted((CODE.root / "lambdas" / place).glob("*.py"))
    )

    others = ("PG", "PILLOW_")

    assert [] == [
        name for name in TOLD[title] if not name.startswith(others) and name not in sources
    ]


def test_events_that_functions_are_tried_with_are_json():
    """Each folder has some: they show what comes in."""
    for folder, _ in MAY.values():
        events = sorted((CODE.root / "lambdas" / folder / "events").glob("*.json"))
        assert events, folder
        for event in events:
            assert isinstance(json.loads(event.read_text()), dict)
