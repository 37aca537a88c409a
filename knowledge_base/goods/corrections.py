"""What an owner corrects of the products that were read: columns, values, which of two prices holds, names of
their own. It is kept apart from the documents, so that it holds when they come again."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from knowledge_base.document import Product
from knowledge_base.goods.commerce import COMMERCE, aligned, price_list_first, with_retailer_ids
from knowledge_base.goods.money import amounts_in
from knowledge_base.goods.validity import Validity, of_columns, validity_in
from knowledge_base.goods.wording import bare
from knowledge_base.vocabulary import column_kinds, currency_in, plain

# What of a product can be edited by hand.
Editable = Literal[
    "name", "article", "price", "unit", "stock", "category", "variants", "picture", "link", "valid"
]
# What the agent reads in place of a price that the shop must choose. The model is told so in English, as by
# every tool.
UNCONFIRMED = "NOT CONFIRMED, do not state a price; the shop must confirm which holds: "
NEVER: Mapping[str, int] = {}
# Columns that do not tell one product from another.
_VALUES = frozenset({"price", "old_price", "stock", "valid", "ordinal", "currency", "picture", "link"})


class Edit(BaseModel):
    """A value that the owner wrote. `was` is what the file said then: when it says something else later, the
    owner is asked."""

    model_config = ConfigDict(frozen=True)

    value: str = Field(description="What holds")
    was: str = Field(default="", description="What the document said then")
    at: int = Field(default=0, description="When it was written, Unix milliseconds; 0: nobody noted it")


class Answer(BaseModel):
    """The price that the owner chose of several. It holds as long as the files say these."""

    model_config = ConfigDict(frozen=True)

    value: str
    of: tuple[str, ...]


class Corrections(BaseModel):
    """All corrections of a bot. `columns`: document -> header -> kind of column, empty for none; `edits` and
    `answers` by `product_key`; `aliases`: what customers call something -> what the price list does."""

    model_config = ConfigDict(frozen=True)

    columns: dict[str, dict[str, str]] = {}
    edits: dict[str, dict[str, Edit]] = {}
    answers: dict[str, Answer] = {}
    aliases: dict[str, str] = {}


class OwnerOption(BaseModel):
    """One of the values that stand against each other, and where it stands."""

    model_config = ConfigDict(frozen=True)

    value: str = Field(description="What is said there")
    source: str = Field(description="Where: the document, the page and the row, or `edited by hand`")


class OwnerQuestion(BaseModel):
    """What only the owner knows: which of several values of a product holds."""

    model_config = ConfigDict(frozen=True)

    product: str = Field(description="The key of the product, to answer with")
    name: str = Field(description="What the product is called")
    article: str = Field(description="Its article number")
    field: str = Field(description="What differs: `price`, or a value that was edited by hand")
    options: list[OwnerOption] = Field(description="What is said of it, each once, with its place")


class Corrected(BaseModel):
    """Products as the agent is given them, and what the owner is asked."""

    model_config = ConfigDict(frozen=True)

    products: list[Product]
    questions: list[OwnerQuestion] = []
    # (document, page, row) of a product -> its row as it is now, where it is not as the file writes it.
    instead: dict[tuple[str, int, int], str] = {}


def product_key(product: Product) -> str:
    """How a product is known again: by its article, else by its name, with what tells its variants apart."""
    article = bare(product.article)
    known = f"article:{article}" if article else f"name:{plain(product.name)}"
    return hashlib.sha256(f"{known}|{plain(product.variants)}".encode()).hexdigest()[:16]


def corrected(
    documents: Mapping[str, Sequence[Product]], corrections: Corrections, read: Mapping[str, int] = NEVER
) -> Corrected:
    """The products of all documents, by the names of these, with everything that the owner corrected;
    `read`: when each was read, Unix ms."""
    questions: list[OwnerQuestion] = []
    every: list[Product] = []
    written: list[Product] = []
    for name, products in documents.items():
        for product in products:
            sourced = product.model_copy(update={"document": name, "counted": read.get(name, 0)})
            written.append(sourced)
            edits = corrections.edits.get(product_key(product))
            every.append(_edited(sourced, edits, questions) if edits else sourced)
    every = aligned(every)
    products = _settled(price_list_first(every), corrections, questions)
    as_read = [product for products in documents.values() for product in products]
    instead = _instead(as_read, every, products)
    return Corrected(products=with_retailer_ids(products, written), questions=questions, instead=instead)


def _place(product: Product) -> tuple[str, int, int]:
    return product.document, product.page, product.row


def _instead(
    read: Sequence[Product], every: Sequence[Product], products: Sequence[Product]
) -> dict[tuple[str, int, int], str]:
    """What the rows of products say that are not given to the agent as their files write them: a passage that
    still said the old price would contradict what the owner wrote."""
    final = {_place(product): product for product in products}
    by_key = {
        product_key(product): product for product in products if product.price is None or product.edited
    }
    found: dict[tuple[str, int, int], str] = {}
    for before, sourced in zip(read, every, strict=True):
        now = final.get(_place(sourced)) or by_key.get(product_key(sourced))
        if now and now.fields != before.fields:
            found[_place(sourced)] = "; ".join(f"{name}: {value}" for name, value in now.fields.items())
    return found


def _edited(product: Product, edits: Mapping[str, Edit], questions: list[OwnerQuestion]) -> Product:
    """A product with the owner's values. One that the file says differently since is a question."""
    key = product_key(product)
    for kind, edit in edits.items():
        written = value_of(product, kind)
        if written not in (edit.was, edit.value):
            options = [
                OwnerOption(value=edit.value, source="edited by hand"),
                OwnerOption(value=written, source=source_of(product)),
            ]
            questions.append(_question(product, key, kind, options))
            if kind == "price":
                product = _unconfirmed(product, options)
                continue
        product = _with_value(product, kind, edit.value)
        if kind == "stock" and edit.at:
            product = product.model_copy(update={"counted": edit.at})
    return product


