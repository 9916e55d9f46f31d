"""An RDS instance of engine postgres is a PostgreSQL that answers where its endpoint says."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from emulator import ministack, postgres
from emulator.ministack import Action, Answer, Params, Props
from emulator.postgres import instances, validation
from emulator.postgres.instances import SECRET, Record
from emulator.postgres.validation import Parameters, Refusal

KIND = "AWS::RDS::DBInstance"
ADDRESS = "127.0.0.1"
_PASSWORD = "_MasterUserPassword"  # noqa: S105  The emulator's name for it.

_TEN_YEARS_SECONDS = 10 * 365 * 24 * 3600

Made = tuple[str, dict[str, Any]]


def close() -> None:
    """Run what stacks and calls make, and refuse what RDS refuses."""
    ministack.run_on_thread(KIND)
    for verb, wrapper in _BY_STACKS.items():
        ministack.wrap_type(KIND, verb, wrapper)
    for action, wrapper in _BY_CALLS.items():
        ministack.swap_rds(action, wrapper)
    ministack.swap(ministack.rds, "_rotate_instance_password", lambda _: _turn)
    ministack.swap(ministack.rds, "_instance_xml", _with_secret)
    ministack.swap(ministack.sts, "register_session", _ending_some_day)


# Made by stacks --------------------------------------------------------------------------------


def _running(create: Callable[..., Made]) -> Callable[..., Made]:
    def creating(title: str, props: Props, stack: str) -> Made:
        if not instances.is_postgres(props):
            return create(title, props, stack)
        _raise(_of_new(props))
        made, _ = create(title, props, stack)
        _bring_up(_instances()[made], props)
        return made, _attributes(_instances()[made])

    return creating


def _following(update: Callable[..., Made]) -> Callable[..., Made]:
    """Let PostgreSQL follow a change of password; no other change touches it or its port."""

    def updating(made: str, old: Props, new: Props, stack: str, title: str | None = None) -> Made:
        record = _instances().get(made)
        if record is None or not instances.is_postgres(record):
            return update(made, old, new, stack, title)
        _raise(validation.instance_errors(new, _groups()))
        endpoint, before = dict(record["Endpoint"]), record[_PASSWORD]
        update(made, old, new, stack, title)
        record["Endpoint"].update(endpoint)
        _settle_secret(record, new)
        if record[_PASSWORD] != before:
            _turn(record, before, record[_PASSWORD])
        return made, _attributes(record)

    return updating


def _ending(delete: Callable[..., None]) -> Callable[..., None]:
    def deleting(made: str, props: Props) -> None:
        record = _instances().get(made)
        _raise(_of_protected(record))
        delete(made, props)
        if record and instances.is_postgres(record):
            _take_down(record)

    return deleting


def _kept(snapshot: Callable[..., None]) -> Callable[..., None]:
    def keeping(made: str, props: Props) -> None:
        _raise(_of_protected(_instances().get(made)))
        snapshot(made, props)

    return keeping


_BY_STACKS: dict[str, Callable[[Any], Any]] = {
    "create": _running,
    "update": _following,
    "delete": _ending,
    "snapshot": _kept,
}


def _raise(refused: Iterable[Refusal]) -> None:
    for refusal in refused:
        raise ValueError(f"{refusal.message} (Service: Rds, Status Code: 400)")


def _attributes(record: Record) -> dict[str, Any]:
    secret = record.get(SECRET)
    more = {f"{SECRET}.SecretArn": secret["SecretArn"]} if secret else {}
    return {**ministack.instance_attributes(record), **more}


# What is refused -------------------------------------------------------------------------------


def _of_new(asked: Parameters) -> Iterable[Refusal]:
    if asked.get("DBInstanceIdentifier") in _instances():
        yield Refusal("DB Instance already exists", "DBInstanceAlreadyExists")
    yield from validation.new_instance_errors(asked, _groups())


def _of_change(asked: Parameters) -> Iterable[Refusal]:
    record = ministack.find_instance(asked.get("DBInstanceIdentifier", ""))
    if record is None or not instances.is_postgres(record):
        return
    known = {**asked, "EngineVersion": asked.get("EngineVersion") or record["EngineVersion"]}
    yield from validation.instance_errors(known, _groups())
    stays = asked.get("ManageMasterUserPassword") != "false"
    if SECRET in record and stays and asked.get("MasterUserPassword"):
        yield validation.MANAGED


def _of_deletion(asked: Parameters) -> Iterable[Refusal]:
    yield from _of_protected(ministack.find_instance(asked.get("DBInstanceIdentifier", "")))
    skipped = validation.is_true(asked.get("SkipFinalSnapshot"))
    if not skipped and not asked.get("FinalDBSnapshotIdentifier"):
        yield validation.NO_FINAL_SNAPSHOT


def _of_protected(record: Record | None) -> Iterable[Refusal]:
    if record and record.get("DeletionProtection"):
        yield validation.PROTECTED


def _of_subnets(asked: Parameters) -> Iterable[Refusal]:
    subnets = ministack.subnets_of(asked)
    if subnets:
        yield from validation.subnet_group_errors(
            {one["SubnetAvailabilityZone"]["Name"] for one in subnets}
        )


def _groups() -> validation.ExistingGroups:
    kept = ministack.store(ministack.rds, "_param_groups")
    families = {name: group["DBParameterGroupFamily"] for name, group in kept.items()}
    return validation.ExistingGroups(
        families, set(ministack.store(ministack.rds, "_subnet_groups"))
    )


def _instances() -> Any:
    return ministack.store(ministack.rds, "_instances")


# Made by calls ---------------------------------------------------------------------------------


def _checked(refuse: Callable[[Parameters], Iterable[Refusal]]) -> Callable[[Action], Action]:
    """Put RDS's refusals before a call."""

    def checking(act: Action) -> Action:
        def acting(params: Params) -> Answer:
            for refusal in refuse(_asked(params)):
                return ministack.refuse_rds(refusal.code, refusal.message, 400)
            return act(params)

        return acting

    return checking


