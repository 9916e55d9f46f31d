"""The Lambda functions of all stacks: permissions, logs, code, limits and failed events."""

import json
from dataclasses import dataclass

import pytest

from deployer import artifacts
from tests.stacks.templates import CODE, statements, text

FUNCTION = "AWS::Lambda::Function"

WRITE_LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
VPC_ACCESS = frozenset(
    {  # AWSLambdaVPCAccessExecutionRole without the actions for logs.
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    }
)


@dataclass(frozen=True)
class Expected:
    """The folder, limits, environment variables and permissions of a function."""

    folder: str
    timeout_seconds: int
    memory_mb: int
    variables: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()  # Besides WRITE_LOGS.


# A new function needs a row: a reviewer sees what it is allowed to do.
EXPECTED = {
    "ReconcileUsers": Expected(
        "reconcile_users",
        timeout_seconds=900,
        memory_mb=256,
        variables=frozenset({"USER_POOL", "POST_CONFIRMATION"}),
        actions=frozenset({"cognito-idp:ListUsers", "lambda:InvokeFunction"}),
    ),
    "ExpirePosts": Expected(
        "expire_posts",
        timeout_seconds=60,
        memory_mb=256,
        variables=frozenset({"PGHOST", "PGPORT", "PGDATABASE", "PGUSER"}),
        actions=VPC_ACCESS | {"rds-db:connect"},
    ),
    "Authorizer": Expected(
        "authorizer",
        timeout_seconds=5,
        memory_mb=512,
        variables=frozenset({"USER_POOL_ID", "CLIENT_ID"}),
    ),
    "MessagingStream": Expected(
        "messaging_stream",
        timeout_seconds=60,
        memory_mb=256,
        variables=frozenset({"TABLE_NAME", "GROUP_INDEX_NAME"}),
        actions=frozenset(
            {
                "dynamodb:DeleteItem",
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
                "dynamodb:ListStreams",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "sqs:SendMessage",
            }
        ),
    ),
    "Migrate": Expected(
        "migrate",
        timeout_seconds=300,
        memory_mb=512,
        variables=frozenset({"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "APPLICATION_USER"}),
        actions=VPC_ACCESS | {"rds-db:connect"},
    ),
    "PostConfirmation": Expected(
        "post_confirmation",
        timeout_seconds=5,
        memory_mb=1024,
        variables=frozenset({"PGHOST", "PGPORT", "PGDATABASE", "PGUSER"}),
        actions=VPC_ACCESS | {"rds-db:connect"},
    ),
    "Thumbnail": Expected(
        "thumbnail",
        timeout_seconds=60,
        memory_mb=1024,
        variables=frozenset(
            {
                "UPLOADS_BUCKET_NAME",
                "AVATARS_BUCKET_NAME",
                "UPLOAD_LIMIT_BYTES",
                "PILLOW_BLOCKS_MAX",
            }
        ),
        actions=frozenset({"s3:GetObject", "s3:ListBucket", "s3:PutObject", "sqs:SendMessage"}),
    ),
    "UploadUrl": Expected(
        "upload_url",
        timeout_seconds=5,
        memory_mb=256,
        variables=frozenset({"UPLOADS_BUCKET_NAME", "UPLOAD_LIMIT_BYTES"}),
        actions=frozenset({"s3:PutObject"}),
    ),
}


@pytest.fixture
def functions(emitted):
    """Return every function by title, with its properties and its stack."""
    return {
        title: (function, stack)
        for stack in emitted.values()
        for title, function in stack.of(FUNCTION).items()
    }


def role_of(function, stack):
    """Return the title and the properties of the role of *function*."""
    title, attribute = function["Role"]["Fn::GetAtt"]
    assert attribute == "Arn"
    return title, stack.of("AWS::IAM::Role")[title]


def allowed(function, stack):
    """Return the statements of the role of *function* by statement id."""
    _, role = role_of(function, stack)
    (policy,) = role["Policies"]
    return statements(policy["PolicyDocument"])


# --- permissions ----------------------------------------------------------------------------


@pytest.mark.parametrize("title", EXPECTED)
def test_a_function_has_only_the_permissions_it_needs(functions, title):
    """A role has exactly the actions in EXPECTED, which the function's code uses (defects 30, 88, 92)."""
    statements_ = allowed(*functions[title])

    actions = [action for statement in statements_.values() for action in statement["Action"]]
    assert WRITE_LOGS | EXPECTED[title].actions == set(actions)
    assert len(actions) == len(set(actions))


def test_the_table_of_functions_is_complete(functions):
    """Every function has a row in EXPECTED."""
    assert set(EXPECTED) == set(functions)


def test_every_function_has_a_role_of_its_own(functions):
    """No two functions share a role; only Lambda assumes it, without managed policies (defect 22)."""
    roles = {title: role_of(*found) for title, found in functions.items()}

    assert len(functions) == len({name for name, _ in roles.values()})
    for _, role in roles.values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert not {"ManagedPolicyArns", "RoleName"} & role.keys()


def test_only_lambda_manages_network_interfaces(functions):
    """The statement excludes requests of the function's code, by lambda:SourceFunctionArn."""
    for function, stack in functions.values():
        network = [
            statement
            for statement in allowed(function, stack).values()
            if VPC_ACCESS & set(statement["Action"])
        ]
        assert bool(network) == ("VpcConfig" in function)
        for statement in network:
            assert statement["Condition"] == {"Null": {"lambda:SourceFunctionArn": "true"}}


def test_only_three_actions_have_the_resource_star(functions):
    """Only three actions are allowed on `*`, because AWS supports no narrower resource (defect 92)."""
    unlimited = {
        action
        for found in functions.values()
        for statement in allowed(*found).values()
        if "*" in statement["Resource"]
        for action in statement["Action"]
    }

    assert unlimited == {
        "dynamodb:ListStreams",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
    }


# --- logs ------------------------------------------------------------------------


def test_every_function_writes_to_a_log_group_of_its_own(functions, config):
    """The log group expires, and no other function writes to it (defect 91)."""
    groups = set()
    for function, stack in functions.values():
        group = function["LoggingConfig"]["LogGroup"]["Ref"]
        days = stack.of("AWS::Logs::LogGroup")[group]["RetentionInDays"]
        assert config.functions.log_retention_days == days
        assert [{"Fn::GetAtt": [group, "Arn"]}] == allowed(function, stack)["WriteLogs"]["Resource"]
        groups.add((stack.stack.name, group))

    assert len(functions) == len(groups)


# --- runtime and code ------------------------------------------------------------------------


def test_functions_run_on_arm_except_in_the_emulator(functions, config):
    """Functions are for arm64; the emulator uses the architecture of the host (defect 66)."""
    settings = config.functions
    machine = artifacts.target(settings.runtime, settings.architecture).architecture

    assert {settings.runtime} == {function["Runtime"] for function, _ in functions.values()}
    assert {(machine,)} == {tuple(function["Architectures"]) for function, _ in functions.values()}
    assert ("host" if config.env.name == "local" else "arm64") == settings.architecture


@pytest.mark.parametrize("title", EXPECTED)
def test_a_function_is_the_zip_of_its_folder(functions, config, title):
    """The key is a digest, so new code changes the template (defects 87, 103)."""
    function, stack = functions[title]
    folder = EXPECTED[title].folder
    settings = config.functions

    target = artifacts.target(settings.runtime, settings.architecture)
    zipped = CODE.artifact(folder, target)

    assert function["Handler"] == f"{folder}.handler.handler"
    assert function["Code"] == {
        "S3Bucket": {"Fn::ImportValue": f"crd-{config.env.name}-foundation-Artifacts"},
        "S3Key": f"releases/{zipped.key}",
    }
    assert zipped in stack.stack.template.artifacts


def test_timeouts_and_memory_sizes(functions):
    """Each function has explicit limits: Lambda's defaults are too small (defect 69)."""
    sizes = {
        title: (function["Timeout"], function["MemorySize"])
        for title, (function, _) in functions.items()
    }

    assert {
        title: (expected.timeout_seconds, expected.memory_mb)
        for title, expected in EXPECTED.items()
    } == sizes


def test_functions_have_generated_names(functions):
    """Without fixed names, CloudFormation can create a replacement first (defect 22)."""
    assert not [title for title, (function, _) in functions.items() if "FunctionName" in function]


def test_no_function_has_reserved_concurrency(functions):
    """No function has reserved concurrency: a new account has none to reserve."""
    assert not [
        title
        for title, (function, _) in functions.items()
        if "ReservedConcurrentExecutions" in function
    ]


# --- invoke permissions --------------------------------------------------------------------------------


def test_invoke_permissions_have_one_source(functions, emitted):
    """No function can be invoked by everyone, or on behalf of any resource."""
    permissions = {
        title: permission
        for stack in emitted.values()
        for title, permission in stack.of("AWS::Lambda::Permission").items()
    }

    assert {
        title: (permission["Principal"], permission["FunctionName"]["Fn::GetAtt"][0])
        for title, permission in permissions.items()
    } == {
        "AuthorizerInvokePermission": ("apigateway.amazonaws.com", "Authorizer"),
        "ExpirePostsInvokePermission": ("events.amazonaws.com", "ExpirePosts"),
        "ReconcileUsersInvokePermission": ("events.amazonaws.com", "ReconcileUsers"),
        "PostConfirmationInvokePermission": ("cognito-idp.amazonaws.com", "PostConfirmation"),
        "ThumbnailInvokePermission": ("s3.amazonaws.com", "Thumbnail"),
        "UploadUrlInvokePermission": ("apigateway.amazonaws.com", "UploadUrl"),
    }
    for permission in permissions.values():
        assert permission["Action"] == "lambda:InvokeFunction"
        assert permission["SourceArn"]


# --- failed events ----------------------------------------------------------------


def test_asynchronous_functions_have_a_dead_letter_queue(emitted):
    """Events of S3 and of the stream that fail are kept (defects 70, 94)."""
    for name, kind, title in (
        ("avatars", "AWS::Lambda::EventInvokeConfig", "Thumbnail"),
        ("messages", "AWS::Lambda::EventSourceMapping", "MessagingStream"),
    ):
        stack = emitted[name]
        config = stack.one(kind)
        queue = {"Fn::GetAtt": [f"{title}DeadLetterQueue", "Arn"]}
        assert {"Ref": title} == config["FunctionName"]
        assert {"OnFailure": {"Destination": queue}} == config["DestinationConfig"]
        send = allowed(stack.of(FUNCTION)[title], stack)["SendToDeadLetterQueue"]
        assert (["sqs:SendMessage"], [queue]) == (send["Action"], send["Resource"])


@pytest.mark.parametrize(
    ("stack", "title"),
    [("avatars", "ThumbnailDeadLetterQueue"), ("messages", "MessagingStreamDeadLetterQueue")],
)
def test_failed_events_are_kept_for_two_weeks(emitted, stack, title):
    """A dead-letter queue keeps events for two weeks, is encrypted and requires TLS."""
    queue = emitted[stack].one("AWS::SQS::Queue")
    policy = emitted[stack].one("AWS::SQS::QueuePolicy")

    by_sid = statements(policy["PolicyDocument"])

    assert queue == {"MessageRetentionPeriod": 14 * 24 * 3600, "SqsManagedSseEnabled": True}
    assert [{"Ref": title}] == policy["Queues"]
    assert list(by_sid) == ["DenyInsecureTransport"]
    assert by_sid["DenyInsecureTransport"]["Condition"] == {
        "Bool": {"aws:SecureTransport": "false"}
    }


# --- environment ------------------------------------------------------------------------


@pytest.mark.parametrize("title", EXPECTED)
def test_the_environment_of_a_function(functions, title):
    """Values are imports or settings, not secrets (defects 80, 85, 89, 90)."""
    function, _ = functions[title]
    variables = function["Environment"]["Variables"]

    assert EXPECTED[title].variables == set(variables)
    assert "password" not in text(variables).lower()
    literals = {name for name, value in variables.items() if isinstance(value, str)}
    assert literals <= {"UPLOAD_LIMIT_BYTES", "GROUP_INDEX_NAME", "PILLOW_BLOCKS_MAX"}


@pytest.mark.parametrize("title", EXPECTED)
def test_the_code_reads_every_variable(title):
    """A function or shared code reads every variable, except for those of libpq and Pillow."""
    folder = EXPECTED[title].folder
    sources = "".join(
        file.read_text()
        for subfolder in (folder, "shared")
        for file in sorted((CODE.root / "lambdas" / subfolder).glob("*.py"))
    )

    libraries = ("PG", "PILLOW_")

    assert [
        name
        for name in EXPECTED[title].variables
        if not name.startswith(libraries) and name not in sources
    ] == []


def test_example_events_are_json():
    """Each function has an example of its input."""
    for expected in EXPECTED.values():
        folder = expected.folder
        events = sorted((CODE.root / "lambdas" / folder / "events").glob("*.json"))
        assert events, folder
        for event in events:
            assert isinstance(json.loads(event.read_text()), dict)
