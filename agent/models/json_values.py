"""Telling apart what a model or its server wrote as JSON."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_json_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value is an object, whose fields may hold anything."""
    return isinstance(value, dict)


def is_json_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a value is a list of anything."""
    return isinstance(value, list)
