"""What a contact reads about a cart and an order, in their language."""

from __future__ import annotations

from agent.language.locale import locale_texts


def order_text(name: str, language: str, **values: str) -> str:
    """The text `name` of `OrderTexts`, filled in; what a text names and is not given is left out of it."""
    text: str = getattr(locale_texts(language).orders, name)
    for hole in ("what", "sum", "price", "other", "number", "n", "link"):
        value = values.get(hole, "")
        text = text if value else text.replace(f" {{{hole}}}", "")
        text = text.replace(f"{{{hole}}}", value)
    return text


def order_texts(language: str) -> str:
    """All of them in a language: they promise nothing by themselves."""
    return "\n".join(locale_texts(language).orders.model_dump().values())
