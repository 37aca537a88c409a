"""The shop's Commerce catalogue among its documents: which product of the price list each of its products is.

It is a document like any other, so that it is searched, and a price that differs is a question to the owner.
What both have is one product: as the price list says it, with the id that WhatsApp knows it by."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from knowledge_base.document import Product
from knowledge_base.goods.wording import bare

# The document that a catalogue is kept as.
COMMERCE = "whatsapp-catalogue.csv"


def aligned(products: Sequence[Product]) -> list[Product]:
    """Products of the catalogue with what tells those of the price list apart, where one there has the same
    number, however that is written: so that both are known to be one."""
    listed: dict[str, list[Product]] = defaultdict(list)
    for product in products:
        if product.document != COMMERCE and product.article:
            listed[bare(product.article)].append(product)
    return [_like(product, listed.get(bare(product.article), [])) for product in products]


def _like(product: Product, listed: Sequence[Product]) -> Product:
    if product.document != COMMERCE or len(listed) != 1:
        return product
    return product.model_copy(update={"variants": listed[0].variants, "unit": listed[0].unit})


def price_list_first(products: Sequence[Product]) -> list[Product]:
    """The products of the catalogue last: of two that are one, the first stays."""
    return sorted(products, key=lambda product: product.document == COMMERCE)


def with_retailer_ids(products: Sequence[Product], read: Sequence[Product]) -> list[Product]:
    """Products with the ids of the catalogue, and none of it twice. `read`: as the documents have them."""
    known: dict[str, list[Product]] = defaultdict(list)
    for product in read:
        if product.document == COMMERCE and product.article:
            known[bare(product.article)].append(product)
    elsewhere = Counter(bare(p.article) for p in products if p.document != COMMERCE and p.article)
    kept = [p for p in products if p.document != COMMERCE or bare(p.article) not in elsewhere]
    return [
        _known(product, known.get(bare(product.article), []), elsewhere[bare(product.article)])
        for product in kept
    ]


def _known(product: Product, items: Sequence[Product], alike: int) -> Product:
    """Two ids that differ in signs alone belong to nobody, and so does one id that several products may have:
    which is meant is not known."""
    if len(items) != 1 or (alike > 1 and product.article != items[0].article):
        return product
    [item] = items
    same = product.price is not None and (item.price, item.currency) == (product.price, product.currency)
    return product.model_copy(update={"retailer_id": item.article, "shown_alike": same})
