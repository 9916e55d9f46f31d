"""Limit the size and depth of templates, so that no template can block or crash the emulator.

Size and depth are checked before a template is loaded (yaml_limits.py). Then libyaml loads it:
MiniStack's loader, in Python, takes six times as long. The limits are those of CloudFormation where
they are known. The maximum depth, the largest number and their messages are not verified.
"""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import yaml

from deployer import yaml_limits
from emulator import xml_characters
from emulator.ministack import cloudformation, context

_log = logging.getLogger("emulator.template_limits")

MAX_DEPTH = yaml_limits.MAX_DEPTH
# The limit of the result of a function such as Fn::Sub; the limit of a whole template is the same.
MAX_CHARACTERS = 1_000_000
_MAX_INTEGER = 2**1023  # A larger integer cannot be converted to a floating-point number.
_MAX_COUNTS = {"Resources": 500, "Outputs": 200, "Parameters": 200, "Mappings": 200}  # Quotas.
_SECTIONS = ("Conditions", "Mappings", "Metadata", "Outputs", "Parameters", "Resources", "Rules")
_ALIASES = "Template error: YAML aliases are not allowed in CloudFormation templates"

_expanded: ContextVar[list[int] | None] = ContextVar("expanded", default=None)


class TemplateError(ValueError):
    """The template is refused; MiniStack prefixes the message with “Template format error:”."""


def install() -> None:
    """Apply the limits to every template that MiniStack reads."""
    cloudformation.yaml_loader.replace(_with_libyaml(cloudformation.yaml_loader.current))
    cloudformation.parse_template.around(_parse)
    cloudformation.parse_snippet.around(_parse_snippet)
    cloudformation.resolve_template.around(_resolve_template)
    cloudformation.resolve.around(_resolve)
    cloudformation.apply_extensions.around(_apply_extensions)
    cloudformation.expand_extension.around(_count_expansion)
    cloudformation.xml_response.around(_write_xml)
    for action in cloudformation.ACTIONS:
        cloudformation.action(action).around(_run_action)


def _with_libyaml(loader: type[yaml.SafeLoader]) -> type[yaml.CSafeLoader]:
    class Loader(yaml.CSafeLoader):
        yaml_constructors = loader.yaml_constructors
        yaml_multi_constructors = loader.yaml_multi_constructors
        yaml_implicit_resolvers = loader.yaml_implicit_resolvers

    return Loader


def _parse(parse: Callable[[str], dict[str, Any]], text: str) -> dict[str, Any]:
    """Check a template's text before it is parsed, and its values afterwards."""
    _check_text(text, aliases=False)
    try:
        template = parse(text)
    except RecursionError:
        raise TemplateError(f"nested more than {MAX_DEPTH} levels deep") from None
    for problem in problems(template):
        raise TemplateError(problem)
    return template


def _parse_snippet(parse: Callable[[str], Any], text: str) -> Any:
    """Check a snippet of AWS::Include in the same way; aliases are allowed in it."""
    _check_text(text, aliases=True)
    snippet = parse(text)
    for problem in _value_errors(snippet):
        raise TemplateError(problem)
    return snippet


@functools.lru_cache(maxsize=16)  # Each template is read several times for one change set.
def _check_text(text: str, *, aliases: bool) -> None:
    if character := xml_characters.forbidden(text):
        raise TemplateError(f"{character} is not allowed in a template")
    if not text.lstrip().startswith("{"):  # json.loads limits the depth itself.
        yaml_limits.check(text, aliases=aliases)


def _resolve_template(resolve: Callable[[Any], Any], params: Any) -> Any:
    """Refuse aliases with CloudFormation's message, without the prefix of a TemplateError."""
    text, refused = resolve(params)
    if refused is None and text:
        try:
            _check_text(text, aliases=False)
        except yaml_limits.AliasError:
            return None, cloudformation.refuse("ValidationError", _ALIASES)
        except ValueError:
            pass  # `_parse` reports the error, with the prefix.
    return text, refused


def problems(template: dict[str, Any]) -> Iterator[str]:
    """Yield the errors that CloudFormation reports before it evaluates a template."""
    yield from _value_errors(template)
    for name in _SECTIONS:
        section = template.get(name, {})
        if not isinstance(section, dict):
            yield f"{name} is not a mapping"
            return
        if len(section) > _MAX_COUNTS.get(name, len(section)):
            yield (
                f"Number of {name.lower()}, {len(section)}, is greater than maximum allowed, "
                f"{_MAX_COUNTS[name]}"
            )
    yield from _type_errors(template)


