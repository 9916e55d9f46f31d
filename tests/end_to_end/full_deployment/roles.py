"""Roles of the stacks: their actions, their sessions, and forbidden actions to test."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3

from tests.emulator_server import REGION
from tests.stacks.templates import Emitted, config_of, emit

if TYPE_CHECKING:
    from tests.end_to_end.deployed import Deployed


def granted(title: str, stack: str) -> Iterator[str]:
    """Yield every action that the template grants to the role TITLERole of a stack."""
    template = _local_stacks()[stack].template
    [policy] = template["Resources"][f"{title}Role"]["Properties"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        yield from statement["Action"]


@functools.cache  # Roles are read when tests are collected, by every worker.
def _local_stacks() -> dict[str, Emitted]:
    return emit(config_of("local"))


@contextmanager
def without(deployed: Deployed, role: str, action: str) -> Iterator[None]:
    """Remove one action from a role, and add it again at the end."""
    iam = deployed.client("iam")
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    kept = [
        statement | {"Action": rest}
        for statement in policy["Statement"]
        if (rest := [allowed for allowed in statement["Action"] if allowed != action])
    ]
    reduced = json.dumps(policy | {"Statement": kept})
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=reduced)
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))


def session(deployed: Deployed, role: str) -> boto3.Session:
    """Return a session of a role; its trust policy allows this only temporarily."""
    iam = deployed.client("iam")
    found = iam.get_role(RoleName=role)["Role"]
    account = {"AWS": f"arn:aws:iam::{deployed.endpoint.account}:root"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": account}
    iam.update_assume_role_policy(
        RoleName=role, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    try:
        assumed = deployed.client("sts").assume_role(RoleArn=found["Arn"], RoleSessionName="test")
    finally:
        iam.update_assume_role_policy(
            RoleName=role, PolicyDocument=json.dumps(found["AssumeRolePolicyDocument"])
        )
    return boto3.Session(
        aws_access_key_id=assumed["Credentials"]["AccessKeyId"],
        aws_secret_access_key=assumed["Credentials"]["SecretAccessKey"],
        aws_session_token=assumed["Credentials"]["SessionToken"],
        region_name=REGION,
    )


def connects_as(user: str) -> Callable[[Deployed, boto3.Session], object]:
    """Return a function that logs in to the database as *user*."""

    def connecting(deployed: Deployed, session: boto3.Session) -> object:
        database = deployed.outputs["database"]
        host_and_port = database["Address"], int(database["Port"])
        token = session.client("rds").generate_db_auth_token(*host_and_port, database[user])
        return deployed.connect(user=database[user], password=token)

    return connecting


def scans(deployed: Deployed, session: boto3.Session) -> object:
    """Scan the table of all messages."""
    dynamodb = session.client("dynamodb", endpoint_url=deployed.endpoint.url)
    return dynamodb.scan(TableName=deployed.outputs["messages"]["Table"])
