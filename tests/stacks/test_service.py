"""The ECS service: image, deployments, network and autoscaling."""

import pytest
from msgspec import ValidationError, convert
from msgspec.structs import replace

from stacks.conflicts import TASK_VARIABLES
from stacks.service import SecretName
from tests.stacks.templates import config_of, emit, statements, text

SERVICE = "AWS::ECS::Service"
SUBSCRIPTION = "AWS::SNS::Subscription"
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
INGRESS = "AWS::EC2::SecurityGroupIngress"


@pytest.fixture
def service(emitted):
    return emitted["service"]


@pytest.fixture
def verifier(config):
    """Return the stack of a second service, such as the token verifier of the original."""
    second = replace(
        config.service, name="verifier", image="verifier", port=5555, secrets=("SOME_TOKEN",)
    )
    return emit(replace(config, verifier=second))["verifier"]


def imported(value, config):
    """Return the stack and output that *value* imports."""
    return value["Fn::ImportValue"].removeprefix(f"crd-{config.env.name}-")


# --- the image --------------------------------------------------------------------------------


def test_the_image_is_that_of_the_last_release(service, config):
    """The image is read from Parameter Store, so no stack update reverts a release (defect 32)."""
    parameter = service.template["Parameters"]["Image"]

    assert parameter["Type"] == "AWS::SSM::Parameter::Value<String>"
    assert parameter["Default"] == f"/crd/{config.env.name}/backend/image"


def test_the_image_parameter_starts_with_none(emitted, config):
    """The parameter never changes in the template: CloudFormation would write `none` again."""
    parameter = emitted["registry"].one("AWS::SSM::Parameter")

    assert parameter == {
        "Name": f"/crd/{config.env.name}/backend/image",
        "Type": "String",
        "Value": "none",
        "Description": "Digest of the image of the last release",
    }


def test_the_plan_compares_the_image_parameter(service):
    """The template has the name of the image parameter, and an output has the deployed value.

    A plan compares the parameter with the output, so it finds an update after the first release.
    """
    assert service.stack.template.awaited_parameters == {
        "Image": f"/crd/{service.stack.name.split('-')[1]}/backend/image"
    }
    assert service.template["Outputs"]["Image"]["Value"] == {"Ref": "Image"}


def test_no_task_runs_without_an_image(service):
    """Without an image the number of tasks is 0; later, autoscaling sets it (defect 26)."""
    condition = service.template["Conditions"]["HasImage"]
    count = service.one(SERVICE)["DesiredCount"]

    assert condition == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Image"}, "none"]}]}
    assert count == {"Fn::If": ["HasImage", {"Ref": "AWS::NoValue"}, 0]}


def test_scaling_and_webhook_require_an_image(service):
    """Without an image there is no autoscaling and no subscription of the webhook."""
    conditional = {
        resource["Type"]
        for resource in service.template["Resources"].values()
        if resource.get("Condition") == "HasImage"
    }

    assert conditional == {TARGET, POLICY, SUBSCRIPTION}


# --- deployments ------------------------------------------------------------------------------


def test_a_failed_deployment_is_rolled_back(service):
    """The circuit breaker rolls back, and healthy tasks are kept meanwhile (defect 26)."""
    deployment = service.one(SERVICE)["DeploymentConfiguration"]

    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)


def test_a_starting_task_has_a_grace_period(service):
    """Health checks do not count during a grace period; the original had none (defect 26)."""
    assert service.one(SERVICE)["HealthCheckGracePeriodSeconds"] >= 60


def test_the_service_uses_the_default_capacity_provider(service):
    """There is no launch type, which would override the default of the cluster, such as Spot."""
    assert not {"LaunchType", "CapacityProviderStrategy"} & service.one(SERVICE).keys()


def test_tasks_have_the_tags_of_the_service(service):
    """Tasks get the tags of the service, which cost reports use."""
    running = service.one(SERVICE)

    assert running["EnableECSManagedTags"]
    assert running["PropagateTags"] == "SERVICE"


def test_ecs_exec_is_a_setting(service, config):
    """ECS Exec is a setting, which is disabled in prod."""
    assert config.service.enable_exec == service.one(SERVICE)["EnableExecuteCommand"]
    assert (config.env.name != "prod") == config.service.enable_exec


# --- the network ------------------------------------------------------------------------------


@pytest.mark.parametrize("nat", ["none", "single", "per-zone"])
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_tasks_are_private_if_the_network_has_nat(environment, nat):
    """Tasks have public addresses only if the network has no NAT: they must reach ECR."""
    config = config_of(environment)
    config = replace(config, network=replace(config.network, nat=nat))
    subnets, address = (
        ("PublicSubnets", "ENABLED") if nat == "none" else ("PrivateSubnets", "DISABLED")
    )

    found = emit(config)["service"].one(SERVICE)["NetworkConfiguration"]["AwsvpcConfiguration"]

    assert address == found["AssignPublicIp"]
    assert [f"network-{subnets}{number}" for number in range(1, config.network.zones + 1)] == [
        imported(subnet, config) for subnet in found["Subnets"]
    ]


