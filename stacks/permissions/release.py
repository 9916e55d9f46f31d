"""The permissions of the role with which CloudFormation executes the change sets of a release.

They cover the resources of this environment: by name where names can be chosen (`crd-dev-*`), by
the tags of the stack where AWS chooses the name. The stacks in `MANUAL_STACKS` are excluded.
Resources with the tags of other environments are denied (see `ownership`). If a service sends no
tags to IAM, the statements contain complete names instead of a prefix.
"""

from __future__ import annotations

from awacs import s3
from awacs.aws import Statement

from deployer.model import Env, Value
from stacks.parts.buckets import objects
from stacks.parts.iam import allow
from stacks.parts.names import arn, image_parameter, resource_name
from stacks.permissions import actions, denials, resources, statements
from stacks.permissions.ownership import deny_other_owners


def release_policies(env: Env, *, boundary: Value, artifacts: Value) -> dict[str, list[Statement]]:
    """Return the statements by subject. Each subject is a managed policy, since IAM limits its size."""
    return {
        "Describe": [allow("DescribeResources", actions.DESCRIBE, "*")],
        "Network": [
            statements.create(env, actions.CREATE_NETWORK),
            statements.update_tagged(env, actions.UPDATE_NETWORK),
        ],
        "Cluster": _cluster(env),
        "Tags": [
            statements.tag_new(env, actions.TAG),
            statements.update_tagged(env, [*actions.TAG, *actions.UNTAG]),
        ],
        "NamedResources": _named_resources(env),
        "Data": _data(env),
        "Functions": _functions(env, artifacts),
        "Cdn": _cdn(env),
        "Roles": [
            statements.write_roles_with_boundary(env, boundary),
            allow("ManageRoles", actions.MANAGE_ROLES, *resources.roles(env)),
            statements.pass_roles(env),
            statements.create_service_linked_roles(),
        ],
        "Denials": [
            denials.deny_roles_of_manual_stacks(env),
            denials.deny_artifact_buckets(env, artifacts),
            denials.deny_alert_topic(env),
            denials.deny_pipeline_logs(env),
            denials.deny_other_alarm_actions(env),
            *denials.deny_open_databases(),
            *deny_other_owners(env),
        ],
    }


def _cluster(env: Env) -> list[Statement]:
    return [
        statements.create(env, actions.CREATE_CLUSTER),
        statements.update_tagged(env, actions.UPDATE_CLUSTER),
        allow("ManageScalingAlarms", actions.SCALING_ALARMS, resources.scaling_alarms(env)),
        *statements.manage_dns_records(env),
    ]


def _named_resources(env: Env) -> list[Statement]:
    log_group_names = (resource_name(env, "*"), f"/aws/rds/instance/{resource_name(env, '*')}")
    return [
        allow("ManageEcs", actions.ECS_RESOURCES, *resources.ecs_resources(env)),
        allow(
            "ManageImageParameters",
            actions.IMAGE_PARAMETERS,
            arn("ssm", f"parameter{image_parameter(env, '*')}"),
        ),
        allow(
            "ManageRepositories",
            actions.REPOSITORIES,
            arn("ecr", f"repository/{resource_name(env, '*')}"),
        ),
        allow(
            "ManageLogGroups",
            actions.LOG_GROUPS,
            *(arn("logs", f"log-group:{name}") for name in log_group_names),
        ),
        allow(
            "ManageBuckets",
            actions.BUCKETS,
            *(resources.bucket(env, name) for name in resources.BUCKET_NAMES),
        ),
        allow(
            "ManageAlarms", actions.ALARMS, arn("cloudwatch", f"alarm:{resource_name(env, '*')}")
        ),
        allow(
            "ManageDashboards",
            actions.DASHBOARDS,
            resources.global_arn(
                "cloudwatch", f"dashboard/{resource_name(env, resources.DASHBOARD)}"
            ),
        ),
        allow("ManageTracing", actions.TRACING, resources.tracing(env)),
        allow(
            "ManageBudgets",
            actions.BUDGETS,
            resources.global_arn("budgets", f"budget/{resource_name(env, '*')}"),
        ),
    ]


def _data(env: Env) -> list[Statement]:
    return [
        statements.create(env, actions.CREATE_USER_POOLS),
        statements.update_tagged(env, actions.UPDATE_USER_POOLS),
        allow("ManageDatabases", actions.DATABASES, *resources.databases(env)),
        allow(
            "CreateMasterPasswords",
            actions.MASTER_PASSWORDS,
            arn("secretsmanager", "secret:rds!db-*"),
        ),
        allow("ManageTables", actions.TABLES, arn("dynamodb", f"table/{resource_name(env, '*')}")),
        allow("ManageTopics", actions.TOPICS, *resources.topics(env)),
    ]


def _functions(env: Env, artifacts: Value) -> list[Statement]:
    return [
        statements.create(env, actions.API_ACCESS_LOGS),
        allow(
            "ManageFunctions",
            actions.FUNCTIONS,
            arn("lambda", f"function:{resource_name(env, '*')}"),
        ),
        statements.grant_invoke_to_services(env),
        allow("ReadFunctionCode", [s3.GetObject], objects(artifacts)),
        statements.manage_event_source_mappings(env),
        allow("ManageSchedules", actions.SCHEDULES, *resources.schedules(env)),
        allow("ManageQueues", actions.QUEUES, arn("sqs", resource_name(env, "*"))),
        allow("ManageApis", actions.APIS, *resources.apis()),
    ]


def _cdn(env: Env) -> list[Statement]:
    return [
        statements.create(env, actions.CREATE_DISTRIBUTIONS),
        statements.update_tagged(env, actions.UPDATE_DISTRIBUTIONS),
        allow(
            "ManageCloudFrontFunctions",
            actions.CLOUDFRONT_FUNCTIONS,
            arn("cloudfront", f"function/{resource_name(env, 'site')}"),
        ),
        allow(
            "ManageCloudFrontPolicies",
            actions.CLOUDFRONT_POLICIES,
            *resources.cloudfront_policies(),
        ),
        allow("ManageLogDeliveries", actions.LOG_DELIVERIES, *resources.log_deliveries(env)),
    ]
