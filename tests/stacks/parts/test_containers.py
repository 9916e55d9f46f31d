"""The ECS task: its containers, variables, secrets and roles."""

import json

import pytest
from msgspec.structs import replace

from deployer.config.fields import FargateSize
from stacks.parts.containers import EXPORTER_HEADERS
from tests.stacks.templates import config_of, emit, statements, text

HONEYCOMB = "https://api.honeycomb.io"
MOUNT = {"SourceVolume": "tmp", "ContainerPath": "/tmp"}  # noqa: S108  in a container
SECRETS = ("ROLLBAR_ACCESS_TOKEN", EXPORTER_HEADERS)


def with_service(environment="prod", **changes):
    """Return the service of an environment with some settings changed."""
    config = config_of(environment)
    return emit(replace(config, service=replace(config.service, **changes)))["service"]


@pytest.fixture
def service(emitted):
    return emitted["service"]


def container(service, name):
    """Return the definition of the container *name*."""
    containers = service.one("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    (found,) = (container for container in containers if container["Name"] == name)
    return found


def variables(service, name="backend-flask"):
    """Return the environment variables of a container."""
    return {
        variable["Name"]: variable["Value"] for variable in container(service, name)["Environment"]
    }


def permissions(service, title):
    """Return the statements of a role by statement id."""
    (policy,) = service.of("AWS::IAM::Role")[title]["Policies"]
    return statements(policy["PolicyDocument"])


def parameter(variable, environment="prod"):
    """Return the ARN of the Parameter Store parameter for a secret *variable*."""
    return {
        "Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}"
        f":parameter/crd/{environment}/backend-flask/{variable}"
    }


# --- the task ---------------------------------------------------------------------------------


def test_size_and_architecture_are_settings(service, config):
    """Tasks run on Fargate, with the configured size, and a network interface of their own."""
    task = service.one("AWS::ECS::TaskDefinition")

    size = config.service.size
    assert (str(size.cpu), str(size.memory_mib)) == (task["Cpu"], task["Memory"])
    assert (task["NetworkMode"], task["RequiresCompatibilities"]) == ("awsvpc", ["FARGATE"])
    assert {
        "CpuArchitecture": config.service.architecture,
        "OperatingSystemFamily": "LINUX",
    } == task["RuntimePlatform"]


def test_the_image_is_a_digest_in_the_registry(service, config):
    """The image is named by its digest: a tag can change, or be missing for a rollback (defect 24)."""
    uri = {"Fn::ImportValue": f"crd-{config.env.name}-registry-Uri"}

    image = container(service, "backend-flask")["Image"]

    assert {"Fn::If": ["HasImage", {"Fn::Join": ["@", [uri, {"Ref": "Image"}]]}, uri]} == image


def test_name_and_port_are_the_same_everywhere(service, config):
    """Container, discovery and target group have the name and port of the service (defect 25)."""
    name, port = config.service.name, config.service.port
    application = container(service, name)
    running = service.one("AWS::ECS::Service")

    (mapped,) = application["PortMappings"]
    (found,) = running["ServiceConnectConfiguration"]["Services"]
    (target,) = running["LoadBalancers"]

    assert (name, port) == ("backend-flask", 4567)
    assert (name, port, "http") == (
        mapped["Name"],
        mapped["ContainerPort"],
        mapped["AppProtocol"],
    )
    assert {name} == {running["ServiceName"], found["PortName"], found["DiscoveryName"]}
    assert (name, port) == (target["ContainerName"], target["ContainerPort"])


def test_containers_do_not_run_as_root(service):
    """The task definition sets the user, so the user in the image does not matter."""
    users = {name: container(service, name)["User"] for name in ("backend-flask", "collector")}

    assert users == {"backend-flask": "1000:1000", "collector": "4317"}


def test_the_root_file_system_is_writable_for_ecs_exec_only(service, config):
    """The root file system is writable only with ECS Exec; without it, only /tmp is writable."""
    application = container(service, "backend-flask")
    writable = service.one("AWS::ECS::TaskDefinition")["Volumes"]

    assert (not config.service.enable_exec) == application["ReadonlyRootFilesystem"]
    assert writable == [{"Name": "tmp"}]
    assert application["MountPoints"] == [MOUNT]


def test_a_stopping_task_finishes_its_requests(service):
    """The init process forwards signals, and the timeout is longer than a request."""
    application = container(service, "backend-flask")

    assert application["LinuxParameters"] == {"InitProcessEnabled": True}
    assert application["StopTimeout"] == 30
    assert int(variables(service)["GRACEFUL_TIMEOUT_SECONDS"]) < application["StopTimeout"]


def test_connections_outlive_the_idle_timeout_of_the_load_balancer():
    """The load balancer closes idle connections first, so it never uses a closed one."""
    config = config_of("prod")
    cluster = replace(config.cluster, idle_timeout_seconds=100)

    service = emit(replace(config, cluster=cluster))["service"]

    assert variables(service)["KEEP_ALIVE_SECONDS"] == "115"


@pytest.mark.parametrize(("cpu", "memory_mib", "workers"), [(256, 512, "2"), (4096, 8192, "4")])
def test_a_task_has_a_worker_for_each_vcpu(cpu, memory_mib, workers):
    """A task has at least two, so that one continues while the other is replaced."""
    service = with_service(size=FargateSize(cpu=cpu, memory_mib=memory_mib))

    assert variables(service)["WEB_CONCURRENCY"] == workers


def test_the_health_check_runs_in_the_container(service):
    """The health check runs a program in the image, after a start period of a minute."""
    health = container(service, "backend-flask")["HealthCheck"]

    assert health["Command"] == ["CMD", "bin/health-check"]
    assert tuple(health[key] for key in ("Interval", "Timeout", "Retries", "StartPeriod")) == (
        30,
        5,
        3,
        60,
    )


def test_every_container_logs_to_a_group_of_the_stack(service, config):
    """The log group expires; the original never created its group (defects 23, 28)."""
    kept = service.one("AWS::Logs::LogGroup")["RetentionInDays"]

    assert config.service.log_retention_days == kept
    for name in ("backend-flask", "collector"):
        logs = container(service, name)["LogConfiguration"]
        assert logs["LogDriver"] == "awslogs"
        assert logs["Options"]["awslogs-group"] == {"Ref": "TaskLogGroup"}
        assert logs["Options"]["mode"] == "non-blocking"


# --- environment and secrets --------------------------------------------------------------------------


def test_the_environment_of_the_application(service, config):
    """The variables are those of the original, without secrets (defects 20, 27, 29, 31)."""
    found, domain = variables(service), config.env.domain

    assert {
        name: value["Fn::ImportValue"].removeprefix(f"crd-{config.env.name}-")
        for name, value in found.items()
        if "Fn::ImportValue" in value
    } == {
        "AVATAR_TOPIC_ARN": "assets-AvatarTopic",
        "AWS_COGNITO_USER_POOL_CLIENT_ID": "users-Client",
        "AWS_COGNITO_USER_POOL_ID": "users-Pool",
        "DDB_MESSAGE_TABLE": "messages-Table",
        "PGDATABASE": "database-Name",
        "PGHOST": "database-Address",
        "PGPORT": "database-Port",
        "PGUSER": "database-Application",
    }
    assert {name: value for name, value in found.items() if isinstance(value, str)} == {
        "ASSETS_URL": f"https://assets.{domain}",
        "BACKEND_URL": f"https://api.{domain}",
        "FRONTEND_URL": f"https://{domain}",
        "GRACEFUL_TIMEOUT_SECONDS": "25",
        "KEEP_ALIVE_SECONDS": "75",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
        "OTEL_SERVICE_NAME": "backend-flask",
        "PORT": "4567",
        "WEB_CONCURRENCY": "2",
    }
    assert found["AWS_DEFAULT_REGION"] == {"Ref": "AWS::Region"}


def test_there_are_no_keys_and_no_passwords(service):
    """The task role is enough; access keys would take precedence over it (defect 20)."""
    template = text(service.template)

    assert not [
        word
        for word in ("AWS_ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "CONNECTION_URL")
        if word in template
    ]
    assert container(service, "backend-flask")["Secrets"] == []


def test_secrets_are_arns_of_parameters():
    """Each container gets its own secrets: the collector only gets the headers (defect 33)."""
    service = with_service(secrets=SECRETS)

    rollbar, headers = SECRETS
    assert [{"Name": rollbar, "ValueFrom": parameter(rollbar)}] == container(
        service, "backend-flask"
    )["Secrets"]
    assert [{"Name": headers, "ValueFrom": parameter(headers)}] == container(service, "collector")[
        "Secrets"
    ]


# --- the collector ----------------------------------------------------------------------------


def collector_config(service):
    """Return the configuration of the collector, which is JSON and therefore YAML."""
    return json.loads(variables(service, "collector")["AOT_CONFIG_CONTENT"])


def test_the_application_runs_without_the_collector(service):
    """If the collector fails, only the collector restarts; the original stopped the task (defect 28)."""
    collector = container(service, "collector")

    assert container(service, "backend-flask")["Essential"]
    assert not collector["Essential"]
    assert collector["RestartPolicy"]["Enabled"]
    assert "@sha256:" in collector["Image"]
    assert collector["ReadonlyRootFilesystem"]
    assert "PortMappings" not in collector


def test_the_collector_listens_where_the_application_sends(service):
    """The collector listens at the address to which the application sends, on the loopback interface."""
    config = collector_config(service)

    endpoint = config["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert variables(service)["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://{endpoint}"


def test_the_collector_drops_data_below_its_memory_limit(service):
    """The collector drops data before it reaches the memory at which ECS would stop it."""
    limit = collector_config(service)["processors"]["memory_limiter"]["limit_mib"]

    assert limit < container(service, "collector")["Memory"]


@pytest.mark.parametrize(
    ("settings", "exporters"),
    [
        ({}, {"awsxray": {}}),
        ({"secrets": (EXPORTER_HEADERS,)}, {"awsxray": {}}),
        ({"trace_exporter_url": HONEYCOMB}, {"awsxray": {}, "otlphttp": {"endpoint": HONEYCOMB}}),
        (
            {"trace_exporter_url": HONEYCOMB, "secrets": (EXPORTER_HEADERS,)},
            {
                "awsxray": {},
                "otlphttp": {"endpoint": HONEYCOMB, "headers": f"${{env:{EXPORTER_HEADERS}}}"},
            },
        ),
    ],
    ids=["X-Ray", "headers without an exporter", "an exporter", "an exporter with headers"],
)
def test_traces_are_exported_to_x_ray_and_a_setting(settings, exporters):
    """Traces go to X-Ray, and to an exporter if it is configured; its headers are a secret."""
    config = collector_config(with_service(**settings))

    (pipeline,) = config["service"]["pipelines"].values()
    assert exporters == config["exporters"]
    assert list(exporters) == pipeline["exporters"]
    assert config["receivers"].keys() == set(pipeline["receivers"])
    assert config["processors"].keys() == set(pipeline["processors"])


# --- roles ------------------------------------------------------------------------------------


def test_both_roles_are_for_tasks_only(service, config):
    """Only ECS tasks assume the roles, which have a boundary, and no managed policies (defects 22, 30)."""
    roles = service.of("AWS::IAM::Role")
    task = service.one("AWS::ECS::TaskDefinition")

    assert roles.keys() == {"ExecutionRole", "TaskRole"}
    for role in roles.values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        boundary = {"Fn::ImportValue": f"crd-{config.env.name}-foundation-Boundary"}
        assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        assert boundary == role["PermissionsBoundary"]
        assert not {"ManagedPolicyArns", "RoleName"} & role.keys()
    assert task["ExecutionRoleArn"] == {"Fn::GetAtt": ["ExecutionRole", "Arn"]}
    assert task["TaskRoleArn"] == {"Fn::GetAtt": ["TaskRole", "Arn"]}


def test_the_execution_role_reads_one_image_and_its_secrets():
    """The execution role reads one image and its secrets, and writes to one log group (defects 30, 33)."""
    statements = permissions(with_service(secrets=SECRETS), "ExecutionRole")

    assert {sid: statement["Action"] for sid, statement in statements.items()} == {
        "GetRegistryToken": ["ecr:GetAuthorizationToken"],
        "PullImage": [
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
        ],
        "WriteLogs": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "ReadSecrets": ["ssm:GetParameters"],
    }
    assert {
        "GetRegistryToken": ["*"],
        "PullImage": [{"Fn::ImportValue": "crd-prod-registry-Arn"}],
        "WriteLogs": [{"Fn::GetAtt": ["TaskLogGroup", "Arn"]}],
        "ReadSecrets": [parameter(variable) for variable in SECRETS],
    } == {sid: statement["Resource"] for sid, statement in statements.items()}


def test_the_statement_for_secrets_is_conditional(service):
    """Without secrets, the execution role has no statement to read any."""
    assert "ReadSecrets" not in permissions(service, "ExecutionRole")


def test_the_task_role_reaches_table_index_and_database(service, config):
    """The task role has access to table, index and database; in the original it had none (defect 21)."""
    statements, env = permissions(service, "TaskRole"), config.env.name

    assert {
        sid: statements[sid]["Action"]
        for sid in ("ConfirmAvatarSubscription", "ConnectToDatabase", "ReadAndWriteMessages")
    } == {
        "ConnectToDatabase": ["rds-db:connect"],
        "ConfirmAvatarSubscription": ["sns:ConfirmSubscription"],
        "ReadAndWriteMessages": [
            "dynamodb:ConditionCheckItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
        ],
    }
    assert statements["ReadAndWriteMessages"]["Resource"] == [
        {"Fn::ImportValue": f"crd-{env}-messages-TableArn"}
    ]
    assert statements["ConfirmAvatarSubscription"]["Resource"] == [
        {"Fn::ImportValue": f"crd-{env}-assets-AvatarTopic"}
    ]
    (user,) = statements["ConnectToDatabase"]["Resource"]
    arn, values = user["Fn::Sub"]
    assert arn.endswith(":dbuser:${Database}/${User}")
    assert values == {
        "Database": {"Fn::ImportValue": f"crd-{env}-database-ResourceId"},
        "User": {"Fn::ImportValue": f"crd-{env}-database-Application"},
    }


def test_the_statement_for_ecs_exec_is_conditional(service, config):
    """The task role permits ECS Exec sessions only if the setting enables them."""
    statements = permissions(service, "TaskRole")
    shell = {
        f"ssmmessages:{verb}{kind}Channel"
        for verb in ("Create", "Open")
        for kind in ("Control", "Data")
    }

    expected = {
        "SendTraces",
        "ConnectToDatabase",
        "ReadAndWriteMessages",
        "ConfirmAvatarSubscription",
    }
    assert expected | ({"UseEcsExec"} if config.service.enable_exec else set()) == statements.keys()
    if config.service.enable_exec:
        assert shell == set(statements["UseEcsExec"]["Action"])


def test_no_role_creates_log_groups(service):
    """No role can create log groups; the original allowed access to all of them (defect 30)."""
    assert "logs:CreateLogGroup" not in text(service.template)
