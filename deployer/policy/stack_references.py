"""Rules for exports, imports, parameters and outputs of stacks."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.model import intrinsics
from deployer.policy.model import Stack, Templates, Violation
from deployer.policy.values import all_strings, as_mapping, get, is_true


def exports_used(templates: Templates) -> Iterator[Violation]:
    """Every export is used by an import, by a parameter in another region, or by the deployer."""
    used = {
        *((stack.subject.region, name) for stack, name in _imports(templates)),
        *_passed_by_deployer(templates),
    }
    for (region, name), (stack, title) in templates.exports.items():
        if not used & {(region, name), (stack.name, title)}:
            yield stack.violation(("Outputs", title), f"no stack imports {name}")


def references_available(templates: Templates) -> Iterator[Violation]:
    """Every import and parameter has its value from a stack that is deployed earlier."""
    for stack, name in _imports(templates):
        export = templates.exports.get((stack.subject.region, name))
        if export is None:
            yield stack.violation((), f"imports {name}, which no stack of its region exports")
        elif not _depends_on(stack, export[0].name):
            yield stack.violation((), f"imports {name} of a stack that it does not depend on")
    for stack in templates.stacks:
        for parameter, source in stack.subject.parameters.items():
            exists = _has_output(templates, source.stack, source.output)
            if not (exists and _depends_on(stack, source.stack)):
                where = ("Parameters", parameter)
                yield stack.violation(
                    where, f"no dependency has the output {source.stack}.{source.output}"
                )


def no_secret_outputs(templates: Templates) -> Iterator[Violation]:
    """No output resolves a secret or parameter: every user who may describe stacks could read it.

    CloudFormation does not mask the value of a NoEcho parameter in an output.
    """
    for stack in templates.stacks:
        hidden = {
            name
            for name, parameter in as_mapping(stack.template.get("Parameters")).items()
            if is_true(get(parameter, "NoEcho"))
        }
        for title, output in stack.outputs.items():
            for name in sorted(hidden & {*intrinsics.logical_ids(output)}):
                yield stack.violation(
                    ("Outputs", title), f"has the secret parameter {name}, which it does not mask"
                )
            if any("{{resolve:" in string for string in all_strings(output)):
                yield stack.violation(
                    ("Outputs", title),
                    "resolves a dynamic reference, so that its value can be read",
                )


def no_secret_defaults(templates: Templates) -> Iterator[Violation]:
    """No NoEcho parameter has a default, because everyone can read it in the template."""
    for stack in templates.stacks:
        for name, parameter in as_mapping(stack.template.get("Parameters")).items():
            if is_true(get(parameter, "NoEcho")) and get(parameter, "Default") is not None:
                yield stack.violation(("Parameters", name), "is a secret with a default")


def _imports(templates: Templates) -> Iterator[tuple[Stack, str]]:
    for stack in templates.stacks:
        for name in stack.imports:
            yield stack, name


def _passed_by_deployer(templates: Templates) -> Iterator[tuple[str, str]]:
    """Yield the stack and output of every value that the deployer passes."""
    for stack in templates.stacks:
        for source in [*stack.subject.parameters.values(), stack.subject.artifact_bucket]:
            if source:
                yield source.stack, source.output


def _depends_on(stack: Stack, other: str) -> bool:
    """Return whether *other* is deployed before *stack*; see `deployer.schedule`."""
    return other in stack.subject.dependencies


def _has_output(templates: Templates, name: str, output: str) -> bool:
    return any(stack.name == name and output in stack.outputs for stack in templates.stacks)
