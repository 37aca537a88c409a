"""Message templates at Meta's side: what it takes when one is made or changed, what it answers, and what it
then says in webhooks. Written from its reference ("Message templates", "Template components", error codes)
and not from our rules."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from channels.json_parts import as_dict, as_dicts, clean_text

PARAMETER = re.compile(r"\{\{(\w+)\}\}")
Line = Annotated[str, Field(min_length=1, max_length=60)]
Words = Annotated[str, Field(min_length=1, max_length=25)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Named(_Strict):
    param_name: str = Field(pattern=r"^[a-z0-9_]+$")
    example: str = Field(min_length=1)


class _HeaderExample(_Strict):
    header_text: list[str] | None = None
    header_text_named_params: list[_Named] | None = None
    header_handle: list[str] | None = None


class _Header(_Strict):
    type: Literal["HEADER"]
    format: Literal["TEXT", "IMAGE", "VIDEO", "DOCUMENT"]
    text: Line | None = None
    example: _HeaderExample | None = None

    @model_validator(mode="after")
    def _whole(self) -> _Header:
        given = self.example or _HeaderExample()
        if self.format != "TEXT":
            if self.text or not given.header_handle or not all(given.header_handle):
                raise ValueError(f"a header of {self.format} needs a header_handle and no text")
            return self
        parameters = PARAMETER.findall(self.text or "")
        examples = [*(given.header_text or ()), *(given.header_text_named_params or ())]
        if not self.text or len(parameters) > 1 or len(parameters) != len(examples):
            raise ValueError("a header of TEXT has at most one parameter, with one example")
        return self


class _BodyExample(_Strict):
    body_text: list[list[str]] | None = Field(None, min_length=1, max_length=1)
    body_text_named_params: list[_Named] | None = None


class _Body(_Strict):
    type: Literal["BODY"]
    text: str = Field(min_length=1, max_length=1024)
    example: _BodyExample | None = None

    @model_validator(mode="after")
    def _explained(self) -> _Body:
        if not self.text.strip() or re.search(r"\{\{|\}\}", PARAMETER.sub("", self.text)):
            raise ValueError("the body is empty, or has braces that are no parameter")
        parameters = list(dict.fromkeys(PARAMETER.findall(self.text)))
        given = self.example or _BodyExample(body_text=None)
        named = [one.param_name for one in given.body_text_named_params or ()]
        positional = (given.body_text or [[]])[0]
        if len(parameters) != len(named) + len(positional) or (named and named != parameters):
            raise ValueError("each parameter of the body needs an example")
        if positional and parameters != [str(n) for n in range(1, len(parameters) + 1)]:
            raise ValueError("positional parameters are numbered from 1")
        if re.match(r"\s*\{\{", self.text) or re.search(r"\}\}[\s.,!?;:]*$", self.text):
            raise ValueError("leading or trailing parameters are not allowed")
        if re.search(r"\}\}\s*\{\{", self.text):
            raise ValueError("parameters next to each other are not allowed")
        return self


class _Footer(_Strict):
    type: Literal["FOOTER"]
    text: Line

    @model_validator(mode="after")
    def _plain(self) -> _Footer:
        if "{{" in self.text:
            raise ValueError("a footer has no parameters")
        return self


class _QuickReply(_Strict):
    type: Literal["QUICK_REPLY"]
    text: Words


class _Url(_Strict):
    type: Literal["URL"]
    text: Words
    url: str = Field(pattern=r"^https?://[^\s/]+\S*$", max_length=2000)
    example: list[str] | None = Field(None, min_length=1, max_length=1)

    @model_validator(mode="after")
    def _ends(self) -> _Url:
        if ("{{" in self.url) != bool(self.example) or ("{{" in self.url and not self.url.endswith("{{1}}")):
            raise ValueError("a URL may end with {{1}}, and then needs an example")
        return self


class _Phone(_Strict):
    type: Literal["PHONE_NUMBER"]
    text: Words
    phone_number: str = Field(pattern=r"^\+?[0-9]{5,19}$")


class _Code(_Strict):
    type: Literal["COPY_CODE"]
    example: str = Field(min_length=1, max_length=15)


_Button = Annotated[_QuickReply | _Url | _Phone | _Code, Field(discriminator="type")]
_ONCE = {"URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1}


class _Buttons(_Strict):
    type: Literal["BUTTONS"]
    buttons: list[_Button] = Field(min_length=1, max_length=10)

    @model_validator(mode="after")
    def _grouped(self) -> _Buttons:
        kinds = [button.type for button in self.buttons]
        if any(kinds.count(kind) > most for kind, most in _ONCE.items()):
            raise ValueError("too many buttons of one type")
        quick = "".join("q" if kind == "QUICK_REPLY" else "o" for kind in kinds)
        if not re.fullmatch(r"q*o*|o*q*", quick):
            raise ValueError("invalid combination of buttons")
        return self


_Part = Annotated[_Header | _Body | _Footer | _Buttons, Field(discriminator="type")]


class _Whole(_Strict):
    components: list[_Part] = Field(min_length=1)

    @model_validator(mode="after")
    def _once_each(self) -> _Whole:
        kinds = [part.type for part in self.components]
        if "BODY" not in kinds or len(set(kinds)) < len(kinds):
            raise ValueError("a template has one body, and one of each other component at most")
        return self


class _Changed(_Whole):
    category: Literal["MARKETING", "UTILITY"] | None = None


class _Made(_Whole):
    name: str = Field(pattern=r"^[a-z0-9_]{1,512}$")
    language: str = Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")
    category: Literal["MARKETING", "UTILITY"]
    parameter_format: Literal["POSITIONAL", "NAMED"] = "POSITIONAL"


class TemplateDecision(BaseModel):
    """What Meta decides about a template."""

    name: str
    language: str
    status: str = "APPROVED"
    reason: str = "NONE"
    quality: str = ""


class Refusal(Exception):
    """A request that Meta does not take: its number, and its words for people."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class EmulatedTemplates:
    """The templates of one account, as Graph lists them. `rows` is the emulator's own list."""

    def __init__(self, rows: Callable[[], list[dict[str, Any]]]) -> None:
        self._rows = rows
        self._uploads: set[str] = set()
        self._handles: set[str] = set()

    def make(self, raw: object) -> dict[str, Any]:
        """ "POST /{account}/message_templates". Raises Refusal."""
        made = self._read(_Made, raw)
        if any((row["name"], row["language"]) == (made.name, made.language) for row in self._rows()):
            raise Refusal(100, "There is already content in this language for this template")
        id = str(secrets.randbelow(10**15))
        row = {**made.model_dump(exclude_none=True), "id": id, "status": "PENDING"}
        self._rows().append(row)
        return {"id": row["id"], "status": "PENDING", "category": made.category}

    def change(self, template_id: str, raw: object) -> dict[str, Any]:
        """ "POST /{template}". Raises Refusal."""
        row = next((row for row in self._rows() if row.get("id") == template_id), None)
        if row is None:
            raise Refusal(100, "Unsupported post request.")
        if row["status"] not in ("APPROVED", "REJECTED", "PAUSED"):
            raise Refusal(100, "Only approved, rejected or paused templates can be edited")
        changed = self._read(_Changed, raw)
        if changed.category and changed.category != row["category"] and row["status"] == "APPROVED":
            raise Refusal(100, "The category of an approved template cannot be changed")
        row |= {**changed.model_dump(exclude_none=True), "status": "PENDING"}
        return {"success": True}

    def delete(self, name: str, template_id: str) -> dict[str, Any]:
        """ "DELETE /{account}/message_templates": by name all languages, with an id that one. Raises
        Refusal."""
        gone = [r for r in self._rows() if r["name"] == name and template_id in ("", r.get("id"))]
        if not gone:
            raise Refusal(100, "Message template could not be found")
        for row in gone:
            self._rows().remove(row)
        return {"success": True}

    def upload(self, length: int) -> dict[str, Any]:
        """ "POST /{app}/uploads": a place for a file of so many bytes."""
        place = f"upload:{length}:{secrets.token_hex(8)}"
        self._uploads.add(place)
        return {"id": place}

    def put(self, place: str, offset: str, data: bytes) -> dict[str, Any]:
        """The bytes of a file at its place; its handle. Raises Refusal."""
        if place not in self._uploads or offset != "0" or len(data) != int(place.split(":")[1]):
            raise Refusal(100, "Unsupported upload")
        handle = f"4::{secrets.token_hex(12)}"
        self._handles.add(handle)
        return {"h": handle}

    def decide(self, told: TemplateDecision) -> dict[str, Any]:
        """What the webhook says of a decision. Raises Refusal for a template that is not there."""
        rows = self._rows()
        row = next((r for r in rows if (r["name"], r["language"]) == (told.name, told.language)), None)
        if row is None:
            raise Refusal(100, "there is no such template")
        row |= {"status": told.status, "rejected_reason": told.reason}
        if told.quality:
            row["quality_score"] = {"score": told.quality}
        about = {"message_template_id": row.get("id"), "message_template_name": told.name}
        about |= {"message_template_language": told.language}
        return {"event": told.status, "reason": told.reason, **about}

    def fits(self, request: dict[str, Any]) -> None:
        """Whether a template message fits what the account has of it. Raises Refusal (132000, 132001, 132012)
        for one that is known and does not."""
        asked = as_dict(request.get("template"))
        name, language = asked.get("name"), as_dict(asked.get("language")).get("code")
        row = next((r for r in self._rows() if (r["name"], r["language"]) == (name, language)), None)
        parts = {clean_text(c.get("type")): c for c in as_dicts(row.get("components"))} if row else {}
        if row is None or not row.get("id") or not parts:
            return  # of a test that says no more of it than its name
        if row["status"] != "APPROVED":
            raise Refusal(132001, "Template name does not exist in the translation")
        given = as_dicts(asked.get("components"))
        counts = {"body": len(set(PARAMETER.findall(clean_text(parts["BODY"].get("text")))))}
        header = parts.get("HEADER", {})
        is_file = header.get("format", "TEXT") != "TEXT"
        counts["header"] = int(is_file or "{{" in clean_text(header.get("text")))
        for kind, count in counts.items():
            found = sum(len(c.get("parameters") or ()) for c in given if c.get("type") == kind)
            if found != count:
                raise Refusal(132000, f"{kind}: number of params does not match: {found}, expected {count}")
        self._buttons_fit(as_dicts(parts.get("BUTTONS", {}).get("buttons")), given)

    def _buttons_fit(self, buttons: list[dict[str, Any]], given: list[dict[str, Any]]) -> None:
        wanted = {
            str(index): "copy_code" if button["type"] == "COPY_CODE" else "url"
            for index, button in enumerate(buttons)
            if button["type"] == "COPY_CODE" or "{{" in clean_text(button.get("url"))
        }
        found = {c.get("index"): c.get("sub_type") for c in given if c.get("type") == "button"}
        if found != wanted:
            raise Refusal(132012, f"buttons: parameters do not match: {found}, expected {wanted}")

    def _read(self, kind: Any, raw: object) -> Any:
        try:
            read = kind.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            raise Refusal(100, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:300]) from None
        headers = [part for part in read.components if part.type == "HEADER" and part.example]
        if any(set(part.example.header_handle or ()) - self._handles for part in headers):
            raise Refusal(100, "Invalid header_handle")
        return read
