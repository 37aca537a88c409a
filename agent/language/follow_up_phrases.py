"""The touches of a follow-up sequence: what each is for, and what it says without a model."""

from __future__ import annotations

from typing import Literal

from agent.language.locale import locale_texts

Kind = Literal["reminder", "value", "social_proof", "last_chance", "farewell"]
KINDS: tuple[Kind, ...] = ("reminder", "value", "social_proof", "last_chance", "farewell")


def kind_of(touch: int, of: int) -> Kind:
    """What the touch of a number (from 1) is for in a sequence of so many: the last says farewell, and the
    one before it that the offer will not be repeated, where there are that many."""
    if touch >= of > 1:
        return "farewell"
    if touch == of - 1 and of > 3:
        return "last_chance"
    return KINDS[min(touch - 1, 2)]


def touch_text(kind: Kind, language: str, business: str, name: str = "") -> str:
    """A touch in the contact's language, English where there is none of it. It promises nothing that a
    business would have to keep."""
    known = locale_texts(language)
    text: str = getattr(known.follow_ups, kind)
    return text.format(business=business, name=f"{known.comma}{name}" if name else "")
