"""What Meta takes on POST /{version}/{number}/messages, written from its reference and not from our
sender."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from channels.emulators.cloud_interactive import Interactive
from channels.json_parts import as_dict, clean_text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Text(_Strict):
    body: str = Field(min_length=1, max_length=4096)
    preview_url: bool = False


class _Quoted(_Strict):
    message_id: str


class _Language(_Strict):
    code: str = Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")


class _Media(_Strict):
    id: str = ""
    link: str = Field("", pattern=r"^(https?://[^\s/]+.*)?$")

    @model_validator(mode="after")
    def _somewhere(self) -> _Media:
        if bool(self.id) == bool(self.link):
            raise ValueError("a file has an id or a link")
        return self


class _Captioned(_Media):
    caption: str = Field("", max_length=1024)


class _Document(_Captioned):
    filename: str = Field("", max_length=240)


class _Audio(_Media):
    voice: bool = False


class _Parameter(_Strict):
    """ "Template messages": a text without line ends, tabs and rows of blanks, or a file."""

    type: Literal["text", "image", "video", "document"]
    text: str = Field("", max_length=1024, pattern=r"^[^\n\t]*$")
    parameter_name: str = Field("", pattern=r"^[a-z0-9_]*$")
    image: _Media | None = None
    video: _Media | None = None
    document: _Document | None = None

    @model_validator(mode="after")
    def _one(self) -> _Parameter:
        if not getattr(self, self.type) or "     " in self.text:
            raise ValueError(f"a parameter of type {self.type} needs {self.type}")
        return self


class _TextComponent(_Strict):
    type: Literal["body", "header"]
    parameters: list[_Parameter]

    @model_validator(mode="after")
    def _where(self) -> _TextComponent:
        files = [one for one in self.parameters if one.type != "text"]
        if (self.type == "body" and files) or (self.type == "header" and len(self.parameters) != 1):
            raise ValueError("a header has one parameter, and files stand in it alone")
        return self


class _ButtonValue(_Strict):
    type: Literal["text", "coupon_code", "payload"]
    text: str = Field("", max_length=2000)
    coupon_code: str = Field("", max_length=15)
    payload: str = Field("", max_length=256)


class _ButtonComponent(_Strict):
    type: Literal["button"]
    sub_type: Literal["url", "copy_code", "quick_reply"]
    index: str = Field(pattern=r"^[0-9]$")
    parameters: list[_ButtonValue] = Field(min_length=1, max_length=1)

    @model_validator(mode="after")
    def _fits(self) -> _ButtonComponent:
        wanted = {"url": "text", "copy_code": "coupon_code", "quick_reply": "payload"}[self.sub_type]
        if self.parameters[0].type != wanted or not getattr(self.parameters[0], wanted):
            raise ValueError(f"a button of sub_type {self.sub_type} needs a parameter of type {wanted}")
        return self


class _Template(_Strict):
    name: str = Field(pattern=r"^[a-z0-9_]{1,512}$")
    language: _Language
    components: list[Annotated[_TextComponent | _ButtonComponent, Field(discriminator="type")]] = []


class _Location(_Strict):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: str = ""
    address: str = ""

    @model_validator(mode="after")
    def _named(self) -> _Location:
        if self.address and not self.name:
            raise ValueError("an address is shown only with a name")
        return self


class _Phone(_Strict):
    phone: str = Field(min_length=1)
    type: str = ""
    wa_id: str = Field("", pattern=r"^[0-9]*$")


class _Email(_Strict):
    email: str = Field(min_length=3)
    type: str = ""


class _Name(_Strict):
    formatted_name: str = Field(min_length=1)
    first_name: str = ""
    last_name: str = ""
    middle_name: str = ""
    prefix: str = ""
    suffix: str = ""

    @model_validator(mode="after")
    def _in_parts(self) -> _Name:
        if not any((self.first_name, self.last_name, self.middle_name, self.prefix, self.suffix)):
            raise ValueError("at least one part of the name besides formatted_name is required")
        return self


class _Company(_Strict):
    company: str = ""
    department: str = ""
    title: str = ""


class _Card(_Strict):
    name: _Name
    phones: list[_Phone] = []
    emails: list[_Email] = []
    org: _Company | None = None


class _Reaction(_Strict):
    message_id: str = Field(min_length=1)
    emoji: str


KINDS = (
    *("text", "template", "image", "video", "document", "audio", "location", "contacts", "reaction"),
    "interactive",
)


class SendRequest(_Strict):
    """POST /{version}/{number}/messages (Cloud API reference, "Message API")."""

    messaging_product: Literal["whatsapp"]
    recipient_type: Literal["individual"] = "individual"
    to: str | None = None
    recipient: str | None = None
    type: Literal[
        "text",
        "template",
        "image",
        "video",
        "document",
        "audio",
        "location",
        "contacts",
        "reaction",
        "interactive",
    ]
    text: _Text | None = None
    template: _Template | None = None
    image: _Captioned | None = None
    video: _Captioned | None = None
    document: _Document | None = None
    audio: _Audio | None = None
    location: _Location | None = None
    contacts: list[_Card] | None = Field(None, min_length=1, max_length=257)
    reaction: _Reaction | None = None
    interactive: Interactive | None = None
    context: _Quoted | None = None
    biz_opaque_callback_data: str | None = Field(None, max_length=512)

    @model_validator(mode="after")
    def _whole(self) -> SendRequest:
        if not (self.to or self.recipient):
            raise ValueError("neither to nor recipient")
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if given != [self.type]:
            raise ValueError(f"type {self.type} needs {self.type} and nothing else")
        return self


def media_in(part: object) -> list[str]:
    """The ids of the files that a request names."""
    if isinstance(part, list):
        return [id for one in cast(list[object], part) for id in media_in(one)]
    if not isinstance(part, dict):
        return []
    parts = as_dict(cast(object, part))
    files = [as_dict(parts.get(kind)) for kind in ("image", "video", "document", "audio")]
    named = [clean_text(file["id"]) for file in files if file.get("id")]
    return named + [id for value in parts.values() for id in media_in(value)]


class _Typing(_Strict):
    type: Literal["text"]


class ReadRequest(_Strict):
    """The read receipt, with or without the typing indicator."""

    messaging_product: Literal["whatsapp"]
    status: Literal["read"]
    message_id: str
    typing_indicator: _Typing | None = None
