"""MiniStack's CloudFormation: stacks, change sets, actions, resource types and operations."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from typing import Any

from emulator.ministack import lookup
from emulator.ministack.context import Params, Response
from emulator.ministack.hooks import Function

Props = dict[str, Any]  # A resource's properties, resolved.
Stack = dict[str, Any]
Attributes = dict[str, Any]  # The values that Fn::GetAtt returns.
Created = tuple[str, Attributes]  # The physical id of a resource, and its attributes.

_cloudformation = lookup.module("services.cloudformation")
_changesets = lookup.module("services.cloudformation.changesets")
_engine = lookup.module("services.cloudformation.engine")
_handlers = lookup.module("services.cloudformation.handlers")
_helpers = lookup.module("services.cloudformation.helpers")
_operations = lookup.module("services.cloudformation.stacks")
_provisioners = lookup.module("services.cloudformation.provisioners")
_language_extensions = lookup.module("services.cloudformation.language_extensions")

# Stores of the account and region in scope, which are used like dicts.
stacks: Any = lookup.attribute(_cloudformation, "_stacks")  # By name; deleted stacks remain.
stack_events: Any = lookup.attribute(_cloudformation, "_stack_events")  # By stack id.
exports: Any = lookup.attribute(_cloudformation, "_exports")  # By name.
change_sets: Any = lookup.attribute(_cloudformation, "_change_sets")  # By id.
all_stores: Any = lookup.attribute(_cloudformation, "_PERSISTED_STORES")  # Pairs: store, its name.

ACTIONS: dict[str, Callable[[Params], Response]] = lookup.attribute(_handlers, "_ACTION_HANDLERS")
TYPES: dict[str, dict[str, Any]] = lookup.attribute(_provisioners, "_RESOURCE_HANDLERS")
STACK_TAG_PROPERTIES: dict[str, tuple[str, str]] = lookup.attribute(
    _provisioners, "_STACK_TAG_PROPERTY"
)
REPLACING_PROPERTIES: dict[str, Any] = lookup.attribute(_provisioners, "_REPLACING_PROPERTIES")
NAMESPACE: str = lookup.attribute(_helpers, "CFN_NS")

param: Callable[..., str] = lookup.attribute(_helpers, "_p")
refuse: Callable[[str, str], Response] = lookup.attribute(_helpers, "_error")
response: Callable[[int, str, str], Response] = lookup.attribute(_helpers, "_xml")
find_stack: Callable[[str], Stack | None] = lookup.attribute(_handlers, "_resolve_stack")
find_change_set: Callable[..., tuple[str | None, dict[str, Any] | None]] = lookup.attribute(
    _changesets, "_find_change_set"
)
imported_names: Callable[[Stack, str], set[str]] = lookup.attribute(
    _handlers, "_imported_export_names"
)
references: Callable[[Any], Iterator[tuple[str, str | None]]] = lookup.attribute(
    _engine, "_intrinsic_references"
)
stack_scope: Callable[..., AbstractContextManager[None]] = lookup.attribute(
    _operations, "_stack_region_context"
)
delete_stack: Callable[..., Coroutine[Any, Any, None]] = lookup.attribute(
    _operations, "_delete_stack_async"
)
tag_ec2: Callable[..., None] = lookup.attribute(_provisioners, "_ec2_apply_tags")
to_camel: Callable[[Any], Any] = lookup.attribute(_provisioners, "_pascal_to_camel")
physical_name: Callable[..., str] = lookup.attribute(_provisioners, "_physical_name")
instance_attributes: Callable[[dict[str, Any]], Attributes] = lookup.attribute(
    _provisioners, "_rds_db_instance_attrs"
)

# Functions that patches change, with all modules that contain a reference to them.
add_event: Function[..., None] = Function("_add_event", _operations)
create_stack_task: Function[..., None] = Function(
    "_create_stack_task_in_region", _operations, _changesets, _handlers
)
delete_resource: Function[..., None] = Function("_delete_resource", _operations)
deploy_stack: Function[..., Coroutine[Any, Any, None]] = Function(
    "_deploy_stack_async", _operations, _changesets, _handlers
)
parse_snippet: Function[..., Any] = Function("_parse_snippet", _engine)
parse_template: Function[..., Any] = Function("_parse_template", _engine, _changesets, _handlers)
property_recreation: Function[[str, str], str] = Function(
    "_property_recreation", _provisioners, _operations
)
provision_resource: Function[[str, str, Any, str], Created] = Function(
    "_provision_resource", _operations
)
resolve_document: Function[[Params, str, str, str], Any] = Function("_resolve_document", _helpers)
resolve: Function[..., Any] = Function(
    "_resolve_refs", _engine, _operations, _changesets, _handlers
)
resolve_template: Function[..., Any] = Function(
    "_resolve_template", _helpers, _changesets, _handlers
)
resolve_outputs: Function[..., Any] = Function("_resolve_stack_outputs", _operations)
roll_back: Function[..., Coroutine[Any, Any, None]] = Function(
    "_roll_back_operation", _operations, _handlers
)
needs_thread: Function[[str], bool] = Function("_runs_on_worker_thread", _operations)
update_resource: Function[..., Created] = Function("_update_resource", _operations)
xml_response: Function[[int, str, str], Response] = Function(
    "_xml", _helpers, _changesets, _handlers
)
run_on_thread: Function[..., Any] = Function("run_reentrant", _operations)
validate_template: Function[..., None] = Function(
    "validate_template_support", _engine, _changesets, _handlers
)
check_parameter: Function[..., None] = Function("_check_parameter_constraints", _engine)
yaml_loader: Any = Function("CfnLoader", _engine)
apply_extensions: Function[..., Any] = Function("apply", _language_extensions)
expand_extension: Function[..., Any] = Function("_expand", _language_extensions)


def created_change_set(response: Response) -> dict[str, Any] | None:
    """Return the change set that CreateChangeSet has created; None if it was refused."""
    match = re.search(rb"<Id>([^<]+)</Id>", response[2])
    return find_change_set(match[1].decode())[1] if match else None


def error_message(body: bytes) -> str:
    """Return the message in the body of an error response; the whole body if there is none."""
    match = re.search(rb"<Message>(.*?)</Message>", body, re.DOTALL)
    return (match[1] if match else body).decode()


def action(name: str) -> Function[[Params], Response]:
    """Return an action of CloudFormation's API."""
    return Function(name, ACTIONS)


