"""Fixed texts in the contact's language, for what is said without a model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args

from babel.dates import format_skeleton
from langchain_core.messages import AIMessage, AnyMessage

from agent.language.locale import SPOKEN, texts

Phrase = Literal[
    "greeting",
    "unknown",
    "apology",
    "refusal",
    "not_client",
    "handed_over",
    "still_waiting",
    "back_at",
    "stopped",
    "started",
    "reset",
    "no_history",
    "media",
    "unheard",
    "too_large",
    "unreadable",
    "write_start",
    "order_noted",
    "checking",
    "thanks",
    "more",
    "noted",
    "name",
    "email",
    "company",
    "phone",
]
PHRASES: tuple[Phrase, ...] = get_args(Phrase)


def say(phrase: Phrase, language: str, business: str = "") -> str:
    """The phrase in a language we speak, else in English. `business` is the part before any comma or
    colon."""
    name = business.split(",")[0].split(":")[0].strip() or business
    return _said(language, phrase).replace("{business}", name)


def fixed_texts(language: str) -> str:
    """Everything we say in a language without a model: it promises nothing that has to be supported."""
    return "\n".join(_said(language, phrase) for phrase in PHRASES)


def with_return(text: str, language: str, back_at: str) -> str:
    """A text with when people are there again (`YYYY-MM-DD HH:MM` by the business's clock); as it is where
    they are there now."""
    if not back_at:
        return text
    when = datetime.fromisoformat(back_at)
    day = format_skeleton("MMMMd", when, locale=language if language in SPOKEN else "en")
    return f"{text} {say('back_at', language).replace('{when}', f'{day}, {when:%H:%M}')}"


def was_said(phrase: Phrase, messages: Sequence[AnyMessage]) -> bool:
    """Whether the contact was told this, in any language, as far as the messages go back."""
    said = {_said(language, phrase) for language in SPOKEN}
    return any(isinstance(message, AIMessage) and message.text in said for message in messages)


def _said(language: str, phrase: Phrase) -> str:
    return getattr(texts(language).says, phrase)
