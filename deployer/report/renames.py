"""Explain renamed resources, with the commands that move them instead of creating them again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from deployer.preview.values import Ambiguity, Preview, Rename
from deployer.registry import import_identifier
from deployer.report.template_values import value_text
from deployer.report.text import clean


def rename_notes(preview: Preview) -> Iterator[tuple[str, str]]:
    """Yield a fact and a hint for each rename and each ambiguity; the hint is how to keep the resource."""
    for rename in preview.renames.found:
        yield _fact(rename), safe_way(rename)
    for ambiguity in preview.renames.ambiguous:
        yield _question(ambiguity), "if it is one of these, move it: docs/tasks.md#renames"


def safe_way(rename: Rename) -> str:
    """Return how to keep the resource: a stack refactor between stacks, else retain and import."""
    is_nested = max(len(rename.before.path), len(rename.after.path)) > 1
    if rename.is_in_one_stack or is_nested:
        command = import_command(
            rename.type,
            rename.after.stack,
            rename.after.region,
            rename.after.path[-1],
            rename.name,
        )
        return f"to keep it, deploy it with DeletionPolicy: Retain, then remove it, then {command}"
    return f"to keep it, before the deploy: {_refactor_command(rename)}"


def import_command(
    type_: str, stack: str, region: str, logical_id: str, physical_id: str = ""
) -> str:
    """Return the AWS CLI command that imports an existing resource into a stack."""
    key = import_identifier(type_)
    if key is None:
        return f"import it: the schema of {clean(type_)} lists the parts of its identifier"
    identifier = value_text("Name", physical_id) if physical_id else "ID"
    return _command(
        "create-change-set",
        "--change-set-type=IMPORT",
        f"--region={region}",
        f"--stack-name={stack}",
        "--change-set-name=import",
        f"--template-body=file://{stack}.yaml",
        "--resources-to-import",
        f"ResourceType={type_},LogicalResourceId={logical_id},ResourceIdentifier={{{key}={identifier}}}",
    )


def _refactor_command(rename: Rename) -> str:
    ends = (
        f"{end}={{StackName={place.stack},LogicalResourceId={place.path[-1]}}}"
        for end, place in (("Source", rename.before), ("Destination", rename.after))
    )
    return _command(
        "create-stack-refactor",
        f"--region={rename.after.region}",
        *(["--enable-stack-creation"] if rename.after.is_new_stack else []),
        "--stack-definitions",
        *(
            f"StackName={place.stack},TemplateBody@=file://{place.stack}.yaml"
            for place in (rename.before, rename.after)
        ),
        "--resource-mappings",
        ",".join(ends),
    )


def _command(*arguments: str) -> str:
    return shlex.join(["aws", "cloudformation", *map(clean, arguments)])


def _fact(rename: Rename) -> str:
    verb = "gets another logical id" if rename.is_in_one_stack else "moves"
    similarity = "equal" if rename.is_equal else "nearly equal"
    reason = (
        f"its name, {value_text('Name', rename.name)}"
        if rename.name
        else f"{similarity} properties"
    )
    effect = "retains" if rename.is_retained else "deletes"
    return (
        f"{clean(str(rename.before))} ({clean(rename.type)}) {verb}: {clean(str(rename.after))} has "
        f"{reason}. A deploy creates it again and {effect} the old one"
    )


def _question(ambiguity: Ambiguity) -> str:
    before, after = (
        ", ".join(clean(str(place)) for place in side)
        for side in (ambiguity.before, ambiguity.after)
    )
    return (
        f"{before} ({clean(ambiguity.type)}): renamed to {after}? They are similar. A deploy creates "
        "new resources and deletes the old ones"
    )
