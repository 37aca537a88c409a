"""Prompts are Markdown files beside this one. Front matter says what each is for, on which node, and what it
may hold."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

import yaml

HERE = Path(__file__).parent
FENCE = "---"
# A pair of braces that stay, or a placeholder.
_HOLE = re.compile(r"\{\{|\}\}|\{(\w+)\}")


class BadPrompt(ValueError):
    """A prompt's file cannot be used; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One file: `about` for people, the `node` that uses it, the `placeholders` it may hold, the `text` a
    model reads."""

    name: str
    about: str
    node: str
    placeholders: tuple[str, ...]
    text: str


@cache
def prompt(name: str) -> Prompt:
    """The prompt of `NAME.md`. Raises BadPrompt."""
    return parse_prompt(name, (HERE / f"{name}.md").read_text(encoding="utf-8"))


def names() -> list[str]:
    """The names of all prompts."""
    return sorted(path.stem for path in HERE.glob("*.md"))


def parse_prompt(name: str, file: str) -> Prompt:
    """A prompt from the text of its file. Raises BadPrompt when its front matter does not say what it
    must."""
    head, text = split_front_matter(file)
    try:
        said = yaml.safe_load(head)
        about, node, holes = (said[key] for key in ("about", "node", "placeholders"))
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise BadPrompt(
            f"{name}.md: its front matter must give about, node and placeholders ({error!r})"
        ) from None
    return Prompt(name, str(about), str(node), tuple(map(str, holes or ())), text)


def split_front_matter(file: str) -> tuple[str, str]:
    """(front matter, text) of a file; the first is empty where it has none."""
    if not file.startswith(f"{FENCE}\n"):
        return "", file.strip()
    head, _, text = file.removeprefix(f"{FENCE}\n").partition(f"\n{FENCE}\n")
    return head, text.strip()


def with_text(file: str, text: str) -> str:
    """A file with its text replaced, front matter as it was."""
    head, _ = split_front_matter(file)
    return f"{FENCE}\n{head}\n{FENCE}\n{text.strip()}\n" if head else f"{text.strip()}\n"


def prompt_text(name: str) -> str:
    """What a model reads of `NAME.md`."""
    return prompt(name).text


def placeholders(text: str) -> set[str]:
    """Names in `{braces}`; raises ValueError when braces do not pair up, or say how a value is to be written:
    a width in them would make a prompt of any length."""
    found: set[str] = set()
    for _, name, width, conversion in Formatter().parse(text):
        if width or conversion:
            raise ValueError(f"{{{name}}} holds more than a name")
        if name is not None:
            found.add(name)
    return found


def filled(text: str, **values: object) -> str:
    """A prompt with its placeholders replaced; a brace that stays is written twice. Nothing in a value is a
    placeholder."""
    return _HOLE.sub(lambda m: str(values[m[1]]) if m[1] else m[0][0], text)


@cache
def version(text: str) -> str:
    """The name of a text by its content: eight hexadecimal digits of its BLAKE2b hash."""
    return hashlib.blake2b(text.strip().encode(), digest_size=4).hexdigest()
