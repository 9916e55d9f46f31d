"""What passes between stacks: nothing missing, nothing too much, nothing secret."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.policy.model import Stack, Templates, Violation
from deployer.policy.values import get, mapping, strings, true


def exports_used(templates: Templates) -> Iterator[Violation]:
    """By an import, a parameter of another region's stack, or the deployer itself."""
    used = {
        *((stack.subject.region, name) for stack, name in _imports(templates)),
        *_handed_over(templates),
    }
    for (region, name), (stack, title) in templates.exports.items():
        if not used & {(region, name), (stack.name, title)}:
            yield stack.found(("Outputs", title), f"nobody imports {name}")


def imports_met(templates: Templates) -> Iterator[Violation]:
    """By a stack that is deployed before."""
    for stack, name in _imports(templates):
        known = templates.exports.get((stack.subject.region, name))
        if known is None:
            yield stack.found((), f"imports {name}, which no stack of its region exports")
        elif not _stands_on(stack, known[0].name):
            yield stack.found((), f"imports {name} of a stack that it does not stand on")
    for stack in templates.stacks:
        for parameter, source in stack.subject.parameters.items():
            given = _gives(templates, source.stack, source.output)
            if not (given and _stands_on(stack, source.stack)):
                where = ("Parameters", parameter)
                yield stack.found(where, f"nothing below gives {source.stack}.{source.output}")


def no_secret_outputs(templates: Templates) -> Iterator[Violation]:
    """Whoever may describe stacks reads outputs."""
    for stack in templates.stacks:
        for title, output in stack.outputs.items():
            if any("{{resolve:" in one for one in strings(output)):
                yield stack.found(("Outputs", title), "resolves a reference for everyone to read")


def no_secret_defaults(templates: Templates) -> Iterator[Violation]:
    """A default stands in the template, so it is no secret."""
    for stack in templates.stacks:
        for name, parameter in mapping(stack.template.get("Parameters")).items():
            if true(get(parameter, "NoEcho")) and get(parameter, "Default") is not None:
                yield stack.found(("Parameters", name), "is a secret with a default")


def _imports(templates: Templates) -> Iterator[tuple[Stack, str]]:
    for stack in templates.stacks:
        for name in stack.imports:
            yield stack, name


def _handed_over(templates: Templates) -> Iterator[tuple[str, str]]:
    """The stack and output of what the deployer carries."""
    for stack in templates.stacks:
        for source in [*stack.subject.parameters.values(), stack.subject.artifact_bucket]:
            if source:
                yield source.stack, source.output


def _stands_on(stack: Stack, below: str) -> bool:
    """What a stack needs is deployed before it: `deployer.schedule` sees to that."""
    return below in stack.subject.dependencies


def _gives(templates: Templates, name: str, output: str) -> bool:
    return any(stack.name == name and output in stack.outputs for stack in templates.stacks)
