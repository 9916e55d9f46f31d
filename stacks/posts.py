"""Posts: the scheduled function that deletes expired ones."""

from __future__ import annotations

from dataclasses import dataclass

from troposphere import awslambda, events

from deployer.model import Env, Template
from stacks.database import Database, allow_connect, connection_variables
from stacks.foundation import Foundation
from stacks.monitored_outputs import ScheduledFunctionName
from stacks.network import Network
from stacks.parts.database_access import database_access
from stacks.parts.functions import Functions, allow_invoke

SCHEDULE = "rate(5 minutes)"


@dataclass(frozen=True)
class Posts:
    """The function that deletes expired posts."""

    expire_posts: ScheduledFunctionName


def define(
    t: Template,
    env: Env,
    functions: Functions,
    foundation: Foundation,
    *,
    network: Network,
    database: Database,
) -> Posts:
    """Add the function and its schedule.

    The application does not show expired posts, so a late run affects only the size of the tables.
    """
    function = functions.factory(t, env, foundation).function(
        "ExpirePosts",
        code="expire_posts",
        timeout_seconds=60,
        memory_mb=256,
        variables=connection_variables(database.application, database),
        statements=[allow_connect(database.application, database)],
        placement=database_access(t, env, "posts", network=network, database=database),
    )
    t.add_resource(
        awslambda.EventInvokeConfig(
            "ExpirePostsInvokeConfig",
            FunctionName=function.ref(),
            Qualifier="$LATEST",
            MaximumRetryAttempts=0,  # The next run deletes what a failed run left.
        )
    )
    rule = t.add_resource(
        events.Rule(
            "ExpirePostsSchedule",
            Description="Delete expired posts",
            ScheduleExpression=SCHEDULE,
            Targets=[events.Target(Id="ExpirePosts", Arn=function.get_att("Arn"))],
        )
    )
    allow_invoke(t, function, "events", rule.get_att("Arn"))
    return Posts(expire_posts=function.ref())
