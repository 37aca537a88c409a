"""Asks the customer to choose by a tap."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import tool

from tools.runtime import Option, Runtime, Shown, showing

# WhatsApp's limits: rows of a list, characters of a row's title, of the line below it.
MOST, TITLE, DESCRIPTION = 10, 24, 72


@tool
async def ask_choice(runtime: Runtime, options: list[str]) -> Any:
    """Let the customer answer your question by a tap: two or three buttons, or a list of up to ten.

    Your reply is the question. Each option has at most 24 characters, such as "Tomorrow 10:00"; more may
    follow after a vertical bar, up to 72 characters: "Standard | 3 to 5 days, free". For products use
    show_products."""
    parts = [[part.strip() for part in option.partition("|")[::2]] for option in options]
    parts = [part for part in parts if part[0]]
    titles = [title for title, _ in parts]
    if not 2 <= len(titles) <= MOST:
        return (
            f"{len(titles)} options were given, it takes 2 to {MOST}: narrow the choice, or ask in two steps"
        )
    if long := [title for title in titles if len(title) > TITLE]:
        return f"“{long[0]}” has {len(long[0])} characters, an option has at most {TITLE}: shorten it"
    if long := [words for _, words in parts if len(words) > DESCRIPTION]:
        return f"“{long[0]}” has {len(long[0])} characters, the line below has at most {DESCRIPTION}"
    if len({title.casefold() for title in titles}) < len(titles):
        return "two options are the same: give each its own words"
    choice = [
        Option(id=f"choice:{number}", title=title, description=words)
        for number, (title, words) in enumerate(parts, 1)
    ]
    return showing(runtime, Shown(sort="choice", choice=choice), "The options are shown below your reply.")
