"""Rows as DynamoDB spells them."""

from __future__ import annotations


def texts(row: dict[str, str]) -> dict[str, dict[str, str]]:
    """*row*, all of it text."""
    return {name: {"S": value} for name, value in row.items()}
