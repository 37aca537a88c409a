"""The tables of a document, kept beside its products so that an owner can say what a column holds without the
file: what was understood of each, and the products under the owner's words."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, Field, TypeAdapter

from knowledge_base.document import Document, Product, Table
from knowledge_base.goods.prices import price_columns
from knowledge_base.goods.products import columns_of, products_of

# What a column may be said to hold; empty: nothing that a product has.
ColumnKind = Literal[
    "",
    "name",
    "article",
    "price",
    "old_price",
    "currency",
    "unit",
    "stock",
    "category",
    "variants",
    "picture",
    "link",
    "valid",
]
# Bytes of tables that are kept, before they are packed: of a larger document what an owner says of columns
# holds from the next upload on.
MOST_KEPT = 32 * 1024 * 1024
# Cells that show what stands in a column, and characters of each.
SAMPLES, SAMPLE_LENGTH = 3, 60

_Tables = TypeAdapter(list[tuple[int, Table]])


class Column(BaseModel):
    """A column of a table as it was understood."""

    header: str = Field(description="Its header; `column 3` where it has none")
    kind: ColumnKind = Field(description="What it is taken for; empty: for nothing that a product has")
    samples: list[str] = Field(description="What stands in its first rows")


class UnderstoodTable(BaseModel):
    """A table of a document as it was understood."""

    page: int = Field(description="The page or sheet it stands on")
    title: str = Field(description="What stands above it")
    rows: int = Field(description="How many rows it has")
    products: int = Field(description="How many products were read from it")
    columns: list[Column] = Field(description="Its columns, in order")


def pack_tables(document: Document) -> bytes:
    """The tables of a document, small; empty when they are too large to be kept."""
    tables = [(page.number, page.table) for page in document.pages if page.table]
    written = _Tables.dump_json(tables)
    return zlib.compress(written, 6) if tables and len(written) <= MOST_KEPT else b""


def unpacked(tables: bytes) -> list[tuple[int, Table]]:
    """The tables of a document with their pages."""
    return _Tables.validate_json(zlib.decompress(tables)) if tables else []


def products_with(tables: Sequence[tuple[int, Table]], said: Mapping[str, str]) -> list[Product]:
    """The products of tables when headers mean what the owner says they do: header -> kind of column."""
    return [product for page, table in tables for product in products_of(table, page, said)]


def understood(tables: Sequence[tuple[int, Table]], said: Mapping[str, str]) -> list[UnderstoodTable]:
    """What each table was taken for."""
    return [
        UnderstoodTable(
            page=page,
            title=table.title,
            rows=len(table.rows),
            products=len(products_of(table, page, said)),
            columns=_columns(table, said),
        )
        for page, table in tables
    ]


def _columns(table: Table, said: Mapping[str, str]) -> list[Column]:
    columns = columns_of(table, said)
    kinds = dict.fromkeys(price_columns(table, columns, said), "price")
    kinds |= {place: kind for kind, place in columns.items() if kind != "variants" or place not in kinds}
    names = table.header or ("",) * len(table.rows[0].cells)
    return [
        Column.model_validate(
            {
                "header": name or f"column {place + 1}",
                "kind": kinds.get(place, "") if kinds.get(place, "") in _KINDS else "",
                "samples": [
                    row.cells[place][:SAMPLE_LENGTH] for row in table.rows[: 4 * SAMPLES] if row.cells[place]
                ][:SAMPLES],
            }
        )
        for place, name in enumerate(names)
    ]


_KINDS = frozenset(ColumnKind.__args__)
