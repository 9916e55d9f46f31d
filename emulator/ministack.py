"""The emulator's names: the only module that knows what ministack calls things.

Most are private, so the version is pinned and every name is looked up when this module is
imported: another version fails here, at start, with the name it lacks.
`server.environment` must be in place before that, since ministack reads it when imported.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from xml.etree import ElementTree as ET

from deployer.errors import EmulatorError
from emulator.access.request import Request

PINNED = "1.5.33"

Params = dict[str, Any]  # A query's parameters: each a list of strings.
Props = dict[str, Any]  # A resource's properties, resolved.
Stack = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]  # Status, headers, body.
Action = Callable[[Params], Answer]
JsonAction = Callable[[dict[str, Any]], Answer]


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


def _unknown(what: str) -> EmulatorError:
    try:
        found = version("ministack")
    except PackageNotFoundError:
        found = "(none)"
    return EmulatorError(
        f"ministack {found} has no {what}",
        hint=f"emulator knows ministack {PINNED}: pip install ministack=={PINNED}",
    )


# The server ------------------------------------------------------------------------------------

app = _module("app")
ASGI = _name(app, "app")
AUTHENTICATED = "emulator.authenticated"  # In the scope of requests that were verified.
STATES: dict[str, str] = _name(app, "_state_map")  # What a saved state is called → its module.
load_module: Callable[[str], Any] = _name(app, "_get_module")
_savers: Callable[[], dict[str, Callable[[], Any]]] = _name(app, "_build_persistence_save_dict")

_persistence = _module("core.persistence")
to_json: Callable[[Any], Any] = _name(_persistence, "_json_default")
from_json: Callable[[dict[str, Any]], Any] = _name(_persistence, "_json_object_hook")

# Whose request it is, and in which region -------------------------------------------------------

_responses = _module("core.responses")
account: Callable[[], str] = _name(_responses, "get_account_id")
region: Callable[[], str] = _name(_responses, "get_region")
set_account: Callable[[str], None] = _name(_responses, "set_request_account_id")
scope: Callable[[str, str], AbstractContextManager[None]] = _name(_responses, "request_scope")

# CloudFormation ---------------------------------------------------------------------------------

_cloudformation = _module("services.cloudformation")
_changesets = _module("services.cloudformation.changesets")
engine = _module("services.cloudformation.engine")
language_extensions = _module("services.cloudformation.language_extensions")
_handlers = _module("services.cloudformation.handlers")
_helpers = _module("services.cloudformation.helpers")
_operations = _module("services.cloudformation.stacks")
_provisioners = _module("services.cloudformation.provisioners")

# Stores of the account and region in scope, each like a dict.
stacks: Any = _name(_cloudformation, "_stacks")  # By name; a deleted one stays.
stack_events: Any = _name(_cloudformation, "_stack_events")  # By stack id.
exports: Any = _name(_cloudformation, "_exports")  # By name.
change_sets: Any = _name(_cloudformation, "_change_sets")  # By id.
_stores: Any = _name(_cloudformation, "_PERSISTED_STORES")  # All of them, and what each is called.

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
    engine, "_intrinsic_references"
)
NAMESPACE: str = _name(_helpers, "CFN_NS")
add_event: Callable[..., None] = _name(_operations, "_add_event")
stack_scope: Callable[..., AbstractContextManager[None]] = _name(
    _operations, "_stack_region_context"
)
roll_back: Callable[..., Coroutine[Any, Any, None]] = _name(_operations, "_roll_back_operation")
delete_stack: Callable[..., Coroutine[Any, Any, None]] = _name(_operations, "_delete_stack_async")
tag_ec2: Callable[..., None] = _name(_provisioners, "_ec2_apply_tags")
to_camel: Callable[[Any], Any] = _name(_provisioners, "_pascal_to_camel")
physical_name: Callable[..., str] = _name(_provisioners, "_physical_name")

# Where `from … import` has copied a function to: replacing it means replacing every copy.
_COPIES: dict[str, tuple[Any, ...]] = {
    "_add_event": (_operations,),
    "_create_stack_task_in_region": (_operations, _changesets, _handlers),
    "_delete_resource": (_operations,),
    "_deploy_stack_async": (_operations, _changesets, _handlers),
    "_parse_snippet": (engine,),
    "_parse_template": (engine, _changesets, _handlers),
    "_property_recreation": (_provisioners, _operations),
    "_provision_resource": (_operations,),
    "_resolve_document": (_helpers,),
    "_resolve_refs": (engine, _operations, _changesets, _handlers),
    "_resolve_template": (_helpers, _changesets, _handlers),
    "_resolve_stack_outputs": (_operations,),
    "_roll_back_operation": (_operations, _handlers),
    "_runs_on_worker_thread": (_operations,),
    "_update_resource": (_operations,),
    "_xml": (_helpers, _changesets, _handlers),
    "run_reentrant": (_operations,),
    "validate_template_support": (engine, _changesets, _handlers),
}


def savers() -> dict[str, Callable[[], Any]]:
    """What gives the state of each service there is, to be written before anything else happens.

    CloudFormation's is not copied before, as it would be: that takes four times as long as writing.
    """
    return _savers() | {"cloudformation": lambda: {name: store() for store, name in _stores}}


def wrap(name: str, wrapper: Callable[[Any], Any]) -> None:
    """Replace a function of CloudFormation, wherever it was imported to."""
    modules = _COPIES[name]
    wrapped = wrapper(_name(modules[0], name))
    for module in modules:
        _name(module, name)
        setattr(module, name, wrapped)


def needs_thread() -> Callable[[str], bool]:
    """Return what says which types run on a worker thread, with what gaps added until now."""
    known: Callable[[str], bool] = _name(_operations, "_runs_on_worker_thread")
    return known


def run_on_thread(kind: str) -> None:
    """Have a type made, changed and deleted on a worker thread: it takes its time."""
    wrap("_runs_on_worker_thread", lambda known: lambda one: one == kind or known(one))


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
    return _name(engine, "_resolve_refs")(value, *context)


def schedule(operation: Coroutine[Any, Any, None], stack: Stack) -> None:
    """Run a stack operation in the background, the way CloudFormation's own run (and are saved)."""
    _name(_operations, "_create_stack_task_in_region")(operation, stack, stack["StackId"])