class ResourceType:
    """The functions that create, update and delete the resources of a CloudFormation type.

    They are called as `create(title, properties, stack)`, `update(physical_id, old, new, stack, …)`
    and `delete(physical_id, properties)`. The methods `before` and `after` change both `create` and
    `update`.
    """

    def __init__(self, name: str) -> None:
        handlers = TYPES.get(name) or lookup.record_missing(f"resource type {name}")
        self.create: Function[[str, Props, str], Created] = Function("create", handlers)
        self.update: Function[..., Created] = Function("update", handlers)
        self.delete: Function[[str, Props], None] = Function("delete", handlers)

    def before(self, check: Callable[[Props], None]) -> None:
        """Call `check(properties)` before a resource is created or updated."""
        self.create.before(lambda _title, props, _stack: check(props))
        self.update.before(lambda _id, _old, new, *_rest: check(new))

    def after(self, complete: Callable[[str, Props], Attributes | None]) -> None:
        """Call `complete(physical_id, properties)` after a resource was created or updated.

        Attributes that it returns are added to those of the resource.
        """

        def completed(created: Created, props: Props) -> Created:
            physical_id, attributes = created
            added = complete(physical_id, props)
            return physical_id, {**attributes, **added} if added else attributes

        self.create.after(lambda created, _title, props, _stack: completed(created, props))
        self.update.after(lambda created, _id, _old, new, *_rest: completed(created, new))


def add_type(
    name: str,
    *,
    create: Callable[[str, Props, str], Created],
    update: Callable[[str, Props, Props, str], Created],
    delete: Callable[[str, Props], object],
) -> None:
    """Add a resource type, or replace one."""
    TYPES[name] = {"create": create, "update": update, "delete": delete}


def schedule(operation: Coroutine[Any, Any, None], stack: Stack) -> None:
    """Run an operation on a stack in the background, where MiniStack runs its own."""
    create_stack_task(operation, stack, stack["StackId"])