def _asked(params: Params) -> Parameters:
    return {
        name: values[0] if isinstance(values, list) else values for name, values in params.items()
    }


def _created(create: Action) -> Action:
    """Answer when the database takes connections; RDS answers before (see the table)."""

    def creating(params: Params) -> Answer:
        asked = _asked(params)
        answer = create(params)
        if answer[0] >= http.client.BAD_REQUEST or not instances.is_postgres(asked):
            return answer
        record = _instances()[asked["DBInstanceIdentifier"]]
        _bring_up(record, asked)
        return ministack.instance_answer("CreateDBInstance", record)

    return _checked(lambda asked: _of_new(asked) if instances.is_postgres(asked) else ())(creating)


def _deleted(delete: Action) -> Action:
    def deleting(params: Params) -> Answer:
        record = ministack.find_instance(ministack.param(params, "DBInstanceIdentifier"))
        answer = delete(params)
        if answer[0] < http.client.BAD_REQUEST and record and instances.is_postgres(record):
            _take_down(record)
        return answer

    return _checked(_of_deletion)(deleting)


def _modified(modify: Action) -> Action:
    def modifying(params: Params) -> Answer:
        asked = _asked(params)
        answer = modify(params)
        record = ministack.find_instance(asked["DBInstanceIdentifier"])
        if record is None or "ManageMasterUserPassword" not in asked:
            return answer
        before = record[_PASSWORD]
        _settle_secret(record, asked)
        _turn(record, before, record[_PASSWORD])
        return ministack.instance_answer("ModifyDBInstance", record)

    return _checked(_of_change)(modifying)


_BY_CALLS: dict[str, Callable[[Action], Action]] = {
    "CreateDBInstance": _created,
    "DeleteDBInstance": _deleted,
    "ModifyDBInstance": _modified,
    "RestoreDBInstanceFromDBSnapshot": _checked(lambda _: [validation.NO_DATA]),
    "CreateDBInstanceReadReplica": _checked(lambda _: [validation.NO_DATA]),
    "CreateDBSubnetGroup": _checked(_of_subnets),
    "ModifyDBSubnetGroup": _checked(_of_subnets),
}


# What both do ----------------------------------------------------------------------------------


def _bring_up(record: Record, asked: Parameters) -> None:
    """Have the instance of *record* running, or leave nothing of it."""
    name = record["DBInstanceIdentifier"]
    record.update(DBInstanceStatus="creating", DBName=asked.get("DBName") or "")
    _settle_secret(record, asked)
    wanted = instances.database_settings(record, postgres.selected_kind())
    door = instances.InstanceAuth(ministack.account(), ministack.region(), name)
    try:
        given = postgres.manager().add(wanted, door, used_ports=instances.used_ports())
    except BaseException:
        del _instances()[name]
        _take_down(record)
        raise
    instances.set_available(record, given, ADDRESS)


def _take_down(record: Record) -> None:
    """End the instance of *record* and remove its data and its secret."""
    postgres.manager().remove(record["DbiResourceId"])
    instances.delete_secret(record)


def _settle_secret(record: Record, asked: Parameters) -> None:
    """Have RDS manage the master password in a secret, or stop managing it, as *asked*."""
    managed = validation.is_true(asked.get("ManageMasterUserPassword"))
    if managed and SECRET not in record:
        record[_PASSWORD] = ministack.new_password()
        value = {"username": record["MasterUsername"], "password": record[_PASSWORD]}
        name, tags = (
            f"rds!db-{uuid.uuid4()}",
            {"aws:rds:primaryDBInstanceArn": record["DBInstanceArn"]},
        )
        arn = ministack.make_secret(name, json.dumps(value), owner="rds", tags=tags)
        key = asked.get("MasterUserSecretKmsKeyId") or asked.get(SECRET, {}).get("KmsKeyId")
        record[SECRET] = {"SecretArn": arn, "SecretStatus": "active", "KmsKeyId": key}
    elif not managed and SECRET in record:
        instances.delete_secret(record)
        record[_PASSWORD] = asked["MasterUserPassword"]


def _turn(record: Record, _before: str, password: str) -> None:
    """Give the master user of *record* another password."""
    if instances.is_postgres(record):
        one, user = record["DbiResourceId"], record["MasterUsername"]
        postgres.manager().set_password(one, user, password)


def _ending_some_day(register: Callable[[str, dict[str, Any]], None]) -> Callable[..., None]:
    """Give the sessions of functions an end, if a late one: a token's check insists on it."""

    def registering(key: str, session: dict[str, Any]) -> None:
        register(key, {"Expiration": time.time() + _TEN_YEARS_SECONDS, **session})

    return registering


def _with_secret(show: Callable[[Record], str]) -> Callable[[Record], str]:
    """Show the secret in what describes an instance."""

    def showing(record: Record) -> str:
        secret = {name: text for name, text in (record.get(SECRET) or {}).items() if text}
        inner = "".join(f"<{name}>{text}</{name}>" for name, text in secret.items())
        return show(record) + (f"<{SECRET}>{inner}</{SECRET}>" if inner else "")

    return showing