# Other services ---------------------------------------------------------------------------------

acm = _module("services.acm")
budgets = _module("services.budgets")
cognito = _module("services.cognito")
cloudfront = _module("services.cloudfront")
codebuild = _module("services.codebuild")
dynamodb = _module("services.dynamodb")
edge_functions = _module("core.cloudfront_js")
ec2 = _module("services.ec2")
ecr = _module("services.ecr")
ecs = _module("services.ecs")
elb = _module("services.alb")
functions = _module("services.lambda_svc")
function_workers = _module("core.lambda_runtime")
http_apis = _module("services.apigateway")
iam = _module("services.iam")
route53 = _module("services.route53")
s3 = _module("services.s3")
sns = _module("services.sns")

_EC2_ACTIONS: dict[str, Action] = _name(ec2, "_ACTION_MAP")
_ECS_ACTIONS: dict[str, JsonAction] = _name(ecs, "_ACTION_MAP")
now_iam: Callable[[], str] = _name(iam, "_now")
refuse_json: Callable[[str, str, int], Answer] = _name(_responses, "error_response_json")
refuse_s3: Callable[[str, str, int], Answer] = _name(s3, "_error")
distribution_aliases: Callable[[dict[str, Any]], list[str]] = _name(
    cloudfront, "_get_distribution_aliases"
)
distribution_config: Callable[[dict[str, Any]], ET.Element] = _name(cloudfront, "_dist_config_el")
object_body: Callable[[str, str, str | None], bytes | None] = _name(s3, "_get_object_data")
# A function by name or ARN: its record, its configuration and its name.
find_function: Callable[[str], tuple[dict[str, Any] | None, Any, str]] = _name(
    functions, "_get_func_record_for_ref"
)
unzipped_bytes: Callable[[bytes | None], int] = _name(functions, "_unzipped_size")
function_of_uri: Callable[[str], str] = _name(http_apis, "_extract_lambda_ref_from_integration_uri")

iam_actions = _module("core.iam_actions")
router = _module("core.router")
_evaluator = _module("core.iam_evaluator")
_request_context: Callable[..., Any] = _name(_evaluator, "EvalContext")
_evaluate_policy: Callable[..., Any] = _name(_evaluator, "evaluate_resource_policy")
send_answer: Callable[..., Coroutine[Any, Any, None]] = _name(app, "_send_response")


