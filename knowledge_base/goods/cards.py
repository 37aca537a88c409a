"""Products as cards: what a card may say of one is what its row says, and nothing else."""

from __future__ import annotations

from urllib.parse import urlsplit

from typing_extensions import TypedDict

from knowledge_base.document import Product
from knowledge_base.goods.stock import in_stock
from knowledge_base.vocabulary import column_kinds

# Characters of a name that is a reference: an id on WhatsApp holds 200.
REFERENCE = 150


class ProductCard(TypedDict):
    """A product as its row has it. `ref` is what it goes by in this catalogue: its article, where no other
    has that, else its name, else its place. `price` is a plain number, empty where none may be said; `stock`
    is yes, no, or empty where the row does not say; `picture` an address."""

    ref: str
    name: str
    article: str
    price: str
    currency: str
    unit: str
    stock: str
    picture: str


def place_in_list(product: Product) -> str:
    """What a product goes by whose article and name are those of others too."""
    return f"{product.document[:80]}:{product.page}:{product.row}"


def card_of(product: Product, ref: str) -> ProductCard:
    """A product's card. A price that its owner has not confirmed is not on it, nor one of several, nor one
    that holds on some days alone."""
    now = [name for name in product.prices if next(iter(column_kinds(name)), "") != "old_price"]
    unsure = bool(product.doubt or len(now) > 1 or product.first_day or product.last_day)
    price = "" if product.price is None or unsure else f"{product.price.normalize():f}"
    there = in_stock(product.stock)
    return ProductCard(
        ref=ref,
        name=product.name,
        article=product.article,
        price=price,
        currency=product.currency if price else "",
        unit=product.unit if price else "",
        stock="" if there is None else "yes" if there else "no",
        picture=_address(product.picture),
    )


def _address(picture: str) -> str:
    """The first address of a cell of pictures, empty for anything that no provider could fetch."""
    first = picture.strip().split()[0].rstrip(",;") if picture.strip() else ""
    try:
        parts = urlsplit(first)
    except ValueError:
        return ""
    if parts.scheme == "sample":  # a picture of the sample shop, which lies in its package
        return first
    return first if parts.scheme in ("http", "https") and parts.hostname and len(first) <= 2_000 else ""
