"""Items in the format of the DynamoDB API."""

from __future__ import annotations


def string_item(attributes: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return an item whose *attributes* are strings."""
    return {name: {"S": value} for name, value in attributes.items()}
