"""The places of policy documents in the properties of resources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from deployer.policy import check
from deployer.policy.policy_documents import DOCUMENTS
from tests.deployer.policy.clean_templates import HIGH, Env, allow, document, resource, subjects

_EVERYTHING = {**allow("*", "*"), "Principal": "*"}
_RULES = {"identity": "C301", "trust": "C201", "resource": "C201", "endpoint": "C201"}
_PLACES = [(kind, place) for kind, places in DOCUMENTS.items() for place in places]

# Types whose property has the name of a policy, but is not a policy of IAM or grants nothing.
_NO_GRANTS = [
    "Config::ConfigRule",
    "Config::OrganizationConfigRule",
    "DataZone::ProjectProfile",
    "EC2::ClientVpnEndpoint",
    "EC2::VerifiedAccessEndpoint",
    "EC2::VerifiedAccessGroup",
    "EKS::PodIdentityAssociation",
    "Logs::AccountPolicy",
    "NetworkManager::CoreNetwork",
    "OpenSearchServerless::AccessPolicy",
    "OpenSearchServerless::LifecyclePolicy",
    "OpenSearchServerless::SecurityPolicy",
    "RAM::Permission",
    "RolesAnywhere::Profile",
    "SSM::Parameter",
    "Serverless::Api",
    "Serverless::Function",
    "Transfer::User",
]
_NAME = re.compile(
    r"((Access|AssumeRole|File|FileSystem|Inline|InvestigationGroup|Key|ModelPackageGroup|Namespace"
    r"|Permissions|Repository|Resource|S3Access|Destination|Session)?Polic(y|ies)"
    r"(Document|Text)?|PolicyTemplate)"
)


def template(type_: str, path: list[str]) -> dict[str, Any]:
    """Return a template with a policy that allows everything at *path*, within lists."""
    *outer, last = path or ["Statement"]
    value: dict[str, Any] = {last: document(_EVERYTHING) if path else _EVERYTHING}
    for key in reversed(outer):
        value = {key: [value]}
    return {HIGH: {"Resources": {"It": resource(type_, **value)}}}


@pytest.mark.parametrize(("kind", "place"), _PLACES)
def test_every_policy_document_is_checked(kind: str, place: str) -> None:
    """A policy that allows everything is found in each property that has a policy."""
    type_, *path = place.split()
    findings = check(subjects(template(type_, path)), Env())
    assert (_RULES[kind], "It/Allowed") in {(found.rule, found.where) for found in findings}


@pytest.mark.thorough
def test_the_table_has_every_policy_of_the_registry() -> None:
    """No resource type has a policy that the rules do not check."""
    known = {(place.split()[0], place.split()[-1]) for _, place in _PLACES}
    known |= {(type_, "PolicyDocument") for type_ in ("IAM::Role", "IAM::Group", "IAM::User")}
    assert {
        (type_, name)
        for type_, name in _policies_of_the_registry()
        if (type_, name) not in known and type_ not in _NO_GRANTS
    } == set()


def _policies_of_the_registry() -> Iterator[tuple[str, str]]:
    """Yield the type and the name of each property that could have a policy document."""
    for type_ in PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1"):
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
        for name, types in _properties(schema):
            if _NAME.fullmatch(name) and {"object", "string"} & {*types}:
                yield type_.removeprefix("AWS::"), name


def _properties(schema: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the types of each property in a schema that is not an enumeration."""
    for part in (schema, *schema.get("definitions", {}).values()):
        for name, property_ in part.get("properties", {}).items():
            types = property_.get("type", [])
            is_open = not {"properties", "enum"} & {*property_}
            yield name, ([types] if isinstance(types, str) else types) if is_open else []
