"""Rewrite templates in other notations that are equivalent for CloudFormation and IAM."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any

from tests.deployer.policy.clean_templates import PARAMETER_PREFIX, Templates

# The keys for which IAM accepts a single value for a list of one.
_ONE_OR_MANY = {"Action", "Resource", "Statement", "AWS", "Service", "Federated"}


def rewritten(piece: Templates, random: Random) -> Templates:
    """Return *piece* with values in other notations, chosen at *random*."""
    return {stack: _template(template, random) for stack, template in piece.items()}


def _template(template: Any, random: Random) -> Any:
    rewriter = _Rewriter(random)
    changed = copy.deepcopy(dict(template))
    for body in changed.get("Resources", {}).values():
        if "Properties" in body:
            properties = body["Properties"]
            body["Properties"] = {key: rewriter.value(item) for key, item in properties.items()}
    for output in changed.get("Outputs", {}).values():
        output["Value"] = rewriter.value(output["Value"])
    if rewriter.parameters:
        changed["Parameters"] = {**changed.get("Parameters", {}), **rewriter.parameters}
        changed["Conditions"] = {
            "LiteralYes": {"Fn::Equals": ["a", {"Fn::Join": ["", ["a"]]}]},
            "LiteralNo": {"Fn::Not": [{"Condition": "LiteralYes"}]},
            "LiteralOpen": {"Fn::Equals": [{"Ref": "AWS::AccountId"}, "1"]},
        }
    return changed


class _Rewriter:
    """Rewrites the values of one template; adds *parameters* and three conditions to it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.parameters: dict[str, Any] = {
            f"{PARAMETER_PREFIX}0": {"Type": "String", "Default": ""}
        }

    def value(self, value: Any) -> Any:
        value = self._inside(value)
        if isinstance(value, list | dict) and not self._is_function(value):
            return self._branches(value) if self.random.random() < 0.1 else value
        return self.random.choice([self._same, self._other, self._branches])(value)

    def _inside(self, value: Any) -> Any:
        match value:
            case dict() if self._is_function(value):
                return value
            case dict():
                return {key: self.value(self._listed(key, item)) for key, item in value.items()}
            case list():
                return self._padded([self.value(item) for item in value])
            case _:
                return value

    def _is_function(self, value: Any) -> bool:
        return isinstance(value, dict) and any(key == "Ref" or key[:4] == "Fn::" for key in value)

    def _same(self, value: Any) -> Any:
        return value

    def _other(self, value: Any) -> Any:
        match value:
            case bool():
                return str(value).lower()
            case int():
                return str(value)
            case str():
                return self.random.choice(self._texts())(value)
            case {"Ref": str(name)} if name != "AWS::NoValue":
                return {"Fn::Sub": f"${{{name}}}"}
            case {"Fn::GetAtt": [str(title), str(name)]}:
                dotted = f"{title}.{name}"
                return self.random.choice([{"Fn::GetAtt": dotted}, {"Fn::Sub": f"${{{dotted}}}"}])
            case {"Fn::Sub": str(template)}:
                return self.random.choice(
                    [
                        {"Fn::Sub": [template, {}]},
                        {"Fn::Join": ["", [{"Fn::Sub": template}, ""]]},
                        {"Fn::Sub": ["${Text}", {"Text": {"Fn::Sub": template}}]},
                    ]
                )
            case {"Fn::ImportValue": name}:
                return {"Fn::ImportValue": self._joined(name)}
            case _:
                return value

    def _texts(self) -> list[Callable[[str], Any]]:
        return [
            self._joined,
            self._default,
            self._sub,
            self._selected,
            self._split,
            self._listed_default,
        ]

    def _joined(self, text: str) -> Any:
        at = self.random.randint(0, len(text))
        return {"Fn::Join": ["", [text[:at], text[at:], {"Ref": "AWS::NoValue"}]]}

    def _default(self, text: str) -> Any:
        name = f"{PARAMETER_PREFIX}{len(self.parameters)}"
        self.parameters[name] = {"Type": "String", "Default": text}
        return {"Ref": name}

    def _sub(self, text: str) -> Any:
        return {"Fn::Sub": text.replace("${", "${!")}

    def _split(self, text: str) -> Any:
        return {"Fn::Join": ["|", {"Fn::Split": ["|", text]}]}

    def _listed_default(self, text: str) -> Any:
        if "," in text or text != text.strip():
            return text
        name = f"{PARAMETER_PREFIX}{len(self.parameters)}"
        self.parameters[name] = {"Type": "CommaDelimitedList", "Default": f"other, {text}"}
        return {"Fn::Select": ["1", {"Ref": name}]}

    def _selected(self, text: str) -> Any:
        return {"Fn::Select": ["1", ["other", text]]}

    def _branches(self, value: Any) -> Any:
        return self.random.choice(
            [
                {"Fn::If": ["LiteralYes", value, "*"]},
                {"Fn::If": ["LiteralNo", {"Ref": "AWS::NoValue"}, value]},
                {"Fn::If": ["LiteralOpen", value, copy.deepcopy(value)]},
            ]
        )

    def _padded(self, values: list[Any]) -> list[Any]:
        """Return *values*, sometimes with an element that AWS::NoValue removes."""
        if self.random.random() < 0.2:
            return [*values, {"Ref": "AWS::NoValue"}]
        return values

    def _listed(self, key: str, value: Any) -> Any:
        """Return a single value instead of a list of one, or the reverse; actions in upper case."""
        if key == "Action" and isinstance(value, str) and self.random.random() < 0.5:
            return value.upper()
        if key not in _ONE_OR_MANY or self.random.random() < 0.5:
            return value
        if isinstance(value, list):
            return value[0] if len(value) == 1 else value
        return [value]
