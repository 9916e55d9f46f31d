import pytest
from msgspec import ValidationError, convert
from msgspec.structs import replace

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
    """A second service: what the original had to check tokens with."""
    second = replace(
        config.service, name="verifier", image="verifier", port=5555, secrets=("SOME_TOKEN",)
    )
    return emit(replace(config, verifier=second))["verifier"]


def imported(value, config):
    """What *value* imports, without the environment."""
    return value["Fn::ImportValue"].removeprefix(f"crd-{config.env.name}-")


# --- the image --------------------------------------------------------------------------------


def test_the_image_is_the_one_that_was_released_last(service, config):
    """A stack update asks, and so never takes a release back (defect 32)."""
    parameter = service.template["Parameters"]["Image"]

    assert "AWS::SSM::Parameter::Value<String>" == parameter["Type"]
    assert f"/crd/{config.env.name}/backend/image" == parameter["Default"]


def test_the_registry_says_that_there_is_none_to_begin_with(emitted, config):
    """Of the parameter nothing may ever change: CloudFormation would write `none` again."""
    parameter = emitted["registry"].one("AWS::SSM::Parameter")

    assert {
        "Name": f"/crd/{config.env.name}/backend/image",
        "Type": "String",
        "Value": "none",
        "Description": "The digest of the image that was released last",
    } == parameter


def test_the_plan_looks_again_as_long_as_there_is_none(service):
    """The output says `none` then; nothing else of the stack shows that one has come."""
    assert {
        "Image": f"/crd/{service.stack.name.split('-')[1]}/backend/image"
    } == service.stack.template.awaited_parameters
    assert {"Ref": "Image"} == service.template["Outputs"]["Image"]["Value"]


def test_without_an_image_nothing_runs(service):
    """And afterwards no update says how many: autoscaling does (defect 26)."""
    condition = service.template["Conditions"]["HasImage"]
    count = service.one(SERVICE)["DesiredCount"]

    assert {"Fn::Not": [{"Fn::Equals": [{"Ref": "Image"}, "none"]}]} == condition
    assert {"Fn::If": ["HasImage", {"Ref": "AWS::NoValue"}, 0]} == count


def test_without_an_image_nothing_is_promised(service):
    """Neither scaling nor a webhook that nobody could answer."""
    conditional = {
        resource["Type"]
        for resource in service.template["Resources"].values()
        if resource.get("Condition") == "HasImage"
    }

    assert {TARGET, POLICY, SUBSCRIPTION} == conditional


# --- deployments ------------------------------------------------------------------------------


