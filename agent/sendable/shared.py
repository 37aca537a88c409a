"""Files and forms that the agent may send, as the owner puts them up."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SharedFile(BaseModel):
    """A file that the agent may send: a price list, a film, a picture of the shop."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=100, description="What it is called, such as price.pdf.")
    url: str = Field(
        pattern=r"^https?://[^\s/]+.*$", max_length=2_000, description="Where WhatsApp fetches it."
    )
    about: str = Field("", max_length=200, description="When the agent sends it.")


class SharedForm(BaseModel):
    """A WhatsApp Flow that the agent may send."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="What the agent calls it.")
    flow_id: str = Field(pattern=r"^[0-9A-Za-z_-]{1,100}$", description="Its id at Meta.")
    label: str = Field(min_length=1, max_length=20, description="The words of its button.")
    screen: str = Field("", pattern=r"^[A-Za-z_]{0,80}$", description="The screen that it begins with.")
    about: str = Field("", max_length=200, description="When the agent sends it.")
    fields: dict[str, str] = Field(
        default={},
        max_length=50,
        description="Where its answers go: the name of an answer -> a profile field or custom field; empty: "
        "it stays in the transcript. An answer that is not named here goes to the field of its own name.",
    )
    required: list[str] = Field(
        default=[], max_length=50, description="Answers without which the customer is asked again."
    )
    books: bool = Field(
        False,
        description="Whether it books a call: its screens come from the data endpoint, POST /flows/BOT.",
    )

    @model_validator(mode="after")
    def _begins_somewhere(self) -> Self:
        if self.books and self.screen:
            raise ValueError("screen: the data endpoint says where a form that books begins; leave it out")
        return self
