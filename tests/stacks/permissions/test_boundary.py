"""The permissions boundary allows exactly what the roles of a release are allowed.

A release deploys all stacks except MANUAL_STACKS, which only administrators deploy.
"""

import json
from fnmatch import fnmatchcase

import pytest

from stacks.permissions.resources import MANUAL_STACKS
from tests.stacks.permissions.access import NamedReferenceResolver


def roles_by_stack(emitted):
    """Return the roles of each stack that a release deploys, by the name of the stack."""
    return {
        stack.stack.name: list(stack.of("AWS::IAM::Role").values())
        for name, stack in emitted.items()
        if name not in MANUAL_STACKS
    }


def test_every_role_has_the_boundary(all_stacks):
    """Every role of a release has the boundary; a release cannot create a role without it."""
    roles = [role for roles in roles_by_stack(all_stacks).values() for role in roles]

    assert roles
    for role in roles:
        assert role["PermissionsBoundary"] == {"Fn::ImportValue": "crd-prod-foundation-Boundary"}


def test_cloudformation_names_the_roles(emitted):
    """Roles with fixed names could collide (defect 22)."""
    with_fixed_names = [
        (name, logical_id)
        for name, stack in emitted.items()
        for type_ in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy")
        for logical_id, properties in stack.of(type_).items()
        if {"RoleName", "ManagedPolicyName"} & properties.keys()
    ]

    assert with_fixed_names == []


def permissions(resolver, stack, statements):
    """Return each allowed action with its resource and condition."""
    return {
        (action, resource, json.dumps(statement.get("Condition")))
        for statement in resolver.resolve(statements, stack)
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


@pytest.fixture
def resolver(all_stacks):
    return NamedReferenceResolver(
        {stack.stack.name: stack.template for stack in all_stacks.values()}
    )


@pytest.fixture
def boundary_permissions(all_stacks, resolver):
    """The permissions of the boundary."""
    boundary = all_stacks["foundation"].of("AWS::IAM::ManagedPolicy")["PermissionsBoundary"]
    return permissions(resolver, "crd-prod-foundation", boundary["PolicyDocument"]["Statement"])


@pytest.fixture
def role_permissions(all_stacks, resolver):
    """The permissions of all roles with the boundary."""
    return [
        permission
        for stack, roles in roles_by_stack(all_stacks).items()
        for role in roles
        for policy in role["Policies"]
        for permission in permissions(resolver, stack, policy["PolicyDocument"]["Statement"])
    ]


def covers(boundary_permission, permission):
    """Return whether the boundary allows a permission of a role."""
    action, pattern, condition = boundary_permission
    allowed = permission[0] == action and fnmatchcase(permission[1], pattern)
    return allowed and condition in {"null", permission[2]}


def test_the_boundary_allows_the_permissions_of_all_roles(boundary_permissions, role_permissions):
    """Every permission of a role is in the boundary; a missing one would fail at run time only."""
    assert role_permissions
    assert not [
        permission
        for permission in role_permissions
        if not any(covers(limit, permission) for limit in boundary_permissions)
    ]


def test_the_boundary_allows_nothing_else(boundary_permissions, role_permissions):
    """Every permission of the boundary is needed by a role."""
    assert not [
        limit
        for limit in boundary_permissions
        if not any(covers(limit, permission) for permission in role_permissions)
    ]


def test_the_boundary_excludes_the_artifacts(boundary_permissions):
    """No ARN pattern of the boundary matches the artifacts: their code runs with other roles.

    The pattern `*` is not an ARN pattern: it is for actions that apply to no bucket.
    """
    artifact = "arn:aws:s3:::crd-prod-artifacts-123456789012-eu-central-1-an/code.zip"

    assert not [
        pattern
        for _, pattern, _ in boundary_permissions
        if pattern != "*" and fnmatchcase(artifact, pattern)
    ]
