"""What Meta takes on POST /{version}/{number}/messages, written from its reference and not from our
sender."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Text(_Strict):
    body: str = Field(min_length=1, max_length=4096)
    preview_url: bool = False


class _Quoted(_Strict):
    message_id: str


class _Language(_Strict):
    code: str = Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")


class _Parameter(_Strict):
    type: Literal["text"]
    text: str = Field(min_length=1, max_length=1024)


class _Component(_Strict):
    type: Literal["body", "header"]
    parameters: list[_Parameter]


class _Template(_Strict):
    name: str = Field(pattern=r"^[a-z0-9_]{1,512}$")
    language: _Language
    components: list[_Component] = []


class _Document(_Strict):
    id: str = ""
    link: str = ""
    filename: str = Field("", max_length=240)
    caption: str = Field("", max_length=1024)


class SendRequest(_Strict):
    """POST /{version}/{number}/messages with a text, a template or a document (Cloud API reference,
    "Messages")."""

    messaging_product: Literal["whatsapp"]
    recipient_type: Literal["individual"] = "individual"
    to: str | None = None
    recipient: str | None = None
    type: Literal["text", "template", "document"]
    text: _Text | None = None
    template: _Template | None = None
    document: _Document | None = None
    context: _Quoted | None = None
    biz_opaque_callback_data: str | None = Field(None, max_length=512)

    @model_validator(mode="after")
    def _whole(self) -> SendRequest:
        if not (self.to or self.recipient):
            raise ValueError("neither to nor recipient")
        given = [kind for kind in ("text", "template", "document") if getattr(self, kind) is not None]
        if given != [self.type]:
            raise ValueError(f"type {self.type} needs {self.type} and nothing else")
        if self.document and bool(self.document.id) == bool(self.document.link):
            raise ValueError("a document has an id or a link")
        return self


class _Typing(_Strict):
    type: Literal["text"]


class ReadRequest(_Strict):
    """The read receipt, with or without the typing indicator."""

    messaging_product: Literal["whatsapp"]
    status: Literal["read"]
    message_id: str
    typing_indicator: _Typing | None = None
