"""The emulator's names: the only module that knows what ministack calls things.

Most are private, so the version is pinned and every name is looked up when this module is
imported: another version fails here, at start, with the name it lacks.
`server.environment` must be in place before that, since ministack reads it when imported.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from xml.etree import ElementTree as ET

from deployer.errors import EmbeddedError

PINNED = "1.5.33"

Params = dict[str, Any]  # A query's parameters: each a list of strings.
Props = dict[str, Any]  # A resource's properties, resolved.
Stack = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]  # Status, headers, body.
Action = Callable[[Params], Answer]


def _module(path: str) -> Any:
    try:
        return import_module(f"ministack.{path}")
    except ModuleNotFoundError as error:
        raise _unknown(f"module ministack.{path}") from error


def _name(module: Any, name: str) -> Any:
    try:
        return getattr(module, name)
    except AttributeError as error:
        raise _unknown(f"{module.__name__}.{name}") from error


def _unknown(what: str) -> EmbeddedError:
    try:
        found = version("ministack")
    except PackageNotFoundError:
        found = "(none)"
    return EmbeddedError(
        f"ministack {found} has no {what}",
        hint=f"deployer/embedded knows ministack {PINNED}: pip install ministack=={PINNED}",
    )


# The server ------------------------------------------------------------------------------------

app = _module("app")
ASGI = _name(app, "app")
STATES: dict[str, str] = _name(app, "_state_map")  # What a saved state is called → its module.
load_module: Callable[[str], Any] = _name(app, "_get_module")
savers: Callable[[], dict[str, Callable[[], Any]]] = _name(app, "_build_persistence_save_dict")

_persistence = _module("core.persistence")
to_json: Callable[[Any], Any] = _name(_persistence, "_json_default")
from_json: Callable[[dict[str, Any]], Any] = _name(_persistence, "_json_object_hook")

# Whose request it is, and in which region -------------------------------------------------------

_responses = _module("core.responses")
account: Callable[[], str] = _name(_responses, "get_account_id")
region: Callable[[], str] = _name(_responses, "get_region")
scope: Callable[[str, str], AbstractContextManager[None]] = _name(_responses, "request_scope")

# CloudFormation ---------------------------------------------------------------------------------

_cloudformation = _module("services.cloudformation")
_changesets = _module("services.cloudformation.changesets")
_engine = _module("services.cloudformation.engine")
_handlers = _module("services.cloudformation.handlers")
_helpers = _module("services.cloudformation.helpers")
_operations = _module("services.cloudformation.stacks")
_provisioners = _module("services.cloudformation.provisioners")

# Stores of the account and region in scope, each like a dict.
stacks: Any = _name(_cloudformation, "_stacks")  # By name; a deleted one stays.
stack_events: Any = _name(_cloudformation, "_stack_events")  # By stack id.
exports: Any = _name(_cloudformation, "_exports")  # By name.
change_sets: Any = _name(_cloudformation, "_change_sets")  # By id.

ACTIONS: dict[str, Action] = _name(_handlers, "_ACTION_HANDLERS")
TYPES: dict[str, dict[str, Any]] = _name(_provisioners, "_RESOURCE_HANDLERS")
TAGGED: dict[str, tuple[str, str]] = _name(_provisioners, "_STACK_TAG_PROPERTY")
MEASURED_REPLACEMENTS: dict[str, Any] = _name(_provisioners, "_REPLACING_PROPERTIES")

param: Callable[..., str] = _name(_helpers, "_p")
refuse: Callable[..., Answer] = _name(_helpers, "_error")
answer: Callable[[int, str, str], Answer] = _name(_helpers, "_xml")
find_stack: Callable[[str], Stack | None] = _name(_handlers, "_resolve_stack")
find_change_set: Callable[..., tuple[str | None, dict[str, Any] | None]] = _name(
    _changesets, "_find_change_set"
)
imported_names: Callable[[Stack, str], set[str]] = _name(_handlers, "_imported_export_names")
references: Callable[[Any], Iterator[tuple[str, str | None]]] = _name(
    _engine, "_intrinsic_references"
)
NAMESPACE: str = _name(_helpers, "CFN_NS")
add_event: Callable[..., None] = _name(_operations, "_add_event")
stack_scope: Callable[..., AbstractContextManager[None]] = _name(
    _operations, "_stack_region_context"
)
needs_thread: Callable[[str], bool] = _name(_operations, "_runs_on_worker_thread")
roll_back: Callable[..., Coroutine[Any, Any, None]] = _name(_operations, "_roll_back_operation")
delete_stack: Callable[..., Coroutine[Any, Any, None]] = _name(_operations, "_delete_stack_async")
tag_ec2: Callable[..., None] = _name(_provisioners, "_ec2_apply_tags")
to_camel: Callable[[Any], Any] = _name(_provisioners, "_pascal_to_camel")

# Where `from … import` has copied a function to: replacing it means replacing every copy.
_COPIES: dict[str, tuple[Any, ...]] = {
    "_add_event": (_operations,),
    "_create_stack_task_in_region": (_operations, _changesets, _handlers),
    "_delete_resource": (_operations,),
    "_deploy_stack_async": (_operations, _changesets, _handlers),
    "_property_recreation": (_provisioners, _operations),
    "_provision_resource": (_operations,),
    "_resolve_document": (_helpers,),
    "_resolve_refs": (_engine, _operations, _changesets, _handlers),
    "_resolve_stack_outputs": (_operations,),
    "_roll_back_operation": (_operations, _handlers),
    "_runs_on_worker_thread": (_operations,),
    "_update_resource": (_operations,),
    "run_reentrant": (_operations,),
    "validate_template_support": (_engine, _changesets, _handlers),
}


def wrap(name: str, wrapper: Callable[[Any], Any]) -> None:
    """Replace a function of CloudFormation, wherever it was imported to."""
    modules = _COPIES[name]
    wrapped = wrapper(_name(modules[0], name))
    for module in modules:
        _name(module, name)
        setattr(module, name, wrapped)


def wrap_action(name: str, wrapper: Callable[[Action], Action]) -> None:
    """Replace one action of CloudFormation's API."""
    if name not in ACTIONS:
        raise _unknown(f"CloudFormation action {name}")
    ACTIONS[name] = wrapper(ACTIONS[name])


