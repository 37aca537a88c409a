"""Messages that ask for a tap: buttons, lists, links, places, addresses, forms."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from channels.content.media import Document, Image, Video
from channels.content.parts import (
    Address,
    Body,
    ButtonId,
    Footer,
    Frozen,
    HeaderText,
    Label,
    LongBody,
    bounded,
    counted,
    unlike,
)

# What may stand above the body: a line of text, a picture, a film or a document.
Header = HeaderText | Image | Video | Document

BUTTONS, ROWS, SECTIONS = 3, 10, 10
TITLE, DESCRIPTION = 24, 72


class Button(Frozen):
    """A button that answers with its `id`."""

    id: ButtonId
    title: Label


class _Headed(Frozen):
    """With an optional header and footer."""

    header: Header = ""
    footer: Footer = ""

    @model_validator(mode="after")
    def _without_a_caption(self) -> _Headed:
        if not isinstance(self.header, str) and self.header.caption:
            raise ValueError("header: its caption is not shown: put the words into the body")
        return self


class ReplyButtons(_Headed):
    """At most three buttons. ("Interactive reply buttons messages": body 1,024 characters, title 20, id 256,
    header and footer 60.)"""

    kind: Literal["buttons"] = "buttons"
    body: Body
    buttons: tuple[Button, ...]

    @model_validator(mode="after")
    def _few(self) -> ReplyButtons:
        counted(self.buttons, 1, BUTTONS, "buttons", "send a list, or ask in two steps")
        unlike([button.id for button in self.buttons], "the id of a button")
        unlike([button.title for button in self.buttons], "the title of a button")
        return self


class Row(Frozen):
    """A row of a list, which answers with its `id`."""

    id: Annotated[str, bounded(200, "the id of a row")]
    title: Annotated[str, bounded(TITLE, "the title of a row")]
    description: Annotated[str, bounded(DESCRIPTION, "the description of a row", 0)] = ""


class Section(Frozen):
    """Rows under a title, which may be empty where there is one section."""

    rows: tuple[Row, ...]
    title: Annotated[str, bounded(24, "the title of a section", 0)] = ""


class ChoiceList(Frozen):
    """A list that a button opens, at most ten rows in all. ("Interactive list messages": body 4,096
    characters, button 20, row title 24, description 72, id 200, section title 24, header and footer 60.)"""

    kind: Literal["list"] = "list"
    body: LongBody
    button: Label
    sections: tuple[Section, ...]
    header: HeaderText = ""
    footer: Footer = ""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of all sections."""
        return tuple(row for section in self.sections for row in section.rows)

    @model_validator(mode="after")
    def _few(self) -> ChoiceList:
        counted(self.sections, 1, SECTIONS, "sections", "join some of them")
        counted(self.rows, 1, ROWS, "rows", "narrow the choice, or ask by group first")
        if empty := [section.title for section in self.sections if not section.rows]:
            raise ValueError(f"sections: “{empty[0]}” has no rows: leave it out")
        if len(self.sections) > 1 and not all(section.title.strip() for section in self.sections):
            raise ValueError("sections: with more than one of them each needs a title")
        unlike([row.id for row in self.rows], "the id of a row")
        return self


class LinkButton(_Headed):
    """A button that opens an address. ("Interactive CTA URL button messages": body 1,024 characters, label
    20, header and footer 60.)"""

    kind: Literal["link"] = "link"
    body: Body
    label: Label
    url: Address


class LocationRequest(Frozen):
    """Asks the contact for their place. ("Location request messages": body 1,024 characters.)"""

    kind: Literal["location_request"] = "location_request"
    body: Body


# Fields of the form of an address, by country ("Address messages": the two countries that have it).
ADDRESS_FIELDS: dict[str, frozenset[str]] = {
    "IN": frozenset(
        (
            *("name", "phone_number", "in_pin_code", "house_number", "floor_number", "tower_number"),
            *("building_name", "address", "landmark_area", "city", "state"),
        )
    ),
    "SG": frozenset(("name", "phone_number", "sg_post_code", "address", "unit_number", "city")),
}


class AddressRequest(_Headed):
    """Asks for a postal address by a form that WhatsApp has in India and Singapore alone. ("Address
    messages": the fields of each country; body 1,024 characters.) `values` fills fields in."""

    kind: Literal["address_request"] = "address_request"
    body: Body
    country: str
    values: dict[str, str] = Field(default={})

    @model_validator(mode="after")
    def _where_there_is_one(self) -> AddressRequest:
        if self.country not in ADDRESS_FIELDS:
            raise ValueError(
                f"country: WhatsApp has a form for addresses in {', '.join(ADDRESS_FIELDS)}, not in "
                f"“{self.country}”: ask for it in words, or for the location"
            )
        if strange := sorted(self.values.keys() - ADDRESS_FIELDS[self.country]):
            raise ValueError(f"values: {self.country} has no field {strange[0]}: leave it out")
        return self


class Form(_Headed):
    """A WhatsApp Flow, by its id or its name. ("Sending a Flow": label 20 characters without emoji, body
    1,024; `screen` is where it begins, with `data` filled in; with `exchange` the data endpoint says where it
    begins. `token` comes back with the answers and is told to nobody.)"""

    kind: Literal["form"] = "form"
    body: Body
    label: Label
    flow_id: str = Field(default="", max_length=100)
    flow_name: str = Field(default="", max_length=200)
    token: str = Field(default="", max_length=200, repr=False)
    screen: str = Field(default="", max_length=80, pattern=r"^[A-Za-z_]*$")
    data: dict[str, Any] = Field(default={})
    draft: bool = False
    exchange: bool = Field(default=False, exclude_if=lambda asked: not asked)

    @model_validator(mode="after")
    def _names_one(self) -> Form:
        if bool(self.flow_id) == bool(self.flow_name):
            raise ValueError("flow_id and flow_name: exactly one of them names the Flow")
        if any(unicodedata.category(c) == "So" for c in self.label):
            raise ValueError("label: WhatsApp takes no emoji on the button of a Flow: leave it out")
        if self.data and not self.screen:
            raise ValueError("data: it goes to a screen: name it in `screen`")
        if self.exchange and self.screen:
            raise ValueError("screen: the data endpoint says where the form begins: leave it empty")
        return self