def value_of(product: Product, kind: str) -> str:
    """What a product says of a kind of column, as an owner reads and edits it."""
    if kind == "price":
        return (
            f"{_plain_number(product.price)} {product.currency}".strip() if product.price is not None else ""
        )
    return str(getattr(product, kind))


def _plain_number(price: Decimal | None) -> str:
    if price is None:
        return ""
    return format(price.normalize(), "f") if price == price.to_integral() else format(price, "f")


def source_of(product: Product) -> str:
    """Where a product stands."""
    page = f", page {product.page}" if product.page > 1 else ""
    return f"{product.document}{page}, row {product.row}"


def _with_value(product: Product, kind: str, value: str) -> Product:
    """A product that says something else, in its row too, because the agent reads the row. A price by hand
    holds whatever the file says of its days."""
    header = header_of(product, kind)
    changed: dict[str, object] = {"fields": {**product.fields, header: value}, "doubt": product.doubt}
    if kind == "price":
        amounts = amounts_in(value)
        changed |= {"price": amounts[0] if amounts else None, "doubt": ""}
        changed |= {"currency": currency_in(value) or product.currency, "first_day": "", "last_day": ""}
    else:
        changed[kind] = value
        if kind == "valid":
            said = of_columns([(header, value)]) or validity_in(value, column=True)
            changed["first_day"] = said.first.isoformat() if said.first else ""
            changed["last_day"] = said.last.isoformat() if said.last else ""
    return product.model_copy(update={**changed, "edited": tuple({*product.edited, kind})})


def header_of(product: Product, kind: str) -> str:
    """Under which header of its row a product says something; the kind itself where it says nothing yet."""
    named = [h for h in product.fields if kind in column_kinds(h) or plain(h) == kind]
    if kind == "price":
        written = [h for h in named if product.price in amounts_in(product.fields[h])]
        others = [h for h, said in product.fields.items() if product.price in amounts_in(said)]
        return next(iter(written or (others if product.price is not None else []) or named), kind)
    value = str(getattr(product, kind))
    return next((h for h, said in product.fields.items() if value and said == value), next(iter(named), kind))