def test_all_tasks_have_the_security_group_of_services(service, config):
    """All tasks have the security group of services, whose ingress is limited to the load balancer."""
    found = service.one(SERVICE)["NetworkConfiguration"]["AwsvpcConfiguration"]

    assert [imported(group, config) for group in found["SecurityGroups"]] == [
        "cluster-ServiceSecurityGroup"
    ]


def test_the_service_adds_an_ingress_rule_to_the_database(service, config):
    """The rule has the security group of services as its source, on one port (defect 18)."""
    rule = service.one(INGRESS)

    assert imported(rule["GroupId"], config) == "database-SecurityGroup"
    assert imported(rule["SourceSecurityGroupId"], config) == "cluster-ServiceSecurityGroup"
    assert {imported(rule[end], config) for end in ("FromPort", "ToPort")} == {"database-Port"}


def test_the_service_is_registered_with_the_load_balancer(service, config):
    """The service registers its tasks in the target group of the cluster stack."""
    (target,) = service.one(SERVICE)["LoadBalancers"]

    assert imported(target["TargetGroupArn"], config) == "cluster-TargetGroup"


def test_the_service_is_discoverable_in_the_namespace(service, config):
    """The service has one name and one port in the namespace of the cluster."""
    connect = service.one(SERVICE)["ServiceConnectConfiguration"]
    (endpoint,) = connect["Services"]

    assert connect["Enabled"]
    assert imported(connect["Namespace"], config) == "cluster-Namespace"
    assert [{"Port": config.service.port}] == endpoint["ClientAliases"]


# --- autoscaling ------------------------------------------------------------------------------


def test_the_number_of_tasks_is_scaled(service, config):
    """The minimum and maximum number of tasks are settings (defect 26)."""
    target = service.one(TARGET)
    settings = config.service

    assert (settings.min_tasks, settings.max_tasks) == (
        target["MinCapacity"],
        target["MaxCapacity"],
    )
    assert (
        target["ServiceNamespace"],
        target["ScalableDimension"],
    ) == ("ecs", "ecs:service:DesiredCount")
    assert target["ResourceId"]["Fn::Sub"][0] == "service/${Cluster}/${Service.Name}"


def test_scaling_out_is_faster_than_scaling_in(service):
    """Both scaling policies, for CPU and for requests, have a shorter cooldown for scaling out."""
    found = {}
    for title, policy in service.of(POLICY).items():
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        found[title] = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
        assert policy["ScalingTargetId"] == {"Ref": "ServiceScalableTarget"}
        assert tracking["ScaleOutCooldown"] < tracking["ScaleInCooldown"]

    assert found == {
        "CpuScalingPolicy": "ECSServiceAverageCPUUtilization",
        "RequestsScalingPolicy": "ALBRequestCountPerTarget",
    }


# --- the webhook ------------------------------------------------------------------------------


def test_the_application_is_subscribed_to_new_avatars(service, config):
    """The subscription is created after the service, which confirms it."""
    subscription = service.one(SUBSCRIPTION)
    (title,) = service.of(SUBSCRIPTION)

    assert imported(subscription["TopicArn"], config) == "assets-AvatarTopic"
    assert subscription["Endpoint"] == f"https://api.{config.env.domain}/webhooks/avatar"
    assert subscription["Protocol"] == "https"
    assert service.template["Resources"][title]["DependsOn"] == "Service"


