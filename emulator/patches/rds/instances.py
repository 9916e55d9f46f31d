"""Run a PostgreSQL server for each RDS instance of engine postgres, at the address of its endpoint."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from emulator import postgres
from emulator.ministack import cloudformation, context, database, services
from emulator.ministack.cloudformation import Created, Props, ResourceType
from emulator.ministack.context import Params, Response
from emulator.ministack.credentials import register_session
from emulator.ministack.hooks import Function
from emulator.patches.differences import Difference
from emulator.postgres import instances, validation
from emulator.postgres.instances import SECRET, Record
from emulator.postgres.validation import Parameters, Refusal

DIFFERENCES = (
    Difference(
        "An instance of engine postgres is a PostgreSQL server at its endpoint, whether a stack or "
        "an API call created it.",
        source="AWS::RDS::DBInstance, return values",
        ministack="An endpoint without a server.",
        test="test_stack",
    ),
    Difference(
        "RDS manages the master password in a secret `rds!db-…`, and rotates it on request.",
        source="RDS user guide, Password management with Secrets Manager",
        ministack="There is no secret, and the attribute MasterUserSecret.SecretArn is unknown.",
        test="test_stack",
    ),
    Difference(
        "The master user is not a superuser; rds_superuser and rds_iam exist; no user can log in "
        "as rdsadmin.",
        source="RDS user guide, Understanding PostgreSQL roles and permissions; details not "
        "verified",
        ministack="No roles.",
        test="test_master_user",
    ),
    Difference(
        "The certificate of the endpoint passes verify-full; rds.force_ssl decides whether "
        "connections without TLS are accepted.",
        source="RDS user guide, Using SSL with a PostgreSQL DB instance",
        ministack="No TLS.",
        test="../postgres/test_proxy.py::test_tls",
    ),
    Difference(
        "Members of rds_iam log in with a token, never with a password; its signature, age and "
        "target, and the permission rds-db:connect of its signer, are checked.",
        source="RDS user guide, IAM database authentication",
        ministack="Tokens of MySQL only.",
        test="../postgres/test_proxy.py::test_policy",
    ),
    Difference(
        "An update keeps endpoint and data; a replacement is a new database.",
        source="AWS::RDS::DBInstance, “Update requires”",
        ministack="There is no data; a changed Port in the template changes the endpoint.",
        test="test_lifecycle",
    ),
    Difference(
        "A stack does not delete an instance with deletion protection: DELETE_FAILED.",
        source="RDS user guide, Deleting a DB instance; the message is from public reports",
        ministack="Deleted by its stack.",
        test="test_deletion_protection",
    ),
    Difference(
        "RDS refuses short passwords, reserved users, too little storage, unknown groups, "
        "parameter groups of another family, and subnet groups in one availability zone.",
        source="API reference of CreateDBInstance and CreateDBSubnetGroup; some messages are not "
        "verified",
        ministack="Accepted.",
        test="test_invalid_properties",
    ),
)

KIND = "AWS::RDS::DBInstance"
ADDRESS = "127.0.0.1"
_PASSWORD = "_MasterUserPassword"  # noqa: S105  MiniStack's key for the password.
_TEN_YEARS_SECONDS = 10 * 365 * 24 * 3600

_INSTANCE = ResourceType(KIND)
_snapshot: Function[[str, Props], None] = Function("snapshot", cloudformation.TYPES.get(KIND, {}))
_rotate_password: Function[[Record, str, str], None] = Function(
    "_rotate_instance_password", services.rds
)
_describe: Function[[Record], str] = Function("_instance_xml", services.rds)
_ACTIONS = {
    name: database.action(name)
    for name in (
        "CreateDBInstance",
        "DeleteDBInstance",
        "ModifyDBInstance",
        "RestoreDBInstanceFromDBSnapshot",
        "CreateDBInstanceReadReplica",
        "CreateDBSubnetGroup",
        "ModifyDBSubnetGroup",
    )
}


def install() -> None:
    """Install the patch."""
    cloudformation.needs_thread.after(lambda is_needed, kind: is_needed or kind == KIND)
    _INSTANCE.create.around(_create)
    _INSTANCE.update.around(_update)
    _INSTANCE.delete.around(_delete)
    _snapshot.before(_check_protection)
    _ACTIONS["CreateDBInstance"].around(_call_create)
    _ACTIONS["DeleteDBInstance"].around(_call_delete)
    _ACTIONS["ModifyDBInstance"].around(_call_modify)
    for action, check in _CHECKS.items():
        _ACTIONS[action].before(_respond_with_first_error(check))
    _rotate_password.replace(_set_password)
    _describe.after(_add_secret)
    register_session.around(_register_with_expiration)


# Instances of stacks ---------------------------------------------------------------------------


def _create(create: Callable[..., Created], title: str, props: Props, stack: str) -> Created:
    if not instances.is_postgres(props):
        return create(title, props, stack)
    _raise_first(_new_instance_errors(props))
    name, _ = create(title, props, stack)
    _start(database.instances[name], props)
    return name, _attributes(database.instances[name])


def _update(
    update: Callable[..., Created], name: str, old: Props, new: Props, *rest: Any
) -> Created:
    """Update an instance; of all changes, only that of the password affects the server."""
    record = database.instances.get(name)
    if record is None or not instances.is_postgres(record):
        return update(name, old, new, *rest)
    _raise_first(validation.instance_errors(new, _existing_groups()))
    endpoint, password = dict(record["Endpoint"]), record[_PASSWORD]
    update(name, old, new, *rest)
    record["Endpoint"].update(endpoint)
    _update_secret(record, new)
    if record[_PASSWORD] != password:
        _set_password(record, password, record[_PASSWORD])
    return name, _attributes(record)


def _delete(delete: Callable[[str, Props], None], name: str, props: Props) -> None:
    record = database.instances.get(name)
    _raise_first(_protection_errors(record))
    delete(name, props)
    if record and instances.is_postgres(record):
        _stop(record)


def _check_protection(name: str, _props: Props) -> None:
    _raise_first(_protection_errors(database.instances.get(name)))


def _raise_first(errors: Iterable[Refusal]) -> None:
    for error in errors:
        raise services.refusal(error.message, "Rds")


def _attributes(record: Record) -> dict[str, Any]:
    secret = record.get(SECRET)
    secret_attributes = {f"{SECRET}.SecretArn": secret["SecretArn"]} if secret else {}
    return {**cloudformation.instance_attributes(record), **secret_attributes}


# Validation ------------------------------------------------------------------------------------


def _new_instance_errors(parameters: Parameters) -> Iterable[Refusal]:
    if parameters.get("DBInstanceIdentifier") in database.instances:
        yield Refusal("DB Instance already exists", "DBInstanceAlreadyExists")
    yield from validation.new_instance_errors(parameters, _existing_groups())


def _creation_errors(parameters: Parameters) -> Iterable[Refusal]:
    return _new_instance_errors(parameters) if instances.is_postgres(parameters) else ()


def _modification_errors(parameters: Parameters) -> Iterable[Refusal]:
    record = database.find_instance(parameters.get("DBInstanceIdentifier", ""))
    if record is None or not instances.is_postgres(record):
        return
    version = parameters.get("EngineVersion") or record["EngineVersion"]
    yield from validation.instance_errors(
        {**parameters, "EngineVersion": version}, _existing_groups()
    )
    stays_managed = parameters.get("ManageMasterUserPassword") != "false"
    if SECRET in record and stays_managed and parameters.get("MasterUserPassword"):
        yield validation.MANAGED


def _deletion_errors(parameters: Parameters) -> Iterable[Refusal]:
    yield from _protection_errors(
        database.find_instance(parameters.get("DBInstanceIdentifier", ""))
    )
    is_skipped = validation.is_true(parameters.get("SkipFinalSnapshot"))
    if not is_skipped and not parameters.get("FinalDBSnapshotIdentifier"):
        yield validation.NO_FINAL_SNAPSHOT


def _protection_errors(record: Record | None) -> Iterable[Refusal]:
    if record and record.get("DeletionProtection"):
        yield validation.PROTECTED


def _subnet_errors(parameters: Parameters) -> Iterable[Refusal]:
    subnets = database.subnets_of(parameters)
    if subnets:
        zones = {subnet["SubnetAvailabilityZone"]["Name"] for subnet in subnets}
        yield from validation.subnet_group_errors(zones)


def _restore_errors(_parameters: Parameters) -> Iterable[Refusal]:
    return [validation.NO_DATA]


_CHECKS: dict[str, Callable[[Parameters], Iterable[Refusal]]] = {
    "CreateDBInstance": _creation_errors,
    "DeleteDBInstance": _deletion_errors,
    "ModifyDBInstance": _modification_errors,
    "RestoreDBInstanceFromDBSnapshot": _restore_errors,
    "CreateDBInstanceReadReplica": _restore_errors,
    "CreateDBSubnetGroup": _subnet_errors,
    "ModifyDBSubnetGroup": _subnet_errors,
}


def _existing_groups() -> validation.ExistingGroups:
    families = {
        name: group["DBParameterGroupFamily"] for name, group in database.parameter_groups.items()
    }
    return validation.ExistingGroups(families, set(database.subnet_groups))


def _respond_with_first_error(
    check: Callable[[Parameters], Iterable[Refusal]],
) -> Callable[[Params], Response | None]:
    """Return a hook that responds with the first error of *check*, if there is one."""

    def refuse(params: Params) -> Response | None:
        for error in check(_parameters(params)):
            return database.rds_error(error.code, error.message, http.client.BAD_REQUEST)
        return None

    return refuse


def _parameters(params: Params) -> Parameters:
    return {
        name: values[0] if isinstance(values, list) else values for name, values in params.items()
    }


# Instances of API calls ------------------------------------------------------------------------


def _call_create(create: Callable[[Params], Response], params: Params) -> Response:
    """Respond when the database accepts connections; RDS responds earlier (see __init__.py)."""
    parameters = _parameters(params)
    response = create(params)
    if response[0] >= http.client.BAD_REQUEST or not instances.is_postgres(parameters):
        return response
    record = database.instances[parameters["DBInstanceIdentifier"]]
    _start(record, parameters)
    return database.instance_response("CreateDBInstance", record)


def _call_delete(delete: Callable[[Params], Response], params: Params) -> Response:
    name = cloudformation.param(params, "DBInstanceIdentifier")
    record = database.find_instance(name)
    response = delete(params)
    if response[0] < http.client.BAD_REQUEST and record and instances.is_postgres(record):
        _stop(record)
    return response


def _call_modify(modify: Callable[[Params], Response], params: Params) -> Response:
    parameters = _parameters(params)
    response = modify(params)
    record = database.find_instance(parameters["DBInstanceIdentifier"])
    if record is None or "ManageMasterUserPassword" not in parameters:
        return response
    password = record[_PASSWORD]
    _update_secret(record, parameters)
    _set_password(record, password, record[_PASSWORD])
    return database.instance_response("ModifyDBInstance", record)


# Instances of stacks and of API calls -----------------------------------------------------------


def _start(record: Record, parameters: Parameters) -> None:
    """Start the server of an instance; remove the instance if that fails."""
    name = record["DBInstanceIdentifier"]
    record.update(DBInstanceStatus="creating", DBName=parameters.get("DBName") or "")
    _update_secret(record, parameters)
    settings = instances.database_settings(record, postgres.selected_kind())
    auth = instances.InstanceAuth(context.account(), context.region(), name)
    try:
        address = postgres.manager().add(settings, auth, used_ports=instances.used_ports())
    except BaseException:
        del database.instances[name]
        _stop(record)
        raise
    instances.set_available(record, address, ADDRESS)


def _stop(record: Record) -> None:
    """Stop the server of an instance, and delete its data and its secret."""
    postgres.manager().remove(record["DbiResourceId"])
    instances.delete_secret(record)


def _update_secret(record: Record, parameters: Parameters) -> None:
    """Start or stop managing the master password in a secret, as *parameters* require."""
    is_managed = validation.is_true(parameters.get("ManageMasterUserPassword"))
    if is_managed and SECRET not in record:
        record[_PASSWORD] = database.new_password()
        value = {"username": record["MasterUsername"], "password": record[_PASSWORD]}
        tags = {"aws:rds:primaryDBInstanceArn": record["DBInstanceArn"]}
        arn = database.create_secret(
            f"rds!db-{uuid.uuid4()}", json.dumps(value), owner="rds", tags=tags
        )
        key = parameters.get("MasterUserSecretKmsKeyId") or parameters.get(SECRET, {}).get(
            "KmsKeyId"
        )
        record[SECRET] = {"SecretArn": arn, "SecretStatus": "active", "KmsKeyId": key}
    elif not is_managed and SECRET in record:
        instances.delete_secret(record)
        record[_PASSWORD] = parameters["MasterUserPassword"]


def _set_password(record: Record, _old: str, password: str) -> None:
    """Change the password of the master user."""
    if instances.is_postgres(record):
        identifier, user = record["DbiResourceId"], record["MasterUsername"]
        postgres.manager().set_password(identifier, user, password)


def _register_with_expiration(
    register: Callable[[str, dict[str, Any]], None], key: str, session: dict[str, Any]
) -> None:
    """Give the sessions of functions a distant expiration, which RDS tokens require."""
    register(key, {"Expiration": time.time() + _TEN_YEARS_SECONDS, **session})


def _add_secret(description: str, record: Record) -> str:
    """Add the managed secret to the description of an instance."""
    secret = {name: text for name, text in (record.get(SECRET) or {}).items() if text}
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in secret.items())
    return description + (f"<{SECRET}>{inner}</{SECRET}>" if inner else "")
