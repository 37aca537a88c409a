"""Products as they go out: in words, and as product messages of the shop's Commerce catalogue, where that has
them all at the price that holds."""

from __future__ import annotations

from collections.abc import Sequence

from agent.language.phrases import say
from agent.ordering.wording import grouped
from channels.content.goods import PRODUCTS, Item, ProductGroup, ProductList, ProductMessage
from channels.content.parts import fitted
from channels.markup import utf16_length
from server.conversations.cart_contents import Piece
from tools.runtime import ShownProduct

# Characters of the body of a product message, and of the header of a list of products.
BODY, HEADER = 1024, 60


def line_of(card: ShownProduct, language: str) -> str:
    """A product in words."""
    facts = facts_of(card, language)
    return f"*{card['name']}*" + (f": {facts}" if facts else "")


def facts_of(card: ShownProduct, language: str) -> str:
    """Its price and whether it is there."""
    price = " ".join(filter(None, (grouped(card["price"]), card["currency"])))
    price += f" / {card['unit']}" if price and card["unit"] else ""
    stock = {"yes": say("in_stock", language), "no": say("out_of_stock", language)}.get(card["stock"], "")
    return " · ".join(filter(None, (price, stock)))


def catalogue_piece(
    text: str, cards: Sequence[ShownProduct], language: str, catalogue_id: str
) -> Piece | None:
    """A reply with its products as the catalogue shows them. None where that has not all of them, or where
    one is sold out: a card of our own then says what the price list says."""
    ids = [card.get("retailer_id", "") for card in cards]  # a card of before has none
    sold = all(ids) and all(card["stock"] != "no" for card in cards)
    if not (catalogue_id and ids and sold) or len(set(ids)) < len(ids) or len(ids) > PRODUCTS:
        return None
    if not 0 < utf16_length(text) <= BODY:
        return None
    items = tuple(
        Item(retailer_id=id, said=line_of(card, language)) for id, card in zip(ids, cards, strict=True)
    )
    if len(items) == 1:
        return text, ProductMessage(catalogue_id=catalogue_id, item=items[0], body=text)
    header = fitted(say("choices", language), HEADER)
    groups = (ProductGroup(items=items),)
    return text, ProductList(catalogue_id=catalogue_id, header=header, body=text, groups=groups)
