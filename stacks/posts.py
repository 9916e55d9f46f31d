"""Posts: the scheduled function that deletes expired ones."""

from __future__ import annotations

from dataclasses import dataclass

from deployer.model import Env, Template
from stacks.database import Database, allow_connect, connection_variables
from stacks.foundation import Foundation
from stacks.monitored_outputs import ScheduledFunctionName
from stacks.network import Network
from stacks.parts.database_access import database_access
from stacks.parts.functions import Functions
from stacks.parts.schedules import invoke_at

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
    invoke_at(t, function, SCHEDULE, "Delete expired posts")
    return Posts(expire_posts=function.ref())
