"""Render stacks as the exact text that is reviewed and deployed, and compare it with build/.

The same stacks always result in the same bytes.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer import symlinks
from deployer.errors import StaleError, SynthError
from deployer.files import write_atomically
from deployer.model.desired import BODY_LIMIT, DIGEST, DesiredStack, NestedTemplate, holds_data
from deployer.template_yaml import dump

if TYPE_CHECKING:
    from deployer.model import Layers, NestedStack, Stack, Template

ORDER = "layers.txt"
_MODE = 0o644  # Of a template: it is readable by all users.
_STACK = "AWS::CloudFormation::Stack"
_IAM_NAMES = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}
_IAM_UNNAMED = {"AWS::IAM::AccessKey", "AWS::IAM::Policy", "AWS::IAM::UserToGroupAddition"}


def synth(layers: Layers) -> tuple[DesiredStack, ...]:
    """Return every stack of *layers* with its text, dependencies first.

    Raise SynthError if a stack needs the artifact bucket and does not depend on its stack, and for
    a nested stack that was not added with `Template.nest`.
    """
    return tuple(_render(stack, layers) for stack in layers)


def write(desired: Sequence[DesiredStack], folder: Path) -> None:
    """Write exactly these templates and their order to *folder*.

    Raise GuardError if it, its parent, or a file to be written is a symbolic link, and SynthError if
    a file cannot be written, as on a full disk. A file is never left half-written.
    """
    texts = files(desired)
    for name in texts:
        symlinks.refuse(folder / name, folder.parent.parent)
    try:
        _write(texts, folder)
    except OSError as error:
        raise SynthError(
            f"{_relative(folder)}: cannot be written: {error.strerror}",
            hint="fix that, then run ./inv synth",
        ) from error


def _write(texts: Mapping[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in _generated(folder):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != text.encode():
            write_atomically(path, text, mode=_MODE)


def diff(desired: Sequence[DesiredStack], folder: Path) -> str:
    """Return the changes that `write` would make in *folder*, as a unified diff."""
    return "".join(
        line
        for name, (existing, text) in _differing(desired, folder).items()
        for line in difflib.unified_diff(
            existing.splitlines(keepends=True),
            text.splitlines(keepends=True),
            f"a/{_relative(folder)}/{name}",
            f"b/{_relative(folder)}/{name}",
        )
    )


def check(desired: Sequence[DesiredStack], folder: Path) -> None:
    """Raise StaleError unless *folder* contains exactly these templates, which were reviewed."""
    if differing := _differing(desired, folder):
        raise StaleError(
            f"{_relative(folder)}: differs from what the code defines: {', '.join(differing)}",
            hint="run ./inv synth, and have the change to build/ reviewed",
        )


def _render(stack: Stack, layers: Layers) -> DesiredStack:
    text = stack.template.text(stack.body)
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    text = f"{_header(stack)}{text}{_digest_output(digest, after=stack.body)}"
    outputs = {**stack.body.get("Outputs", {}), DIGEST: {"Value": digest}}
    nested_stacks = tuple(_nested(stack.template))
    has_data = any(map(holds_data, (text, *(nested.text for _, nested in nested_stacks))))
    templates = [stack.template, *(nested.template for _, nested in nested_stacks)]
    _check_nested(stack, templates)
    desired = DesiredStack(
        short_name=stack.short_name,
        name=stack.name,
        region=stack.region,
        text=text,
        digest=digest,
        body={**stack.body, "Outputs": outputs},
        dependencies=stack.dependencies,
        parameters=stack.parameters,
        tags=stack.tags,
        capabilities=capabilities(
            _resources(stack.body, *(nested.body for _, nested in nested_stacks))
        ),
        protect=stack.protect and has_data,
        holds_data=has_data,
        is_manual=stack.short_name in (layers.manual or ()),
        artifact_bucket=layers.artifact_bucket,
        artifacts=tuple(dict.fromkeys(artifact for tpl in templates for artifact in tpl.artifacts)),
        key_prefix=stack.template.key_prefix,
        awaited_parameters=stack.template.awaited_parameters,
        nested=tuple(_nested_template(stack, path, nested) for path, nested in nested_stacks),
        lines=stack.template.lines,
    )
    _check_artifact_bucket(desired)
    return desired


def _nested(
    template: Template, parents: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], NestedStack]]:
    """Yield every stack nested in *template*, at any depth, with its path."""
    for nested in template.nested:
        path = (*parents, nested.title)
        yield path, nested
        yield from _nested(nested.template, path)


def _nested_template(stack: Stack, path: tuple[str, ...], nested: NestedStack) -> NestedTemplate:
    return NestedTemplate(
        name="-".join([stack.name, *path]),
        file=".".join([stack.short_name, *path, "yaml"]),
        region=stack.region,
        text=nested.text,
        body=nested.body,
        key=nested.key,
        path=path,
        lines=nested.template.lines,
    )


def _resources(*bodies: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return every resource of these templates."""
    return [resource for body in bodies for resource in body.get("Resources", {}).values()]


