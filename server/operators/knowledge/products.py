"""Products of a bot as operators see and correct them, and the price list to begin with."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from pydantic import Field

from knowledge_base.document import Product
from knowledge_base.goods.corrections import Corrected, Corrections, corrected, product_key, value_of
from knowledge_base.library import Stored
from server.store.records import Record

# A price list whose every column is understood, with two products to be written over.
_HEADER = "Article,Name,Category,Price,Currency,Unit,Stock,Size,Valid until,Link,Picture"
TEMPLATE: tuple[tuple[str | float, ...], ...] = (
    tuple(_HEADER.split(",")),
    (
        "A-100",
        "Blue vase",
        "Vases",
        9000,
        "KZT",
        "piece",
        4,
        "30 cm",
        "2030-12-31",
        "https://shop.example",
        "",
    ),
    ("A-200", "Red bowl", "Bowls", 4500.5, "KZT", "piece", 0, "20 cm", "", "", ""),
)
TemplateFormat = Literal["xlsx", "csv"]


class ListedProduct(Record):
    """A product as it was understood, with what its owner wrote, and its row as the file writes it."""

    key: str = Field(description="How it is known when its document comes again")
    name: str = Field(description="What it is called")
    article: str = Field(description="Its article number")
    price: Decimal | None = Field(description="For one `unit`; null: there is none, or the shop must choose")
    prices: dict[str, str] = Field(
        description="Where there are several, all as they are written, by the names of their columns"
    )
    currency: str = Field(description="ISO 4217; empty: the file names none")
    unit: str = Field(description="What the price is for")
    stock: str = Field(description="How many there are, as the file says it")
    category: str = Field(description="Where it belongs")
    variants: str = Field(description="Sizes, colours and the like")
    picture: str = Field(description="Address of a picture")
    link: str = Field(description="Address of its page")
    valid: str = Field(description="Until when the price holds, as the file says it")
    document: str = Field(description="The document it comes from")
    page: int = Field(description="The page or sheet it stands on")
    row: int = Field(description="The row it stands in")
    fields: dict[str, str] = Field(description="Its row as the agent is given it, by header")
    edited: list[str] = Field(description="What of it was written by hand")
    doubt: str = Field(description="What an owner should look at; empty: nothing")


def listed_product(product: Product) -> ListedProduct:
    """A product as operators see it."""
    return ListedProduct.model_validate({**product.model_dump(), "key": product_key(product)})


def of_documents(documents: Sequence[Stored], corrections: Corrections) -> Corrected:
    """The products of documents as the agent is given them, those to look at first."""
    found = corrected({document.name: document.products for document in documents}, corrections)
    first = sorted(found.products, key=lambda product: not product.doubt)
    return found.model_copy(update={"products": first})


def product_as_written(documents: Sequence[Stored], key: str, kind: str) -> str | None:
    """What the documents say of a product, before anything is corrected; None when they do not have it."""
    products = (p for document in documents for p in document.products if product_key(p) == key)
    product = next(products, None)
    return value_of(product, kind) if product else None


def price_list_template(form: TemplateFormat) -> bytes:
    """The price list to begin with, as a file."""
    if form == "csv":
        text = io.StringIO(newline="")
        csv.writer(text).writerows(TEMPLATE)
        return text.getvalue().encode("utf-8-sig")  # Excel takes it for UTF-8 by its mark
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Prices"
    for row in TEMPLATE:
        sheet.append(row)
    for place, said in enumerate(TEMPLATE[1], 1):
        sheet.cell(1, place).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(place)].width = max(12, len(str(said)) + 2)
    sheet.freeze_panes = "A2"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
