"""Explain how to import resources that exist already, such as those that a deletion retained."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from deployer.model.desired import DesiredStack
from deployer.model.template_tree import RETAINING_POLICIES
from deployer.registry import import_identifier
from deployer.update_refusals import fixed_name_of

_EXISTS = "already exist"
_IN_A_STACK = "already exists in stack"  # It belongs to a stack, so it cannot be imported.


def import_hint(desired: DesiredStack, environment: str, reason: str, *, is_new: bool) -> str:
    """Return how to import the resources whose name is taken, according to *reason*; may be empty.

    *is_new*: the stack does not exist, or must be deleted because its creation failed.
    """
    titles = [*_importable(desired, reason)]
    if not titles:
        return ""
    first = "delete the stack if it exists, then " if is_new else ""
    return (
        f"if an earlier deletion retained {', '.join(titles)}: {first}import it, execute the change "
        f"set, and deploy: {_command(desired, environment, is_new=is_new)}"
    )


def _importable(desired: DesiredStack, reason: str) -> Iterator[str]:
    """Yield the resources with a name in *reason* that CloudFormation imports by their name."""
    if _EXISTS not in reason or _IN_A_STACK in reason:
        return
    for title, resource in desired.body.get("Resources", {}).items():
        name = fixed_name_of(resource)
        key = import_identifier(resource["Type"])
        is_named = key in (resource.get("Properties") or {})
        if (
            name
            and is_named
            and name[1] in reason
            and resource.get("DeletionPolicy") in RETAINING_POLICIES
        ):
            yield title


def _command(desired: DesiredStack, environment: str, *, is_new: bool) -> str:
    words = [
        *("aws", "cloudformation", "create-change-set", "--import-existing-resources"),
        *("--change-set-name=import", f"--change-set-type={'CREATE' if is_new else 'UPDATE'}"),
        *(f"--stack-name={desired.name}", f"--region={desired.region}"),
        f"--template-body=file://build/{environment}/{desired.file}",
        *(["--capabilities", *desired.capabilities] if desired.capabilities else []),
        *("--tags", *(f"Key={key},Value={value}" for key, value in desired.tags.items())),
    ]
    return shlex.join(words)