def _type_errors(template: dict[str, Any]) -> Iterator[str]:
    """Yield an error for each member that is not a mapping although MiniStack reads it as one."""
    for section in ("Resources", "Outputs", "Parameters", "Rules"):
        for name, member in (template.get(section) or {}).items():
            if not isinstance(name, str):
                yield f"[/{section}/{name}] is not named by a string"
            elif name.startswith("Fn::"):
                continue
            elif not isinstance(member, dict):
                yield f"[/{section}/{name}] is not a mapping"
            elif section == "Resources":
                yield from _resource_errors(name, member)
            elif section == "Parameters" and not isinstance(member.get("Type", ""), str):
                yield f"[/Parameters/{name}/Type] is not a string"


def _resource_errors(name: str, resource: dict[str, Any]) -> Iterator[str]:
    for key in ("Properties", "Metadata", "CreationPolicy", "UpdatePolicy"):
        if not isinstance(resource.get(key, {}), dict):
            yield f"[/Resources/{name}/{key}] is not a mapping"
    for key in ("Type", "DeletionPolicy", "UpdateReplacePolicy"):
        if not isinstance(resource.get(key, ""), str | dict):
            yield f"[/Resources/{name}/{key}] is not a string"
    depends = resource.get("DependsOn", [])
    names = [depends] if isinstance(depends, str) else depends
    if not isinstance(names, list) or not all(isinstance(item, str) for item in names):
        yield f"[/Resources/{name}/DependsOn] is not a list of names"


def _value_errors(root: Any) -> Iterator[str]:
    """Yield the errors of single values: type, depth and characters."""
    level, depth = [root], 0
    while level:
        if depth > MAX_DEPTH:
            yield f"nested more than {MAX_DEPTH} levels deep"
            return
        next_level: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                next_level.extend((*value.keys(), *value.values()))
            elif isinstance(value, list):
                next_level.extend(value)
            elif problem := _value_error(value):
                yield problem
                return
        level, depth = next_level, depth + 1


def _value_error(value: Any) -> str:
    match value:
        case str():
            character = xml_characters.forbidden(value)
            return f"{character} is not allowed in a template" if character else ""
        case None | bool():
            return ""
        case int():
            return "a number is too large" if abs(value) > _MAX_INTEGER else ""
        case float():
            return "" if math.isfinite(value) else f"{value} is not a number"
        case _:
            return f"a {type(value).__name__} is not allowed in a template"


def _resolve(resolve: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Refuse a function's result that is too long: nested Fn::Sub can double a text repeatedly."""
    value = resolve(*arguments, **options)
    if isinstance(value, str) and len(value) > MAX_CHARACTERS:
        message = f"Template error: a function returns more than {MAX_CHARACTERS:,} characters"
        raise ValueError(message)
    return value


def _apply_extensions(apply: Callable[..., Any], *arguments: Any) -> Any:
    """Count the values that Fn::ForEach produces."""
    token = _expanded.set([0])
    try:
        return apply(*arguments)
    finally:
        _expanded.reset(token)


def _count_expansion(expand: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    count = _expanded.get()
    if count is not None:
        count[0] += 1
        if count[0] > yaml_limits.MAX_NODES:
            raise ValueError(f"Fn::ForEach produces more than {yaml_limits.MAX_NODES:,} values")
    return expand(*arguments, **options)


def _write_xml(write: Callable[[int, str, str], Any], status: int, tag: str, inner: str) -> Any:
    """Write a response as valid XML, also if the stored state contains invalid characters."""
    return write(status, tag, xml_characters.clean(inner))


def _run_action(action: context.Action, params: context.Params) -> context.Response:
    """Refuse characters that XML does not allow, and templates that cannot be evaluated."""
    for name, values in params.items():
        for text in (name, *(values if isinstance(values, list) else [values])):
            if character := xml_characters.forbidden(str(text)):
                message = f"{character} in {xml_characters.clean(name)} is not allowed"
                return cloudformation.refuse("ValidationError", message)
    try:
        return action(params)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
        if not ({"TemplateBody", "TemplateURL"} & set(params)):
            raise
        _log.exception("a template could not be read")
        message = f"Template format error: {type(error).__name__}: {error}"
        return cloudformation.refuse("ValidationError", xml_characters.clean(message))
