"""Texts, templates, files of every sort, places, people and reactions."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from channels.content.parts import Address, Frozen, bounded

MEGABYTE = 1024 * 1024
# How the media types begin that the Cloud API takes up at all ("Media", "Supported media types"): no
# archives, no programs.
CLOUD_UPLOADS = (
    *("image/jpeg", "image/png", "image/webp", "video/mp4", "video/3gpp"),
    *("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"),
    *("text/plain", "application/pdf", "application/msword", "application/vnd.ms-"),
    "application/vnd.openxmlformats-officedocument.",
)


class Text(Frozen):
    """One bubble; `quoted_id` is the message it replies to. ("Text messages": 4,096 characters.)"""

    kind: Literal["text"] = "text"
    body: str
    quoted_id: str = ""


class File(Frozen):
    """A file with a caption: its bytes, or the address it can be fetched from. ("Media", section "Supported
    media types": size and types of each sort; a caption has 1,024 characters.)"""

    takes: ClassVar[tuple[str, ...]] = ()
    largest: ClassVar[int] = 100 * MEGABYTE

    name: str = ""
    mime_type: str
    data: bytes = Field(default=b"", repr=False)
    url: Address | Literal[""] = ""
    caption: Annotated[str, bounded(1024, "the caption", 0)] = ""

    @model_validator(mode="after")
    def _can_be_sent(self) -> File:
        sort = type(self).__name__.lower()
        mime = self.mime_type.partition(";")[0].strip()
        if self.takes and mime not in self.takes:
            raise ValueError(
                f"mime_type: {mime or 'nothing'} is no {sort} for WhatsApp, which takes "
                f"{', '.join(self.takes)}: convert it, or send it as a document"
            )
        if bool(self.data) == bool(self.url):
            raise ValueError(f"data and url: {sort} has exactly one of them; give the bytes or an address")
        if len(self.data) > self.largest:
            size, most = len(self.data) / MEGABYTE, self.largest // MEGABYTE
            raise ValueError(f"data: {size:.1f} MB, WhatsApp takes {most} MB of {sort}: make it smaller")
        return self


class Image(File):
    """A picture: JPEG or PNG, 5 MB. ("Image messages".)"""

    takes = ("image/jpeg", "image/png")
    largest = 5 * MEGABYTE
    kind: Literal["image"] = "image"


class Video(File):
    """A film: MP4 or 3GP with H.264 and AAC, 16 MB. ("Video messages".)"""

    takes = ("video/mp4", "video/3gpp")
    largest = 16 * MEGABYTE
    kind: Literal["video"] = "video"


class Document(File):
    """Any file, 100 MB. ("Document messages".)"""

    kind: Literal["document"] = "document"
    name: Annotated[str, bounded(240, "the name of the file")] = "file"


def _is_nothing(value: object) -> bool:
    """What is not there is not stored either, so that an older version reads what this one has kept."""
    return not value


class TemplateTap(Frozen):
    """What a button of a template is given: the end of its address, or the code to copy. `index` counts all
    its buttons from 0."""

    index: int = Field(ge=0, le=9)
    kind: Literal["url", "copy_code", "quick_reply"]
    value: Annotated[str, bounded(2_000, "the value of a button")]


class Template(Frozen):
    """An approved template, `name:language`, such as `we_answered:en`, its body's variables filled in order.
    ("Template messages".) `names` are those of the variables, where they have names and not numbers; `header`
    is the value of the variable above the body, or the file that stands there."""

    kind: Literal["template"] = "template"
    name: str
    variables: tuple[str, ...] = ()
    names: tuple[str, ...] = Field(default=(), exclude_if=_is_nothing)
    header: str | Image | Video | Document = Field(default="", exclude_if=_is_nothing)
    header_name: str = Field(default="", exclude_if=_is_nothing)
    taps: tuple[TemplateTap, ...] = Field(default=(), exclude_if=_is_nothing)


class Audio(File):
    """A recording, 16 MB; `voice`: it is shown as a voice message, which must be OGG with Opus. It has no
    caption. ("Audio messages".)"""

    takes = ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg")
    largest = 16 * MEGABYTE
    kind: Literal["audio"] = "audio"
    voice: bool = False

    @model_validator(mode="after")
    def _is_heard(self) -> Audio:
        if self.caption:
            raise ValueError("caption: WhatsApp shows none with audio: send it as a text of its own")
        if self.voice and not self.mime_type.startswith("audio/ogg"):
            raise ValueError(f"mime_type: a voice message is audio/ogg, not {self.mime_type}: convert it")
        return self


class Location(Frozen):
    """A pin on the map. ("Location messages".)"""

    kind: Literal["location"] = "location"
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: Annotated[str, bounded(1_000, "the name of the place", 0)] = ""
    address: Annotated[str, bounded(1_000, "the address", 0)] = ""

    @property
    def map(self) -> str:
        """Where a browser shows it."""
        return f"https://maps.google.com/?q={self.latitude:.6f},{self.longitude:.6f}"


class Person(Frozen):
    """Whose card it is; at least a name and one way to reach them."""

    name: Annotated[str, bounded(256, "the name")]
    phone: str = Field(default="", pattern=r"^(\+?[0-9 ()-]{3,25})?$")
    email: str = Field(default="", max_length=254)
    company: str = Field(default="", max_length=256)

    @model_validator(mode="after")
    def _can_be_reached(self) -> Person:
        if not (self.phone or self.email):
            raise ValueError("phone: a card without a phone and an e-mail helps nobody: give one of them")
        return self

    @property
    def digits(self) -> str:
        """The digits of the phone, as WhatsApp names people."""
        return "".join(c for c in self.phone if c.isdigit())


def _people(people: tuple[Person, ...]) -> tuple[Person, ...]:
    if not 1 <= len(people) <= 257:
        raise ValueError(f"people: {len(people)} cards, one message takes 1 to 257: send them in parts")
    return people


class ContactCards(Frozen):
    """Cards of people, at most 257. ("Contacts messages".)"""

    kind: Literal["contacts"] = "contacts"
    people: Annotated[tuple[Person, ...], AfterValidator(_people)]


class Reaction(Frozen):
    """An emoji under a message of the contact; an empty one takes it back. ("Reaction messages".)"""

    kind: Literal["reaction"] = "reaction"
    message_id: Annotated[str, bounded(300, "the id of the message")]
    emoji: str = Field(default="", max_length=16)
