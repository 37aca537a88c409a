"""Prompts are Markdown files beside this one, one a node."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

HERE = Path(__file__).parent


def read(name: str) -> str:
    """The text of `NAME.md`."""
    return (HERE / f"{name}.md").read_text(encoding="utf-8").strip()


def placeholders(text: str) -> set[str]:
    """Names in `{braces}`; raises ValueError when braces do not pair up."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