def _check_nested(stack: Stack, templates: Iterable[Template]) -> None:
    """Raise SynthError for a nested stack whose template is unknown: its data could not be protected."""
    for template in templates:
        known = {nested.title for nested in template.nested}
        for title, resource in template.resources.items():
            if resource.resource_type == _STACK and title not in known:
                raise SynthError(
                    f"{stack.name}: {title} is a nested stack whose template is unknown",
                    hint="add it with Template.nest, which reads and uploads its template",
                )


def _digest_output(digest: str, *, after: Mapping[str, Any]) -> str:
    """Return the YAML of the output with the digest, which is appended to the text of the template.

    *after* is the template; the key Outputs is omitted if it has outputs.
    """
    output = dump({"Outputs": {DIGEST: {"Value": digest}}})
    return output.removeprefix("Outputs:\n") if "Outputs" in after else output


def _header(stack: Stack) -> str:
    return f"# Generated by `invoke synth` from {stack.template.file}: edit that, not this.\n"


def _check_artifact_bucket(desired: DesiredStack) -> None:
    """Raise SynthError if the stack needs the artifact bucket and does not depend on its stack."""
    if desired.artifact_bucket and desired.artifact_bucket.stack in desired.dependencies:
        return
    if desired.too_long:
        raise SynthError(
            f"{desired.name}: the template has {len(desired.text.encode()):,} bytes, "
            f"CloudFormation accepts {BODY_LIMIT:,} in a call",
            hint="pass an output of the stack with the artifact bucket to `layers.add`",
        )
    if desired.artifacts or desired.nested:
        raise SynthError(
            f"{desired.name}: has functions or nested stacks, but does not depend on the stack of the "
            "artifact bucket",
            hint="pass an output of the stack with the artifact bucket to `layers.add`",
        )


def capabilities(resources: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the capabilities that CreateChangeSet requires for the IAM resources."""
    types = {resource["Type"] for resource in resources}
    if any(
        _IAM_NAMES.get(resource["Type"]) in resource.get("Properties", {}) for resource in resources
    ):
        return ("CAPABILITY_NAMED_IAM",)
    return ("CAPABILITY_IAM",) if types & (_IAM_NAMES.keys() | _IAM_UNNAMED) else ()


def files(desired: Sequence[DesiredStack]) -> dict[str, str]:
    """Return the text of each file that `write` creates, by the name of the file."""
    texts = {stack.file: stack.text for stack in desired}
    texts |= {template.file: template.text for stack in desired for template in stack.nested}
    return texts | {ORDER: order(desired)}


def order(desired: Sequence[DesiredStack]) -> str:
    """Return the table of the stacks in deployment order, for plain `aws cloudformation` calls."""
    rows = [("# template", "stack", "region", "tags", "capabilities", "parameters", "artifacts")]
    rows += [
        (
            stack.file,
            stack.name,
            stack.region,
            ",".join(f"{key}={value}" for key, value in stack.tags.items()) or "-",
            ",".join(stack.capabilities) or "-",
            ",".join(
                f"{name}={source.region}:{source.stack}.{source.output}"
                for name, source in stack.parameters.items()
            )
            or "-",
            ",".join(_artifacts(stack)) or "-",
        )
        for stack in desired
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _artifacts(desired: DesiredStack) -> Iterator[str]:
    """Yield each file that must be uploaded to the artifact bucket, and its key."""
    yield from (f"dist/{artifact.key}={desired.key(artifact)}" for artifact in desired.artifacts)
    yield from (f"{template.file}={template.key}" for template in desired.nested)


def _differing(desired: Sequence[DesiredStack], folder: Path) -> dict[str, tuple[str, str]]:
    """Return the existing and the expected text of each file that differs."""
    texts = files(desired)
    existing = {path.name: path.read_bytes().decode() for path in _generated(folder)}
    return {
        name: (existing.get(name, ""), texts.get(name, ""))
        for name in sorted(texts.keys() | existing.keys())
        if existing.get(name) != texts.get(name)
    }


def _generated(folder: Path) -> Iterable[Path]:
    return sorted([*folder.glob("*.yaml"), *folder.glob(ORDER)])


def _relative(folder: Path) -> str:
    """Return *folder* relative to the repository, such as build/dev."""
    return f"{folder.parent.name}/{folder.name}"
