"""What can still be sold: the stock of the price list, less what was ordered since it was read. A cancelled
order gives its pieces back; a new list says anew what there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tools.price_list import Found, PriceList, Rows
from tools.runtime import ShownProduct


@dataclass(frozen=True, slots=True)
class Taken:
    """So many pieces of a product that an order took, at a time (Unix ms)."""

    at: int
    pieces: int


@dataclass(frozen=True, slots=True)
class CountedLine:
    """A product of an order whose pieces are counted: `left` were there at `since` (Unix ms)."""

    ref: str
    pieces: int
    left: int
    since: int


class RemainingGoods:
    """A price list whose cards say how many pieces are left of those that were there. What was ordered before
    a product had an article was taken under its name."""

    def __init__(self, goods: PriceList, taken: Mapping[str, Sequence[Taken]]) -> None:
        self._goods, self._taken = goods, taken

    @property
    def rows(self) -> Rows:
        """As the files write them."""
        return self._goods.rows

    def find(self, query: str, most: int = 5, **narrowed: Any) -> Found:
        """As the files write them."""
        return self._goods.find(query, most, **narrowed)

    def card_of(self, row: Mapping[str, str]) -> ShownProduct | None:
        """The card of the product whose row this is."""
        card = cast(ShownProduct | None, self._goods.card_of(row))
        return self.less(card) if card else None

    def cards(self, ref: str) -> list[ShownProduct]:
        """The cards of the products that go by a reference."""
        return [self.less(card) for card in cast(list[ShownProduct], self._goods.cards(ref))]

    def counted(self, ref: str) -> int:
        """When the stock of what goes by a reference was last said, Unix ms."""
        return self._goods.counted(ref)

    def less(self, card: ShownProduct) -> ShownProduct:
        """A card with what is left; itself where orders took nothing of it."""
        ref = card["ref"]
        taken = [one for name in {ref, card["name"]} for one in self._taken.get(name, ())]
        since = self._goods.counted(ref) if taken else 0
        gone = sum(one.pieces for one in taken if one.at > since)
        if not card["left"] or not gone:
            return card
        left = max(0, int(card["left"]) - gone)
        return {**card, "left": str(left), "stock": "yes" if left else "no"}


def counted_lines(pieces: Iterable[tuple[str, int]], goods: PriceList) -> list[CountedLine]:
    """Of what is ordered, by reference, what the price list counts."""
    wanted: Counter[str] = Counter()
    for ref, quantity in pieces:
        wanted[ref] += quantity
    found: list[CountedLine] = []
    for ref, quantity in wanted.items():
        cards = cast(list[ShownProduct], goods.cards(ref))
        if len(cards) == 1 and cards[0]["left"]:
            found.append(CountedLine(ref, quantity, int(cards[0]["left"]), goods.counted(ref)))
    return found