def headers_of(scope: dict[str, Any]) -> dict[str, str]:
    """Return the headers of an ASGI request, each once."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joint = "; " if name == "cookie" else ", "
        headers[name] = headers[name] + joint + value if name in headers else value
    return headers


async def body_of(receive: Callable[[], Awaitable[dict[str, Any]]]) -> bytes:
    """Return the whole body of an ASGI request."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def send_any(send: Any, answer: Answer, receive: Any) -> None:
    """Send an answer whose body may be a stream."""
    await _name(app, "_send_if_handled")(send, answer, receive)


async def call_api(*request: Any, **more: Any) -> Answer:
    """Call an HTTP API of the account and region in scope, and complete its answer's headers."""
    answer = await _name(app, "_handle_execute_api_request")(*request, **more)
    completed: Answer = _name(app, "_with_data_plane_headers")(
        answer, str(uuid.uuid4()), wildcard_cors=False
    )
    return completed


def is_iam_route(api_id: str, stage: str, method: str, path: str) -> bool:
    """Return whether a request is for a route of an HTTP API that requires a signature."""
    where = _name(app, "_resolve_stage_and_path")(api_id, stage, path)
    kind = _name(http_apis, "route_authorization_type")(api_id, where[0], method, where[1])
    return bool(kind == "AWS_IAM")


def policy_allows(
    policy: Any, action: str, resource: str, *, service: str, source: str, secure: bool = True
) -> bool:
    """Say whether a resource's policy lets an AWS service act on it for *source* (an ARN)."""
    request = _request_context(
        principal_arn=service,
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=region(),
        secure_transport=secure,
        service_context={"aws:sourcearn": source, "aws:sourceaccount": account()},
    )
    return bool(_evaluate_policy(policy, request, service=service).decision == "Allow")


def run_function(function: str, event: dict[str, Any]) -> dict[str, Any]:
    """Run a function that is there; the answer has `body`, and `error` if it failed."""
    record, configuration, _ = find_function(function)
    running = _name(functions, "_execution_record_for_config")(record, configuration)
    result: dict[str, Any] = _name(functions, "_execute_function_with_config_scope")(running, event)
    return result


def start_workers_with(wrapper: Callable[[str, str], str]) -> None:
    """Change the scripts that run functions in "python" and in "nodejs"."""

    def detecting(detect: Callable[[str], tuple[str, str]]) -> Callable[[str], tuple[str, str]]:
        def detected(runtime: str) -> tuple[str, str]:
            binary, script = detect(runtime)
            kind = "python" if runtime.startswith("python") else "nodejs"
            return binary, wrapper(kind, script) if script else script

        return detected

    swap(function_workers, "_detect_runtime_binary", detecting)


def may_assume(role: str, service: str) -> bool:
    """Say whether a role is there and trusts an AWS service."""
    found = _name(iam, "_roles").get(role.rpartition("/")[2])
    if found is None:
        return False
    return policy_allows(
        found["AssumeRolePolicyDocument"], "sts:AssumeRole", "*", service=service, source=role
    )


def store(module: Any, name: str) -> Any:
    """Return a store of a service, like a dict of what the account and region in scope hold."""
    return _name(module, name)


def everywhere(scoped: Any) -> list[tuple[tuple[str, ...], Any]]:
    """Return what a store holds for everybody: (account, region if it has one, key) → value."""
    return list(scoped.to_dict().items())


def swap(module: Any, name: str, wrapper: Callable[[Any], Any]) -> None:
    """Replace *name* of a service's module by what *wrapper* makes of it."""
    setattr(module, name, wrapper(_name(module, name)))


