"""A message template as somebody writes it (Graph API, "Message templates", "Template components")."""

from __future__ import annotations

import re
from typing import Any, Literal, cast

from pydantic import Field, field_validator

from channels.content.parts import Frozen

VARIABLE = re.compile(r"\{\{\s*(\w*)\s*\}\}")


class TemplateHeader(Frozen):
    """What stands above the body: a line of text, or a file."""

    format: Literal["text", "image", "video", "document"] = Field(description="A line of text, or a file")
    text: str = Field(default="", max_length=2_000, description="The line, with at most one variable")
    example: str = Field(default="", max_length=2_000, description="An example of the line's variable")
    url: str = Field(
        default="",
        max_length=2_000,
        description="Address of a file: an example for Meta, and what is sent where no other is named",
    )


class TemplateButton(Frozen):
    """What can be tapped on below the body."""

    type: Literal["quick_reply", "url", "phone", "copy_code"] = Field(description="What a tap does")
    text: str = Field(default="", max_length=2_000, description="Its words; a code that is copied has none")
    url: str = Field(default="", max_length=5_000, description="Where it leads; may end with one variable")
    phone: str = Field(default="", max_length=100, description="The number that it calls")
    example: str = Field(default="", max_length=2_000, description="An example of the variable, or the code")


class TemplateDraft(Frozen):
    """A template in one language. What it must keep is said by `channels.templates.rules`, field by field."""

    name: str = Field(max_length=1_000, description="Small letters, digits and underscores")
    language: str = Field(max_length=100, description="Meta's code of its language, such as `en` or `pt_BR`")
    category: Literal["MARKETING", "UTILITY"] = Field(
        default="UTILITY", description="UTILITY: about something the customer does; MARKETING: all else"
    )
    header: TemplateHeader | None = Field(default=None, description="What stands above the body")
    body: str = Field(max_length=10_000, description="Its text, with variables such as {{1}} or {{name}}")
    examples: tuple[str, ...] = Field(
        default=(), max_length=100, description="An example of each variable of the body, in its order"
    )
    footer: str = Field(default="", max_length=2_000, description="A line below the body")
    buttons: tuple[TemplateButton, ...] = Field(default=(), max_length=100, description="In their order")

    @field_validator("buttons", mode="before")
    @classmethod
    def _without_gaps(cls, given: Any) -> Any:
        """A form leaves out what nobody has filled in."""
        return (
            [one for one in cast(list[Any], given) if one is not None] if isinstance(given, list) else given
        )

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the body, in their order, each once."""
        return tuple(dict.fromkeys(VARIABLE.findall(self.body)))


def with_examples(draft: TemplateDraft) -> str:
    """The body as a contact would read it, its variables filled with their examples."""
    given = dict(zip(draft.variables, draft.examples, strict=False))
    return VARIABLE.sub(lambda m: given.get(m.group(1)) or m.group(0), draft.body)
