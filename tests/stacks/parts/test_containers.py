import json

import pytest
from msgspec.structs import replace

from stacks.parts.containers import EXPORTER_HEADERS
from tests.stacks.templates import config_of, emit, statements, text

HONEYCOMB = "https://api.honeycomb.io"
MOUNT = {"SourceVolume": "tmp", "ContainerPath": "/tmp"}  # noqa: S108  in a container
SECRETS = ("ROLLBAR_ACCESS_TOKEN", EXPORTER_HEADERS)


def with_service(environment="prod", **changes):
    """The service of an environment, with some settings changed."""
    config = config_of(environment)
    return emit(replace(config, service=replace(config.service, **changes)))["service"]


@pytest.fixture
def service(emitted):
    return emitted["service"]


def container(service, name):
    """What the task says of one of its containers."""
    containers = service.one("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    (found,) = (one for one in containers if one["Name"] == name)
    return found


def variables(service, name="backend-flask"):
    """The environment of a container."""
    return {one["Name"]: one["Value"] for one in container(service, name)["Environment"]}


def may(service, title):
    """The statements of a role, by name."""
    (policy,) = service.of("AWS::IAM::Role")[title]["Policies"]
    return statements(policy["PolicyDocument"])


def parameter(variable, environment="prod"):
    """The full ARN of the parameter in which the value of *variable* lies."""
    return {
        "Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}"
        f":parameter/crd/{environment}/backend-flask/{variable}"
    }


# --- the task ---------------------------------------------------------------------------------


def test_a_task_is_of_the_size_and_kind_that_config_says(service, config):
    """On Fargate, with an address of its own."""
    task = service.one("AWS::ECS::TaskDefinition")

    size = config.service.size
    assert (str(size.cpu), str(size.memory_mib)) == (task["Cpu"], task["Memory"])
    assert ("awsvpc", ["FARGATE"]) == (task["NetworkMode"], task["RequiresCompatibilities"])
    assert {
        "CpuArchitecture": config.service.architecture,
        "OperatingSystemFamily": "LINUX",
    } == task["RuntimePlatform"]


def test_the_image_is_a_digest_of_our_registry(service, config):
    """A tag could be anything tomorrow, and be gone when it has to come back (defect 24)."""
    uri = {"Fn::ImportValue": f"crd-{config.env.name}-registry-Uri"}

    image = container(service, "backend-flask")["Image"]

    assert {"Fn::If": ["HasImage", {"Fn::Join": ["@", [uri, {"Ref": "Image"}]]}, uri]} == image


def test_names_come_from_one_place(service, config):
    """Container, port, discovery and target are the same everywhere (defect 25)."""
    name, port = config.service.name, config.service.port
    application = container(service, name)
    running = service.one("AWS::ECS::Service")

    (mapped,) = application["PortMappings"]
    (found,) = running["ServiceConnectConfiguration"]["Services"]
    (target,) = running["LoadBalancers"]

    assert ("backend-flask", 4567) == (name, port)
    assert (name, port, "http") == (
        mapped["Name"],
        mapped["ContainerPort"],
        mapped["AppProtocol"],
    )
    assert {name} == {running["ServiceName"], found["PortName"], found["DiscoveryName"]}
    assert (name, port) == (target["ContainerName"], target["ContainerPort"])


def test_nobody_is_root(service):
    """Neither in the application nor in the collector, whatever their images say."""
    users = {name: container(service, name)["User"] for name in ("backend-flask", "collector")}

    assert {"backend-flask": "1000:1000", "collector": "4317"} == users


def test_files_can_be_written_only_where_there_is_a_shell(service, config):
    """Which needs them; otherwise only /tmp can."""
    application = container(service, "backend-flask")
    writable = service.one("AWS::ECS::TaskDefinition")["Volumes"]

    assert (not config.service.exec) == application["ReadonlyRootFilesystem"]
    assert [{"Name": "tmp"}] == writable
    assert [MOUNT] == application["MountPoints"]


def test_a_task_that_is_told_to_end_may_finish(service):
    """Its signals reach it, and what it began may take as long as a request takes."""
    application = container(service, "backend-flask")

    assert {"InitProcessEnabled": True} == application["LinuxParameters"]
    assert 30 == application["StopTimeout"]


def test_health_is_asked_within_the_container(service):
    """By the program that the image brings, after it had a minute to start."""
    health = container(service, "backend-flask")["HealthCheck"]

    assert ["CMD", "bin/health-check"] == health["Command"]
    assert (30, 5, 3, 60) == tuple(
        health[key] for key in ("Interval", "Timeout", "Retries", "StartPeriod")
    )


def test_every_container_logs_to_a_group_of_the_stack(service, config):
    """Which is there before it, and expires; the original's was never made (defects 23, 28)."""
    kept = service.one("AWS::Logs::LogGroup")["RetentionInDays"]

    assert config.service.log_retention_days == kept
    for name in ("backend-flask", "collector"):
        logs = container(service, name)["LogConfiguration"]
        assert "awslogs" == logs["LogDriver"]
        assert {"Ref": "TaskLogs"} == logs["Options"]["awslogs-group"]
        assert "non-blocking" == logs["Options"]["mode"]


# --- what it is told --------------------------------------------------------------------------


def test_the_application_is_told_in_its_own_words(service, config):
    """As in the original, but nothing that is a secret, and no `*` (defects 20, 27, 29, 31)."""
    told, domain = variables(service), config.env.domain

    assert {
        "AWS_COGNITO_USER_POOL_CLIENT_ID": "users-Client",
        "AWS_COGNITO_USER_POOL_ID": "users-Pool",
        "DDB_MESSAGE_TABLE": "messages-Table",
        "PGDATABASE": "database-Name",
        "PGHOST": "database-Address",
        "PGPORT": "database-Port",
        "PGUSER": "database-Application",
    } == {
        name: value["Fn::ImportValue"].removeprefix(f"crd-{config.env.name}-")
        for name, value in told.items()
        if "Fn::ImportValue" in value
    }
    assert {
        "ASSETS_URL": f"https://assets.{domain}",
        "BACKEND_URL": f"https://api.{domain}",
        "FRONTEND_URL": f"https://{domain}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
        "OTEL_SERVICE_NAME": "backend-flask",
    } == {name: value for name, value in told.items() if isinstance(value, str)}
    assert {"Ref": "AWS::Region"} == told["AWS_DEFAULT_REGION"]


def test_there_are_no_keys_and_no_passwords(service):
    """A role is enough; static keys would have gone before it (defect 20)."""
    said = text(service.template)

    assert not [
        word
        for word in ("AWS_ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "CONNECTION_URL")
        if word in said
    ]
    assert [] == container(service, "backend-flask")["Secrets"]


def test_secrets_are_named_by_their_parameters():
    """Each by its full ARN, to whom it is for; the headers are the collector's (defect 33)."""
    service = with_service(secrets=SECRETS)

    rollbar, headers = SECRETS
    assert [{"Name": rollbar, "ValueFrom": parameter(rollbar)}] == container(
        service, "backend-flask"
    )["Secrets"]
    assert [{"Name": headers, "ValueFrom": parameter(headers)}] == container(service, "collector")[
        "Secrets"
    ]


# --- the collector ----------------------------------------------------------------------------


def collected(service):
    """The configuration of the collector; its keys are YAML's, which JSON is."""
    return json.loads(variables(service, "collector")["AOT_CONFIG_CONTENT"])


def test_the_application_outlives_the_collector(service):
    """Telemetry that breaks took the original's application with it (defect 28)."""
    collector = container(service, "collector")

    assert container(service, "backend-flask")["Essential"]
    assert not collector["Essential"]
    assert collector["RestartPolicy"]["Enabled"]
    assert "@sha256:" in collector["Image"]
    assert collector["ReadonlyRootFilesystem"]
    assert "PortMappings" not in collector


def test_the_collector_listens_where_the_application_sends(service):
    """On the loopback of the task, where nobody else is."""
    config = collected(service)

    endpoint = config["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert f"http://{endpoint}" == variables(service)["OTEL_EXPORTER_OTLP_ENDPOINT"]


def test_the_collector_stays_below_its_memory(service):
    """It drops what is too much, before it is killed."""
    limit = collected(service)["processors"]["memory_limiter"]["limit_mib"]

    assert limit < container(service, "collector")["Memory"]


@pytest.mark.parametrize(
    ("settings", "exporters"),
    [
        ({}, {"awsxray": {}}),
        ({"secrets": (EXPORTER_HEADERS,)}, {"awsxray": {}}),
        ({"exporter": HONEYCOMB}, {"awsxray": {}, "otlphttp": {"endpoint": HONEYCOMB}}),
        (
            {"exporter": HONEYCOMB, "secrets": (EXPORTER_HEADERS,)},
            {
                "awsxray": {},
                "otlphttp": {"endpoint": HONEYCOMB, "headers": f"${{env:{EXPORTER_HEADERS}}}"},
            },
        ),
    ],
    ids=["X-Ray", "headers for nobody", "an exporter", "an exporter with headers"],
)
def test_traces_go_to_x_ray_and_where_config_says(settings, exporters):
    """With headers, such as the key of a team, if there are any."""
    config = collected(with_service(**settings))

    (pipeline,) = config["service"]["pipelines"].values()
    assert exporters == config["exporters"]
    assert list(exporters) == pipeline["exporters"]
    assert config["receivers"].keys() == set(pipeline["receivers"])
    assert config["processors"].keys() == set(pipeline["processors"])


# --- roles ------------------------------------------------------------------------------------


def test_both_roles_are_for_tasks_alone(service, config):
    """Under the boundary, without names or AWS's own policies (defects 22, 30)."""
    roles = service.of("AWS::IAM::Role")
    task = service.one("AWS::ECS::TaskDefinition")

    assert {"ExecutionRole", "TaskRole"} == roles.keys()
    for role in roles.values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        boundary = {"Fn::ImportValue": f"crd-{config.env.name}-foundation-Boundary"}
        assert {"Service": "ecs-tasks.amazonaws.com"} == trust["Principal"]
        assert boundary == role["PermissionsBoundary"]
        assert not {"ManagedPolicyArns", "RoleName"} & role.keys()
    assert {"Fn::GetAtt": ["ExecutionRole", "Arn"]} == task["ExecutionRoleArn"]
    assert {"Fn::GetAtt": ["TaskRole", "Arn"]} == task["TaskRoleArn"]


def test_what_starts_a_task_reads_one_image_and_its_own_secrets():
    """And writes to one log group (defects 30, 33)."""
    statements = may(with_service(secrets=SECRETS), "ExecutionRole")

    assert {
        "SignInToRegistry": ["ecr:GetAuthorizationToken"],
        "PullImage": [
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
        ],
        "WriteLogs": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "ReadSecrets": ["ssm:GetParameters"],
    } == {sid: one["Action"] for sid, one in statements.items()}
    assert {
        "SignInToRegistry": ["*"],
        "PullImage": [{"Fn::ImportValue": "crd-prod-registry-Arn"}],
        "WriteLogs": [{"Fn::GetAtt": ["TaskLogs", "Arn"]}],
        "ReadSecrets": [parameter(variable) for variable in SECRETS],
    } == {sid: one["Resource"] for sid, one in statements.items()}


def test_without_secrets_none_can_be_read(service):
    """There is nothing to name."""
    assert "ReadSecrets" not in may(service, "ExecutionRole")


def test_the_application_reaches_its_table_index_and_database(service, config):
    """The original's role did not even reach the table (defect 21)."""
    statements, env = may(service, "TaskRole"), config.env.name

    assert {
        "Connect": ["rds-db:connect"],
        "Conversations": ["dynamodb:Query"],
        "Messages": [
            "dynamodb:ConditionCheckItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
        ],
    } == {sid: statements[sid]["Action"] for sid in ("Connect", "Conversations", "Messages")}
    assert [{"Fn::ImportValue": f"crd-{env}-messages-TableArn"}] == statements["Messages"][
        "Resource"
    ]
    assert [{"Fn::ImportValue": f"crd-{env}-messages-IndexArn"}] == statements["Conversations"][
        "Resource"
    ]
    (user,) = statements["Connect"]["Resource"]
    arn, named = user["Fn::Sub"]
    assert arn.endswith(":dbuser:${Database}/${User}")
    assert {
        "Database": {"Fn::ImportValue": f"crd-{env}-database-ResourceId"},
        "User": {"Fn::ImportValue": f"crd-{env}-database-Application"},
    } == named


def test_only_a_shell_needs_session_manager(service, config):
    """Where it is off, nobody can come in that way."""
    statements = may(service, "TaskRole")
    shell = {
        f"ssmmessages:{verb}{kind}Channel"
        for verb in ("Create", "Open")
        for kind in ("Control", "Data")
    }

    expected = {"SendTraces", "Connect", "Messages", "Conversations"}
    assert expected | ({"OpenShell"} if config.service.exec else set()) == statements.keys()
    if config.service.exec:
        assert shell == set(statements["OpenShell"]["Action"])


def test_nothing_may_make_a_log_group(service):
    """There is one, and AWS's own policies let the original write to all (defect 30)."""
    assert "logs:CreateLogGroup" not in text(service.template)
