"""Templates as Graph takes and lists them ("POST /{whatsapp-business-account}/message_templates",
"GET .../message_templates")."""

from __future__ import annotations

from typing import Any, cast

from channels.json_parts import as_dict, as_dicts, clean_text
from channels.templates.draft import TemplateButton, TemplateDraft, TemplateHeader
from channels.templates.rules import phone_digits

JSON = dict[str, Any]
# What is asked for of each template.
FIELDS = "id,name,language,status,rejected_reason,category,quality_score,components"
_TYPES = {"quick_reply": "QUICK_REPLY", "url": "URL", "phone": "PHONE_NUMBER", "copy_code": "COPY_CODE"}
_OURS: dict[str, Any] = {theirs: ours for ours, theirs in _TYPES.items()}
_FORMATS = ("text", "image", "video", "document")


def is_named(variables: tuple[str, ...]) -> bool:
    """Whether variables have names, not numbers."""
    return any(not name.isdecimal() for name in variables)


def components_of(draft: TemplateDraft, handle: str = "") -> list[JSON]:
    """The components of a template. `handle`: of the example of a header that is a file, put up at Meta."""
    parts: list[JSON] = []
    if header := draft.header:
        parts.append(_header(header, handle))
    body: JSON = {"type": "BODY", "text": draft.body}
    if draft.variables and is_named(draft.variables):
        rows = zip(draft.variables, draft.examples, strict=False)
        body["example"] = {"body_text_named_params": [{"param_name": n, "example": e} for n, e in rows]}
    elif draft.variables:
        body["example"] = {"body_text": [list(draft.examples)]}
    parts.append(body)
    if draft.footer:
        parts.append({"type": "FOOTER", "text": draft.footer})
    if draft.buttons:
        parts.append({"type": "BUTTONS", "buttons": [_button(button) for button in draft.buttons]})
    return parts


def request_of(draft: TemplateDraft, handle: str = "") -> JSON:
    """The body that makes a template."""
    made: JSON = {"name": draft.name, "language": draft.language, "category": draft.category}
    named = is_named((*draft.variables, *_header_variables(draft)))
    made["parameter_format"] = "NAMED" if named else "POSITIONAL"
    return {**made, "components": components_of(draft, handle)}


def _header_variables(draft: TemplateDraft) -> tuple[str, ...]:
    text = draft.header.text if draft.header else ""
    return TemplateDraft(name="n", language="en", body=text).variables


def _header(header: TemplateHeader, handle: str) -> JSON:
    part: JSON = {"type": "HEADER", "format": header.format.upper()}
    if header.format != "text":
        return {**part, "example": {"header_handle": [handle]}}
    part["text"] = header.text
    if header.example:
        names = TemplateDraft(name="n", language="en", body=header.text).variables
        named = [{"param_name": names[0], "example": header.example}] if is_named(names) else []
        part["example"] = {"header_text_named_params": named} if named else {"header_text": [header.example]}
    return part


def _button(button: TemplateButton) -> JSON:
    part: JSON = {"type": _TYPES[button.type]}
    if button.type == "copy_code":
        return {**part, "example": button.example.strip()}
    part["text"] = button.text
    if button.type == "phone":
        part["phone_number"] = phone_digits(button.phone)
    if button.type == "url":
        part["url"] = button.url
        if button.example:
            part["example"] = [button.url[: button.url.rfind("{{")] + button.example.strip()]
    return part


def listed_template(row: JSON) -> JSON:
    """What we keep of a template that Graph lists; what its parts do not say is left empty."""
    components = {clean_text(c.get("type")).upper(): c for c in as_dicts(row.get("components"))}
    body, buttons = components.get("BODY", {}), components.get("BUTTONS", {})
    reason, quality = clean_text(row.get("rejected_reason")), as_dict(row.get("quality_score"))
    plain = {name: clean_text(row.get(name)) for name in ("name", "language", "status", "category")}
    return {
        **plain,
        "provider_id": clean_text(row.get("id")),
        "reason": "" if reason == "NONE" else reason,
        "quality": clean_text(quality.get("score")),
        "header": _listed_header(components.get("HEADER", {})),
        "body": clean_text(body.get("text")),
        "examples": _examples(as_dict(body.get("example"))),
        "footer": clean_text(components.get("FOOTER", {}).get("text")),
        "buttons": [one for part in as_dicts(buttons.get("buttons")) if (one := _listed_button(part))],
    }


def _listed_header(part: JSON) -> JSON | None:
    shape = clean_text(part.get("format")).lower()
    if shape not in _FORMATS:
        return None
    example = as_dict(part.get("example"))
    texts = [clean_text(one) for one in _list(example.get("header_text"))]
    texts += [clean_text(one.get("example")) for one in as_dicts(example.get("header_text_named_params"))]
    return {
        "format": shape,
        "text": clean_text(part.get("text"))[:2_000],
        "example": "".join(texts[:1])[:2_000],
    }


def _examples(example: JSON) -> list[str]:
    named = [clean_text(one.get("example")) for one in as_dicts(example.get("body_text_named_params"))]
    rows = _list(example.get("body_text"))
    return named or [clean_text(one) for one in _list(rows[0] if rows else None)]


def _listed_button(part: JSON) -> JSON | None:
    kind = _OURS.get(clean_text(part.get("type")).upper())
    if kind is None:  # a Flow, a catalogue, a one-time password: shown by Meta, and not made here
        return None
    url = clean_text(part.get("url"))
    given = part.get("example")
    example = clean_text(_list(given)[0] if _list(given) else given if isinstance(given, str) else "")
    if kind == "url" and "{{" in url:
        example = example.removeprefix(url[: url.rfind("{{")])
    words = {
        "text": clean_text(part.get("text"))[:2_000],
        "phone": clean_text(part.get("phone_number"))[:100],
    }
    kept = {"type": kind, "url": url[:5_000], "example": example[:2_000], **words}
    return {**kept, "text": ""} if kind == "copy_code" else kept


def _list(value: object) -> list[Any]:
    return cast(list[Any], value) if isinstance(value, list) else []
