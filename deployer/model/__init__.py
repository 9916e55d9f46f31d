"""The classes and functions with which stack files define stacks."""

from __future__ import annotations

from deployer.model.env import AcceptedDataLoss, Env, IgnoredDrift
from deployer.model.layers import Layers
from deployer.model.source import Line
from deployer.model.stack import OutputOf, Stack
from deployer.model.template import NestedStack, Template
from deployer.model.values import ABSENT, Value, Values, pascal_case

__all__ = [
    "ABSENT",
    "AcceptedDataLoss",
    "Env",
    "IgnoredDrift",
    "Layers",
    "Line",
    "NestedStack",
    "OutputOf",
    "Stack",
    "Template",
    "Value",
    "Values",
    "pascal_case",
]
