"""A card is a promise: what stands on it is what the row of the price list says, whoever asked for it."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from tools.price_list import PriceList
from tools.runtime import Shown, ShownProduct

# Rows of a list on WhatsApp.
MOST = 10

log = structlog.get_logger()


def as_listed(cards: Sequence[ShownProduct], goods: PriceList) -> tuple[list[ShownProduct], list[str]]:
    """The cards as their rows have them now, each once, and what of each was found. One of a product that is
    not in the price list (any more) is left out; one that says something else than its row is put right."""
    found: dict[str, ShownProduct] = {}
    checked: list[str] = []
    for card in cards:
        rows: list[ShownProduct] = goods.cards(str(card.get("ref", "")))
        if len(rows) != 1:
            log.warning("card_left_out", found=len(rows))
            checked.append(f"card {card.get('name', '')}: no such product in the price list, left out")
            continue
        row = rows[0]
        if wrong := [name for name, value in row.items() if card.get(name) != value]:
            log.warning("card_put_right", fields=wrong)
            checked.append(f"card {row['name']}: {', '.join(wrong)} put right after its row")
        elif row["ref"] not in found:
            checked.append(f"card {row['name']}: equal to its row in the price list")
        found[row["ref"]] = row
    return list(found.values())[:MOST], checked


def words_in(shown: Sequence[Shown]) -> list[str]:
    """What a model itself wrote on what is shown: the options of a choice."""
    return [
        f"{option['title']}. {option['description']}".rstrip(". ")
        for one in shown
        for option in one.get("choice", ())
    ]