def _settled(
    products: Sequence[Product], corrections: Corrections, questions: list[OwnerQuestion]
) -> list[Product]:
    """Products of which several prices are said become one: with the owner's choice, else unconfirmed."""
    for identity in (_within, _across, _across_by_name):
        groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for place in _twice(products):
            groups[identity(products[place])].append(place)
        kept, gone = list(products), set[int]()
        for places in groups.values():
            if identity is _across_by_name:  # what has an article is found by it
                places.sort(
                    key=lambda place: (products[place].document == COMMERCE, not products[place].article)
                )
            same = [products[place] for place in places]
            if len(places) < 2 or (identity is not _within and len({p.document for p in same}) < len(same)):
                continue
            if identity is _across_by_name and len({bool(p.article) for p in same}) < 2:
                continue
            if not _disagree(same):
                gone |= {place for place in places[1:] if products[place].fields == same[0].fields}
                continue
            kept[places[0]] = _chosen(same, corrections, questions)
            gone |= set(places[1:])
        products = [product for place, product in enumerate(kept) if place not in gone]
    return list(products)


def _twice(products: Sequence[Product]) -> list[int]:
    """The places of products with a price whose article or name stands more than once."""
    named: dict[str, list[int]] = defaultdict(list)
    for place, product in enumerate(products):
        if product.price is not None:
            for called in {bare(product.article), plain(product.name)} - {""}:
                named[called].append(place)
    return sorted({place for places in named.values() if len(places) > 1 for place in places})


def _within(product: Product) -> tuple[str, ...]:
    """What is equal in two rows of one document only when both are of one product."""
    rest = sorted(
        plain(value)
        for header, value in product.fields.items()
        if next(iter(column_kinds(header)), "") not in _VALUES
        and "price" not in column_kinds(header)
        and header not in product.prices
    )
    return (product.document, product.title, plain(product.name), bare(product.article), *rest)


def _across(product: Product) -> tuple[str, ...]:
    """What is equal in two documents when both mean one product."""
    return (product_key(product), plain(product.unit))


def _across_by_name(product: Product) -> tuple[str, ...]:
    """What is equal in two documents of which one has no article numbers."""
    return (plain(product.name), plain(product.variants), plain(product.unit))


def _disagree(products: Sequence[Product]) -> bool:
    """Whether prices differ that are in one currency, or may be, on one day. One of several that have names
    of their own may be the only one in another document."""
    return any(
        a.price != b.price
        and (a.currency == b.currency or not a.currency or not b.currency)
        and not _validity(a).apart(_validity(b))
        and not (_all_prices(a) & _all_prices(b) and (a.prices or b.prices))
        for n, a in enumerate(products)
        for b in products[n + 1 :]
    )


def _validity(product: Product) -> Validity:
    return Validity.of(product.first_day, product.last_day)


def _all_prices(product: Product) -> set[Decimal | None]:
    return {product.price, *(amount for said in product.prices.values() for amount in amounts_in(said)[:1])}


def _chosen(same: Sequence[Product], corrections: Corrections, questions: list[OwnerQuestion]) -> Product:
    edited = next((product for product in same if "price" in product.edited), None)
    if edited:
        return edited
    key, first = product_key(same[0]), same[0]
    once = {value_of(product, "price"): product for product in reversed(same)}
    options = [OwnerOption(value=value, source=source_of(p)) for value, p in reversed(once.items())]
    answer = corrections.answers.get(key)
    if answer and set(answer.of) == set(once):
        holder = once.get(answer.value, first)
        return _with_value(first if holder.document == COMMERCE else holder, "price", answer.value)
    questions.append(_question(first, key, "price", options))
    return _unconfirmed(first, options)


def _unconfirmed(product: Product, options: Iterable[OwnerOption]) -> Product:
    said = UNCONFIRMED + " or ".join(f"{option.value} ({option.source})" for option in options)
    header = header_of(product, "price")
    fields = {
        name: value
        for name, value in product.fields.items()
        if name == header
        or not (column_kinds(name).keys() & {"price", "old_price"} or name in product.prices)
    }
    return product.model_copy(
        update={
            "fields": {**fields, header: said},
            "price": None,
            "prices": {},
            "doubt": "which price holds?",
        }
    )


def _question(product: Product, key: str, kind: str, options: list[OwnerOption]) -> OwnerQuestion:
    return OwnerQuestion(product=key, name=product.name, article=product.article, field=kind, options=options)
