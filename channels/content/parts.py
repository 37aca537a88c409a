"""What the models of content are built of: frozen models, and texts of a bounded length whose error names the
remedy.

Limits are those of the pages of developers.facebook.com/documentation/business-messaging/whatsapp (Cloud API
v22 to v26, as of November 2026); each model names its page. "Characters" are counted in UTF-16 units, which
are never fewer than Meta's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from channels.markup import utf16_length


class Frozen(BaseModel):
    """Immutable, strict about unknown fields, cheap to put on a queue."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_serialization_defaults_required=True,
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )


def fitted(text: str, most: int) -> str:
    """The text in at most so many characters: cut between words where that keeps most of it, and marked with
    an ellipsis."""
    flat = re.sub(r"[ \t\r\n]+", " ", text).strip()
    if utf16_length(flat) <= most:
        return flat
    head = flat
    while utf16_length(head) > most - 1:
        head = head[:-1]
    space = head.rfind(" ")
    return f"{(head[:space] if space > most // 2 else head).rstrip(' ,;:-')}…"


def bounded(most: int, what: str, least: int = 1) -> AfterValidator:
    """A text of so many characters; `what` the error calls it."""

    def check(text: str) -> str:
        length = utf16_length(text.strip())
        if length < least:
            raise ValueError(f"{what} is empty: write at least {least} character of it")
        if utf16_length(text) > most:
            raise ValueError(f"{what} has {utf16_length(text)} characters, WhatsApp takes {most}: shorten it")
        return text

    return AfterValidator(check)


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"“{url[:80]}” is no address of the web: begin it with https:// and a host")
    return url


def _tight(id: str) -> str:
    if id != id.strip():
        raise ValueError("an id has no blanks at its ends: WhatsApp refuses them; strip it")
    return id


Body = Annotated[str, bounded(1024, "the body")]
LongBody = Annotated[str, bounded(4096, "the body")]
OptionalBody = Annotated[str, bounded(1024, "the body", 0)]
Footer = Annotated[str, bounded(60, "the footer", 0)]
HeaderText = Annotated[str, bounded(60, "the header", 0)]
Label = Annotated[str, bounded(20, "the label of a button")]
ButtonId = Annotated[str, bounded(256, "the id of a button"), AfterValidator(_tight)]
Address = Annotated[str, Field(max_length=2_000), AfterValidator(_address)]
# Commerce: "product_retailer_id" and "catalog_id" are at most 100 characters there.
RetailerId = Annotated[str, bounded(100, "the id of a product")]
CatalogueId = Annotated[str, bounded(100, "the id of the catalogue")]


def counted(things: Sequence[object], least: int, most: int, what: str, remedy: str) -> None:
    """Raises ValueError unless there are so many of them."""
    if not least <= len(things) <= most:
        bounds = f"{least} to {most}" if least < most else str(most)
        raise ValueError(f"{len(things)} {what} given, one message takes {bounds}: {remedy}")


def unlike(things: Sequence[str], what: str) -> None:
    """Raises ValueError when two are the same."""
    if twice := sorted({one for one in things if things.count(one) > 1}):
        raise ValueError(f"{what} “{twice[0]}” stands twice: give each its own")
