"""Write templates as YAML that is easy to review, and read templates that are deployed.

Intrinsic functions are written in their short form and read into their long form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from deployer import yaml_limits

_MAP, _STR = "tag:yaml.org,2002:map", "tag:yaml.org,2002:str"
_INTRINSIC = re.compile(r"Ref|Fn::(\w+)")
_NUMBERLIKE = re.compile(r"[0-9+\-.]")


class UnwritableError(ValueError):
    """Raised for a value that a template cannot contain."""


class _Dumper(yaml.CSafeDumper):
    """A safe dumper without anchors: equal values are written twice, which is easier to review."""

    def ignore_aliases(self, _data: object) -> bool:
        """Return True: never write an alias."""
        return True


def dump(template: Mapping[str, Any]) -> str:
    """Return *template* as YAML; keys keep their order, values are not wrapped.

    Raise UnwritableError for a value that is not text, a number, a list or a mapping.
    """
    return yaml.dump(template, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def _represent_mapping(dumper: _Dumper, data: dict[str, Any]) -> yaml.Node:
    if len(data) == 1:
        [(name, argument)] = data.items()
        if match := _INTRINSIC.fullmatch(name):
            return _represent_intrinsic(dumper, match[1] or name, name, argument)
    return dumper.represent_mapping(_MAP, data, flow_style=False)


def _represent_intrinsic(dumper: _Dumper, short: str, name: str, argument: Any) -> yaml.Node:
    """Write a short form such as `!Ref X`; the long form if the argument has a tag itself."""
    node = dumper.represent_data(_dotted(argument) if short == "GetAtt" else argument)
    if node.tag.startswith("!") or not isinstance(argument, str | list | dict):
        key = dumper.represent_data(name)
        return yaml.MappingNode(_MAP, [(key, node)], flow_style=False)
    node.tag = f"!{short}"
    return node


def _dotted(argument: Any) -> Any:
    """Return `[Vpc, CidrBlock]` as `Vpc.CidrBlock`, unless a part is not text."""
    if isinstance(argument, list) and all(isinstance(part, str) for part in argument):
        return ".".join(argument)
    return argument


def _represent_str(dumper: _Dumper, text: str) -> yaml.Node:
    """Quote text that starts like a number: YAML 1.1 and 1.2 differ about 012 and 1e3."""
    quoted = not text or _NUMBERLIKE.match(text)
    return dumper.represent_scalar(
        _STR, text, style="|" if "\n" in text else '"' if quoted else None
    )


def _refuse(_dumper: _Dumper, value: object) -> yaml.Node:
    raise UnwritableError(f"{value!r} is {type(value).__name__}, which a template cannot contain")


_Dumper.add_representer(set, _refuse)
_Dumper.add_representer(bytes, _refuse)
_Dumper.add_multi_representer(object, _refuse)
_Dumper.add_representer(dict, _represent_mapping)
_Dumper.add_representer(str, _represent_str)


class _Reader(yaml.CSafeLoader):
    """A safe loader with CloudFormation's tags."""


def load(text: str) -> dict[str, Any]:
    """Return the template in *text*, which is YAML or JSON; empty if it is not a template.

    The text is not trusted: the result is also empty if loading it would exceed `yaml_limits`.
    """
    try:
        yaml_limits.check(text)
        template = yaml.load(text, _Reader)  # noqa: S506  # a safe loader
    except (yaml.YAMLError, yaml_limits.YamlError):
        return {}
    return template if isinstance(template, dict) else {}


def _intrinsic(reader: _Reader, tag: str, node: yaml.Node) -> dict[str, Any]:
    """Return the long form, such as Fn::GetAtt with two parts for `!GetAtt Vpc.CidrBlock`."""
    argument = _argument(reader, node)
    if tag == "GetAtt" and isinstance(argument, str):
        argument = argument.split(".", 1)
    return {tag if tag in {"Ref", "Condition"} else f"Fn::{tag}": argument}


def _argument(reader: _Reader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return reader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return reader.construct_mapping(node, deep=True)
    return str(node.value)  # A short form has text, even if it looks like a number.


_Reader.add_multi_constructor("!", _intrinsic)