def guard_s3(refusal: Callable[[str, dict[str, str], dict[str, Any]], Answer | None]) -> None:
    """Have *refusal* look at every request to S3 first: at its path, headers and query."""

    def guarding(handle: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
        async def guarded(
            method: str,
            path: str,
            headers: dict[str, str],
            body: bytes,
            query: dict[str, Any],
            **more: Any,
        ) -> Answer:
            refused = refusal(path, headers, query)
            return refused or await handle(method, path, headers, body, query, **more)

        return guarded

    swap(s3, "handle_request", guarding)


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


# RDS --------------------------------------------------------------------------------------------

rds = _module("services.rds")
sts = _module("services.sts")
_secrets = _module("services.secretsmanager")
_RDS_ACTIONS: dict[str, Action] = _name(rds, "_ACTION_MAP")
refuse_rds: Callable[[str, str, int], Answer] = _name(rds, "_error")
find_instance: Callable[[str], dict[str, Any] | None] = _name(rds, "_resolve_instance")
new_password: Callable[[], str] = _name(rds, "_generate_master_user_password")
instance_attributes: Callable[[dict[str, Any]], dict[str, Any]] = _name(
    _provisioners, "_rds_db_instance_attrs"
)
drop_secret: Callable[[str], bool] = _name(_secrets, "delete_secret_in_process")
_tokens = _module("core.rds_iam")
_iam = _module("core.iam_evaluator")


def swap_rds(action: str, wrapper: Callable[[Action], Action]) -> None:
    """Replace one action of RDS's API, also where CloudFormation calls it."""
    if action not in _RDS_ACTIONS:
        raise _unknown(f"RDS action {action}")
    name = _RDS_ACTIONS[action].__name__
    swap(rds, name, wrapper)
    _RDS_ACTIONS[action] = _name(rds, name)


def instance_answer(action: str, instance: dict[str, Any]) -> Answer:
    """Answer *action* with a database instance as it is now."""
    answered: Answer = _name(rds, "_single_instance_response")(
        f"{action}Response", f"{action}Result", instance
    )
    return answered


def subnets_of(asked: Any) -> list[dict[str, Any]]:
    """Return the subnets a call for a subnet group names; none if one of them is not there."""
    named = _name(rds, "_parse_member_list")(asked, "SubnetIds")
    found = _name(rds, "_resolve_subnet_group_members")(named) if named else None
    return list(found[0]) if found else []


def make_secret(name: str, value: str, *, owner: str, tags: dict[str, str]) -> str:
    """Make a secret for another service, which then owns it; return its ARN."""
    arn: str = _name(_secrets, "create_secret_in_process")(name, value)
    pairs = [{"Key": key, "Value": text} for key, text in tags.items()]
    store(_secrets, "_secrets")[name].update(OwningService=owner, Tags=pairs)
    return arn


def token_refusal(token: str, *, host: str, port: int, user: str, database: str) -> str | None:
    """Say why an RDS token does not let *user* into *database* of the account and region in scope.

    Checked are its signature, its age, whom and what it is for, and whether the policies of who
    signed it allow rds-db:connect. None if all is well.
    """
    target = {"hostname": host, "port": port, "db_user": user}
    signed = _name(_tokens, "verify_rds_iam_token")(
        token, **target, account_id=account(), region=region()
    )
    if isinstance(signed, _name(_tokens, "RdsIamTokenError")):
        return str(signed.code)
    principal = _name(_iam, "resolve_principal")(signed.access_key_id, account())
    if isinstance(principal, _name(_iam, "AuthError")):
        return str(principal.code)
    if principal.policies is None:  # The account's root may do everything.
        return None
    wanted = _name(_iam, "EvalContext")(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        principal_keys=principal.keys,
        action="rds-db:connect",
        resource_arn=f"arn:aws:rds-db:{region()}:{account()}:dbuser:{database}/{user}",
        region=region(),
    )
    said = _name(_iam, "evaluate")(wanted, principal.policies, *principal.limits)
    return None if said.decision == "Allow" else f"rds-db:connect: {said.decision}"


# Access ------------------------------------------------------------------------------------------

_cognito = _module("services.cognito")
_RESOLVING = (_iam, _tokens, s3, sts)  # Where `from … import` has copied it to.
_find_pool: Callable[[str], Any] = _name(_cognito, "_get_pool_unscoped")
_detect_service: Callable[..., str] = _name(app, "detect_service")
_routing_params: Callable[..., Any] = _name(app, "_routing_params")
_bucket_owner: Callable[[str], str | None] = _name(s3, "_bucket_owner_account")
_bucket_allows: Callable[..., bool] = _name(s3, "_foreign_bucket_allows")
_account_of_session: Callable[[str], str | None] = _name(_responses, "_account_from_sts_session")
_account_of_key: Callable[[str], str | None] = _name(_iam, "find_iam_access_key_account")
_is_root_key: Callable[[str], bool] = _name(_iam, "is_root_access_key")
_AMBIGUOUS: type[Exception] = _name(_iam, "AmbiguousAccessKeyError")
_AUTH_FAILURES: dict[str, Any] = _name(iam_actions, "_AUTH_FAILURES")
_PREFIXES: dict[str, str] = _name(iam_actions, "SERVICE_TO_IAM_NAMESPACE")
_REST: dict[str, Any] = _name(iam_actions, "_BOTOCORE_SERVICE_MAP")
_QUERY_TOO = {"ses"}  # Version 1 of its API is another protocol.
_UNKNOWN_KEY = "UnrecognizedClientException"
_ROOT_KEY = re.compile(r"[0-9]{12}")
Refusal: Any = _name(_iam, "CredentialResolutionError")  # Why a key is not good: code, message.


def use_root_secret(secret: str) -> None:
    """Make *secret* the secret key of every account's root, and accept no other root keys.

    MiniStack uses an empty key for a request without credentials, which access control has
    permitted. A request cannot be signed with it.
    """

    def resolving(resolve: Callable[..., Any]) -> Callable[..., Any]:
        def resolved(access_key: str, *rest: Any, **more: Any) -> Any:
            found = resolve(access_key, *rest, **more)
            if isinstance(found, Refusal) or not _is_root_key(access_key):
                return found
            if access_key and not _ROOT_KEY.fullmatch(access_key):
                return Refusal(
                    _UNKNOWN_KEY, "The security token included in the request is invalid."
                )
            return dataclasses.replace(found, secret_access_key=secret)

        return resolved

    wrapped = resolving(_name(_iam, "resolve_credential"))
    for module in _RESOLVING:
        swap(module, "resolve_credential", lambda _: wrapped)


def find_credentials(access_key: str, token: str) -> Any:
    """Return the credentials of a root, a user or a session; a Refusal if they are not valid."""
    try:
        owner = _account_of_session(access_key) or _account_of_key(access_key) or access_key
    except _AMBIGUOUS:
        owner = access_key
    return _name(_iam, "resolve_credential")(access_key, owner, token)


def credentials_refused(code: str, message: str, service: str, request: Request) -> Answer:
    """Return the error for invalid credentials in the format of the service."""
    service = service or service_of(request)
    if code in _AUTH_FAILURES:
        failure = _name(_iam, "AuthError")(code, message)
        answered: Answer = _name(app, "_credential_failure")(
            service, "", str(uuid.uuid4()), failure, request.joined_headers
        )
        return answered
    denied: Answer = _name(iam_actions, "access_denied_response")(
        service,
        "",
        "",
        str(uuid.uuid4()),
        error_code=code,
        message=message,
        headers=request.joined_headers,
    )
    return denied


def service_of(request: Request, body: bytes = b"") -> str:
    """Return the service that MiniStack routes a request to."""
    query = _routing_params(
        request.method, request.path, request.joined_headers, body, request.query_lists
    )
    return _detect_service(request.method, request.path, request.joined_headers, query)


def is_rest(service: str) -> bool:
    """Say whether method and path name a service's operations, and nothing else does."""
    return service in {"s3", "lambda"} or (service in _REST and service not in _QUERY_TOO)


def permission_prefix(service: str) -> str:
    """Return what stands before the colon in the permissions of a service."""
    prefix: str = _PREFIXES.get(service, service)
    return prefix


def has_user_pool(pool: str) -> bool:
    """Return whether a user pool with this id exists, in any account."""
    return _find_pool(pool) is not None


def is_public(bucket: str, key: str, method: str, query: dict[str, list[str]]) -> bool:
    """Return whether an object is public, or the list of the bucket if there is no *key*."""
    owner = _bucket_owner(bucket)
    return owner is not None and bool(_bucket_allows(owner, bucket, key, method, query, ""))


def swap_function_credentials(make: Callable[[dict[str, Any]], dict[str, str]]) -> None:
    """Give functions the credentials that *make* returns for their configuration."""
    for module in (function_workers, functions):
        swap(module, "execution_credentials", lambda _: make)


def swap_web_identity(is_valid: Callable[[str], bool]) -> None:
    """Refuse the tokens of web identities that are not valid."""

    def denying(deny: Callable[..., Answer | None]) -> Callable[..., Answer | None]:
        def denied(role: str, params: Params, use_json: bool) -> Answer | None:  # noqa: FBT001  MiniStack's signature.
            if is_valid(param(params, "WebIdentityToken")):
                return deny(role, params, use_json)
            message = "The token's signature is not that of its identity provider"
            refused: Answer = _name(sts, "_error")(400, "InvalidIdentityToken", message, ns="sts")
            return refused

        return denied

    swap(sts, "_web_identity_trust_denied", denying)