def test_a_deployment_that_fails_is_taken_back(service):
    """And none ever has fewer than all good tasks (defect 26)."""
    deployment = service.one(SERVICE)["DeploymentConfiguration"]

    assert {"Enable": True, "Rollback": True} == deployment["DeploymentCircuitBreaker"]
    assert (100, 200) == (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"])


def test_a_task_has_time_to_come_up(service):
    """The original gave it none (defect 26)."""
    assert service.one(SERVICE)["HealthCheckGracePeriodSeconds"] >= 60


def test_it_runs_on_what_the_cluster_says(service):
    """Its default may be Spot, which a launch type would overrule."""
    assert not {"LaunchType", "CapacityProviderStrategy"} & service.one(SERVICE).keys()


def test_tasks_have_the_tags_of_the_service(service):
    """For whoever reads a bill."""
    running = service.one(SERVICE)

    assert running["EnableECSManagedTags"]
    assert "SERVICE" == running["PropagateTags"]


def test_a_shell_is_there_where_config_says(service, config):
    """Not in prod."""
    assert config.service.exec == service.one(SERVICE)["EnableExecuteCommand"]
    assert ("prod" != config.env.name) == config.service.exec


# --- the network ------------------------------------------------------------------------------


@pytest.mark.parametrize("nat", ["none", "single", "per-zone"])
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_tasks_are_private_where_the_network_has_a_way_out(environment, nat):
    """Elsewhere they need public addresses, for images and for AWS itself."""
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


def test_one_firewall_is_around_all_tasks(service, config):
    """The one that lets in the load balancer only."""
    found = service.one(SERVICE)["NetworkConfiguration"]["AwsvpcConfiguration"]

    assert ["cluster-ServiceFirewall"] == [imported(one, config) for one in found["SecurityGroups"]]


def test_the_service_lets_itself_into_the_database(service, config):
    """By its firewall, on the one port (defect 18)."""
    rule = service.one(INGRESS)

    assert "database-Firewall" == imported(rule["GroupId"], config)
    assert "cluster-ServiceFirewall" == imported(rule["SourceSecurityGroupId"], config)
    assert {"database-Port"} == {imported(rule[end], config) for end in ("FromPort", "ToPort")}


def test_the_load_balancer_sends_it_requests(service, config):
    """Through the target group of the cluster."""
    (target,) = service.one(SERVICE)["LoadBalancers"]

    assert "cluster-TargetGroup" == imported(target["TargetGroupArn"], config)


def test_others_find_it_in_the_namespace_of_the_cluster(service, config):
    """Under one name and on one port."""
    connect = service.one(SERVICE)["ServiceConnectConfiguration"]
    (offered,) = connect["Services"]

    assert connect["Enabled"]
    assert "cluster-Namespace" == imported(connect["Namespace"], config)
    assert [{"Port": config.service.port}] == offered["ClientAliases"]


# --- autoscaling ------------------------------------------------------------------------------


def test_the_load_says_how_many_tasks_there_are(service, config):
    """Between what config says (defect 26)."""
    target = service.one(TARGET)
    settings = config.service

    assert (settings.min_tasks, settings.max_tasks) == (
        target["MinCapacity"],
        target["MaxCapacity"],
    )
    assert ("ecs", "ecs:service:DesiredCount") == (
        target["ServiceNamespace"],
        target["ScalableDimension"],
    )
    assert "service/${Cluster}/${Service.Name}" == target["ResourceId"]["Fn::Sub"][0]


def test_tasks_are_added_faster_than_taken_away(service):
    """By CPU and by requests, whichever needs more."""
    found = {}
    for title, policy in service.of(POLICY).items():
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        found[title] = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
        assert {"Ref": "Tasks"} == policy["ScalingTargetId"]
        assert tracking["ScaleOutCooldown"] < tracking["ScaleInCooldown"]

    assert {
        "ByCpu": "ECSServiceAverageCPUUtilization",
        "ByRequests": "ALBRequestCountPerTarget",
    } == found


# --- the webhook ------------------------------------------------------------------------------


def test_the_application_is_asked_to_hear_of_new_avatars(service, config):
    """Once the service is there to confirm."""
    subscription = service.one(SUBSCRIPTION)
    (title,) = service.of(SUBSCRIPTION)

    assert "assets-AvatarTopic" == imported(subscription["TopicArn"], config)
    assert f"https://api.{config.env.domain}/webhooks/avatar" == subscription["Endpoint"]
    assert "https" == subscription["Protocol"]
    assert "Service" == service.template["Resources"][title]["DependsOn"]


def test_what_it_could_not_be_told_waits_in_a_queue(service, config):
    """Into which only that topic puts anything."""
    queue = {"Fn::GetAtt": ["Failures", "Arn"]}
    policy = statements(service.one("AWS::SQS::QueuePolicy")["PolicyDocument"])
    let_in = policy["UndeliveredAvatars"]

    assert {"deadLetterTargetArn": queue} == service.one(SUBSCRIPTION)["RedrivePolicy"]
    assert {"DenyInsecureTransport", "UndeliveredAvatars"} == policy.keys()
    assert ({"Service": "sns.amazonaws.com"}, ["sqs:SendMessage"]) == (
        let_in["Principal"],
        let_in["Action"],
    )
    source = let_in["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert "assets-AvatarTopic" == imported(source, config)


# --- what others are given --------------------------------------------------------------------


def test_others_are_told_what_to_release_and_to_watch(service):
    """Names, as metrics and commands know them."""
    values = {title: one["Value"] for title, one in service.template["Outputs"].items()}

    assert {
        "Name": {"Fn::GetAtt": ["Service", "Name"]},
        "Image": {"Ref": "Image"},
        "LogGroup": {"Ref": "TaskLogs"},
        "Failures": {"Fn::GetAtt": ["Failures", "QueueName"]},
    } == values


# --- a second service -------------------------------------------------------------------------


def test_there_is_no_second_service_unless_config_says_so(emitted):
    """Tokens are checked in process."""
    assert "verifier" not in emitted


def test_a_second_service_is_reached_by_the_first_alone(verifier, config):
    """On its one port, and not by the load balancer, nor by the world (defect 17)."""
    running, rule = verifier.one(SERVICE), verifier.one(INGRESS)

    assert not {"LoadBalancers", "HealthCheckGracePeriodSeconds"} & running.keys()
    assert {"cluster-ServiceFirewall"} == {
        imported(rule[side], config) for side in ("GroupId", "SourceSecurityGroupId")
    }
    assert (5555, 5555, "tcp") == (rule["FromPort"], rule["ToPort"], rule["IpProtocol"])
    assert "crd-" not in text(verifier.of(SUBSCRIPTION))
    assert ["ByCpu"] == list(verifier.of(POLICY))


def test_a_second_service_is_found_by_its_name(verifier):
    """In the same namespace as the first one."""
    (offered,) = verifier.one(SERVICE)["ServiceConnectConfiguration"]["Services"]

    assert ("verifier", [{"Port": 5555}]) == (offered["DiscoveryName"], offered["ClientAliases"])


def test_a_second_service_has_an_image_and_secrets_of_its_own(verifier, config):
    """And reaches neither database nor table."""
    task = text(verifier.one("AWS::ECS::TaskDefinition"))

    assert (
        f"/crd/{config.env.name}/verifier/image"
        == (verifier.template["Parameters"]["Image"]["Default"])
    )
    assert f":parameter/crd/{config.env.name}/verifier/SOME_TOKEN" in task
    assert f"crd-{config.env.name}-users-Pool" in task
    assert not [word for word in ("-database-", "-messages-") if word in text(verifier.template)]


def test_the_registry_remembers_a_release_for_each_image(config):
    """Two services of one image share what was released."""
    own = replace(config.service, name="verifier", image="verifier", port=5555)
    same = replace(own, image=config.service.image)

    def parameters(second):
        registry = emit(replace(config, verifier=second))["registry"]
        return [one["Name"] for one in registry.of("AWS::SSM::Parameter").values()]

    prefix = f"/crd/{config.env.name}"
    assert [f"{prefix}/backend/image", f"{prefix}/verifier/image"] == parameters(own)
    assert [f"{prefix}/backend/image"] == parameters(same)


# --- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "token", "X"])
def test_a_secret_is_a_variable_and_no_key_of_aws(name):
    """Defect 20: keys would come before the task's role."""
    with pytest.raises(ValidationError, match="matching regex"):
        convert(name, SecretName)

    assert "ROLLBAR_ACCESS_TOKEN" == convert("ROLLBAR_ACCESS_TOKEN", SecretName)


def test_there_cannot_be_fewer_tasks_at_most_than_at_least():
    """AWS would refuse the target, in the middle of an update."""
    with pytest.raises(ValueError, match="max_tasks: 2 is less than min_tasks = 3"):
        replace(config_of("dev").service, min_tasks=3, max_tasks=2)


def test_the_load_balancer_knows_the_port_of_the_service():
    """Its firewall lets nothing else through."""
    config = config_of("dev")

    with pytest.raises(ValueError, match=r"service\.port: is 80, and cluster\.port is 4567"):
        replace(config, service=replace(config.service, port=80))


def test_two_services_have_two_names():
    """On one cluster the second could not be made."""
    config = config_of("dev")

    with pytest.raises(ValueError, match="both called backend-flask"):
        replace(config, verifier=config.service)
