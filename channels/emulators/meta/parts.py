"""Pieces that interactive messages have in common, as Meta's reference has them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

# Page of the reference -> how long each text may be, and how many things there may be.
TEXTS = {
    **{"header": 60, "body": 1024, "list body": 4096, "footer": 60, "button": 20, "row": 24, "described": 72},
    **{"row id": 200, "button id": 256, "section": 24, "card": 160, "flow button": 30},
}


class StrictPart(BaseModel):
    """No field that the page does not name."""

    model_config = ConfigDict(extra="forbid")


def limited_text(name: str, least: int = 1) -> Any:
    """A text as long as its place allows."""
    return Field(min_length=least, max_length=TEXTS[name])


class HeaderFile(StrictPart):
    """A file of a header: put up before, or at an address."""

    id: str = ""
    link: str = Field("", pattern=r"^(https?://[^\s/]+.*)?$")
    filename: str = ""

    @model_validator(mode="after")
    def _somewhere(self) -> HeaderFile:
        if bool(self.id) == bool(self.link):
            raise ValueError("a file has an id or a link")
        return self


class MessageBody(StrictPart):
    text: str = limited_text("body")


class MessageFooter(StrictPart):
    text: str = limited_text("footer")
