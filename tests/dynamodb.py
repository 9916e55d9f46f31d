"""Items in the format of the DynamoDB API."""

from __future__ import annotations


def texts(row: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return the item of *row*, in which every attribute is a string."""
    return {name: {"S": value} for name, value in row.items()}
