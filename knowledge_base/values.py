"""Telling apart the values of JSON, YAML and JSON-LD, which hold anything."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_record(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value is an object with fields."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a value is a list."""
    return isinstance(value, list)
