"""Products as cards: what a card may say of one is what its row says, and nothing else."""

from __future__ import annotations

import itertools
import re
from urllib.parse import urlsplit

from typing_extensions import TypedDict

from knowledge_base.document import Product
from knowledge_base.goods.stock import in_stock, pieces_left
from knowledge_base.vocabulary import column_kinds

# Characters of a name that is a reference: an id on WhatsApp holds 200.
REFERENCE = 150
# Variants to choose from, and characters of one.
MOST_VARIANTS, VARIANT = 50, 60
# Columns that no question names goods by.
_UNSEARCHED = frozenset({"price", "old_price", "stock", "picture", "link", "valid", "ordinal", "currency"})
# A column of a size, and what it says of how many there are: `42: 3`.
_COUNTED = re.compile(r"([^:]{1,30}): ([^:]{1,12})")


class ProductCard(TypedDict):
    """A product as its row has it. `ref` is what it goes by in this catalogue: its article, where no other
    has that, else its name, else its place. `price` is a plain number, empty where none may be said; `stock`
    is yes, no, or empty where the row does not say, `left` how many pieces, empty where it gives no number;
    `variants` are those to choose from, none where there is one; `picture` an address; `retailer_id` the id
    of the product in the shop's Commerce catalogue, empty where that shows another price or has it not."""

    ref: str
    name: str
    article: str
    price: str
    currency: str
    unit: str
    stock: str
    left: str
    variants: list[str]
    picture: str
    retailer_id: str


def place_in_list(product: Product) -> str:
    """What a product goes by whose article and name are those of others too."""
    return f"{product.document[:80]}:{product.page}:{product.row}"


def is_called(product: Product, ref: str) -> bool:
    """Whether a product goes by its place, or by its id in the shop's Commerce catalogue."""
    return bool(ref) and ref in (place_in_list(product), product.retailer_id)


def card_of(product: Product, ref: str) -> ProductCard:
    """A product's card. A price that its owner has not confirmed is not on it, nor one of several, nor one
    that holds on some days alone."""
    now = [name for name in product.prices if next(iter(column_kinds(name)), "") != "old_price"]
    unsure = bool(product.doubt or len(now) > 1 or product.first_day or product.last_day)
    price = "" if product.price is None or unsure else f"{product.price.normalize():f}"
    there, left = in_stock(product.stock), pieces_left(product.stock)
    return ProductCard(
        ref=ref,
        name=product.name,
        article=product.article,
        price=price,
        currency=product.currency if price else "",
        unit=product.unit if price else "",
        stock="" if there is None else "yes" if there else "no",
        left="" if left is None else str(left),
        variants=_variants(product),
        picture=_address(product.picture),
        retailer_id=product.retailer_id if price and product.shown_alike else "",
    )


def _variants(product: Product) -> list[str]:
    """What a row leaves to choose: several words in one cell of sizes or colours, of several such cells each
    with each, or columns of sizes that say how many there are. A size and a colour in a cell each are one
    thing."""
    cells = [
        cell for header, cell in product.fields.items() if next(iter(column_kinds(header)), "") == "variants"
    ]
    lists = [parts for cell in cells if len(parts := _parts(cell)) > 1]
    counted = [_COUNTED.fullmatch(part.strip()) for part in product.variants.split(",")]
    if lists:
        found = [", ".join(chosen) for chosen in itertools.islice(itertools.product(*lists), MOST_VARIANTS)]
    else:
        found = [one[1] for one in counted if one and all(counted) and in_stock(one[2])]
    return found if len(found) > 1 else []


def _parts(cell: str) -> list[str]:
    parts = (" ".join(part.split())[:VARIANT] for part in re.split(r"[,;/|\n]", cell))
    return list(dict.fromkeys(part for part in parts if part))


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


def searched_texts(product: Product) -> list[str]:
    """The texts that questions name a product by, beside its name."""
    return [
        value
        for header, value in product.fields.items()
        if next(iter(column_kinds(header)), "") not in _UNSEARCHED and value != product.name
    ]