def wrap_type(name: str, verb: str, wrapper: Callable[[Any], Any]) -> None:
    """Replace what creates, updates or deletes one resource type."""
    if verb not in TYPES.get(name, {}):
        raise _unknown(f"{verb} of {name}")
    TYPES[name][verb] = wrapper(TYPES[name][verb])


def resolve(value: Any, *context: Any) -> Any:
    """Resolve the functions in *value*, with what our gaps added to them."""
    return _name(_engine, "_resolve_refs")(value, *context)


def schedule(operation: Coroutine[Any, Any, None], stack: Stack) -> None:
    """Run a stack operation in the background, the way CloudFormation's own run (and are saved)."""
    _name(_operations, "_create_stack_task_in_region")(operation, stack, stack["StackId"])


# Other services ---------------------------------------------------------------------------------

acm = _module("services.acm")
ec2 = _module("services.ec2")
ecs = _module("services.ecs")
elb = _module("services.alb")
route53 = _module("services.route53")
s3 = _module("services.s3")

_EC2_ACTIONS: dict[str, Action] = _name(ec2, "_ACTION_MAP")
_ECS_ACTIONS: dict[str, Callable[[dict[str, Any]], Answer]] = _name(ecs, "_ACTION_MAP")
refuse_s3: Callable[[str, str, int], Answer] = _name(s3, "_error")


def store(module: Any, name: str) -> Any:
    """Return a store of a service, like a dict of what the account and region in scope hold."""
    return _name(module, name)


def everywhere(scoped: Any) -> list[tuple[tuple[str, ...], Any]]:
    """Return what a store holds for everybody: (account, region if it has one, key) → value."""
    return list(scoped.to_dict().items())


def swap(module: Any, name: str, wrapper: Callable[[Any], Any]) -> None:
    """Replace *name* of a service's module by what *wrapper* makes of it."""
    setattr(module, name, wrapper(_name(module, name)))


def swap_ec2(action: str, wrapper: Callable[[Action], Action]) -> None:
    """Replace one action of EC2's API."""
    if action not in _EC2_ACTIONS:
        raise _unknown(f"EC2 action {action}")
    _EC2_ACTIONS[action] = wrapper(_EC2_ACTIONS[action])


def ask_ec2(action: str, **params: str) -> ET.Element:
    """Call one action of EC2's API in the account and region in scope; a refusal is a ValueError.

    What a stack makes this way is what a call makes. Keys are the query protocol's:
    `IpPermissions.1.IpProtocol` is written IpPermissions_1_IpProtocol.
    """
    query = {key.replace("_", "."): [value] for key, value in params.items()}
    status, _, body = _EC2_ACTIONS[action](query)
    root = ET.fromstring(body)  # noqa: S314  The emulator's own answer.
    if status >= http.client.BAD_REQUEST:
        raise ValueError(f"{text_of(root, 'Message')} (Service: Ec2, Status Code: {status})")
    return root


def text_of(root: ET.Element, tag: str) -> str:
    """Return the text of the first *tag* in an answer, whatever its namespace."""
    return next(e.text or "" for e in root.iter() if e.tag.rpartition("}")[2] == tag)


def ask_ecs(action: str, **data: Any) -> None:
    """Call one action of ECS's API in the account and region in scope."""
    status, _, body = _ECS_ACTIONS[action](data)
    if status >= http.client.BAD_REQUEST:
        raise ValueError(f"{json.loads(body)['message']} (Service: Ecs, Status Code: {status})")


def make_hosted_zone(zone_id: str, domain: str) -> None:
    """Make a public hosted zone with exactly this id in the account in scope, if it has none."""
    zones, records = store(route53, "_zones"), store(route53, "_records")
    if zone_id in zones:
        return
    name = domain.rstrip(".") + "."
    zones[zone_id] = {
        "id": zone_id,
        "name": name,
        "caller_reference": f"by-hand-{zone_id}",
        "comment": "by hand, before the first deploy",
        "private": False,
        "vpcs": [],
    }
    records[zone_id] = _name(route53, "_default_records")(name)