def test_undelivered_notifications_have_a_dead_letter_queue(service, config):
    """Undelivered notifications are sent to a queue that accepts messages of the topic only."""
    queue = {"Fn::GetAtt": ["AvatarWebhookDeadLetterQueue", "Arn"]}
    policy = statements(service.one("AWS::SQS::QueuePolicy")["PolicyDocument"])
    allowed = policy["AllowTopicToSend"]

    assert {"deadLetterTargetArn": queue} == service.one(SUBSCRIPTION)["RedrivePolicy"]
    assert policy.keys() == {"DenyInsecureTransport", "AllowTopicToSend"}
    assert (
        allowed["Principal"],
        allowed["Action"],
    ) == ({"Service": "sns.amazonaws.com"}, ["sqs:SendMessage"])
    source = allowed["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert imported(source, config) == "assets-AvatarTopic"


# --- outputs --------------------------------------------------------------------


def test_outputs(service):
    """The outputs are those that releases and monitoring use."""
    values = {title: output["Value"] for title, output in service.template["Outputs"].items()}

    assert values == {
        "Name": {"Fn::GetAtt": ["Service", "Name"]},
        "Image": {"Ref": "Image"},
        "LogGroup": {"Ref": "TaskLogGroup"},
        "DeadLetterQueue": {"Fn::GetAtt": ["AvatarWebhookDeadLetterQueue", "QueueName"]},
    }


# --- a second service -------------------------------------------------------------------------


def test_a_second_service_is_a_setting(emitted):
    """By default the backend verifies tokens itself, and there is no second service."""
    assert "verifier" not in emitted


def test_only_services_reach_a_second_service(verifier, config):
    """Only services reach a second service: no load balancer and no internet (defect 17)."""
    running, rule = verifier.one(SERVICE), verifier.one(INGRESS)

    assert not {"LoadBalancers", "HealthCheckGracePeriodSeconds"} & running.keys()
    assert {imported(rule[side], config) for side in ("GroupId", "SourceSecurityGroupId")} == {
        "cluster-ServiceSecurityGroup"
    }
    assert (rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == (5555, 5555, "tcp")
    assert "crd-" not in text(verifier.of(SUBSCRIPTION))
    assert list(verifier.of(POLICY)) == ["CpuScalingPolicy"]


def test_a_second_service_is_discoverable(verifier):
    """A second service is in the namespace of the first service."""
    (endpoint,) = verifier.one(SERVICE)["ServiceConnectConfiguration"]["Services"]

    assert (endpoint["DiscoveryName"], endpoint["ClientAliases"]) == ("verifier", [{"Port": 5555}])


def test_a_second_service_has_its_own_image_and_secrets(verifier, config):
    """A second service has its own image and secrets, and no access to the database or messages."""
    task = text(verifier.one("AWS::ECS::TaskDefinition"))

    assert (
        f"/crd/{config.env.name}/verifier/image"
        == (verifier.template["Parameters"]["Image"]["Default"])
    )
    assert f":parameter/crd/{config.env.name}/verifier/SOME_TOKEN" in task
    assert f"crd-{config.env.name}-users-Pool" in task
    assert not [word for word in ("-database-", "-messages-") if word in text(verifier.template)]


def test_each_image_has_a_parameter(config):
    """Two services with the same image share a parameter."""
    other = replace(config.service, name="verifier", image="verifier", port=5555)
    same = replace(other, image=config.service.image)

    def parameters(second):
        registry = emit(replace(config, verifier=second))["registry"]
        return [parameter["Name"] for parameter in registry.of("AWS::SSM::Parameter").values()]

    prefix = f"/crd/{config.env.name}"
    assert parameters(other) == [f"{prefix}/backend/image", f"{prefix}/verifier/image"]
    assert parameters(same) == [f"{prefix}/backend/image"]


# --- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "token", "X"])
def test_a_secret_is_not_an_aws_variable(name):
    """AWS_… variables would take precedence over the task role (defect 20)."""
    with pytest.raises(ValidationError, match="matching regex"):
        convert(name, SecretName)

    assert convert("ROLLBAR_ACCESS_TOKEN", SecretName) == "ROLLBAR_ACCESS_TOKEN"


def test_a_secret_has_another_name_than_the_variables(service):
    """The config refuses secrets with names of variables, which ECS refuses in a task definition."""
    application, _ = service.one("AWS::ECS::TaskDefinition")["ContainerDefinitions"]

    names = {variable["Name"] for variable in application["Environment"]}

    assert {name for name in names if is_secret_name(name)} == TASK_VARIABLES


def is_secret_name(name):
    """Return whether a secret could have *name*."""
    try:
        return convert(name, SecretName) == name
    except ValidationError:
        return False


def test_max_tasks_below_min_tasks_is_refused():
    """The config refuses such a pair: AWS would reject the scalable target during a deployment."""
    with pytest.raises(ValueError, match="max_tasks: 2 is less than min_tasks = 3"):
        replace(config_of("dev").service, min_tasks=3, max_tasks=2)


def test_the_port_must_be_the_port_of_the_cluster():
    """The settings service.port and cluster.port must be equal."""
    config = config_of("dev")

    with pytest.raises(ValueError, match=r"service\.port: is 80, and cluster\.port is 4567"):
        replace(config, service=replace(config.service, port=80))


def test_services_have_different_names():
    """A cluster cannot have two services of one name."""
    config = config_of("dev")

    with pytest.raises(ValueError, match="have the same name backend-flask"):
        replace(config, verifier=config.service)


@pytest.mark.parametrize(
    ("url", "ports"),
    [("", []), ("https://api.honeycomb.io", []), ("http://collector.example:4318", [4318])],
)
def test_egress_to_the_exporter(url, ports):
    """Egress to the port of HTTPS is allowed by the cluster, to other ports by the service."""
    config = config_of("prod")
    service = replace(config.service, trace_exporter_url=url)
    emitted = emit(replace(config, service=service))["service"]

    rules = emitted.of("AWS::EC2::SecurityGroupEgress").values()

    assert [rule["FromPort"] for rule in rules] == ports
