"""Tables of shops as they are: what is a price of what, and what is said when nothing was understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge_base.document import Document
from knowledge_base.reading import read_apart


def document(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Document:
    (folder / name).write_bytes(text.encode(encoding))
    return read_apart(folder / name).document


def test_two_currencies_are_not_one(tmp_path: Path):
    found = document(tmp_path, "a.csv", "Item;Price USD;Price KZT\nDrone;450;225000\nBattery;49.9;24950\n")
    assert found.products[0].currency == "USD" and "currency" not in found.rows[0]


def test_an_export_of_a_shop_names_variants_and_falls_back_to_the_usual_price(tmp_path: Path):
    shop = "Handle,Title,Variant SKU,Option1 Value,Variant Price\ntee,Tee,TEE-S,S,19\ntee,,TEE-M,M,18\n"
    assert [(p.name, p.article) for p in document(tmp_path, "shop.csv", shop).products] == [
        ("Tee", "TEE-S"),
        ("Tee", "TEE-M"),
    ]
    woo = "SKU,Name,Regular price,Sale price\nW-1,Mug,12.00,9.90\nW-2,Plate,15.00,\n"
    assert [str(p.price) for p in document(tmp_path, "woo.csv", woo).products] == ["9.90", "15.00"]
    google = "id\ttitle\tprice\tsale_price\nG1\tLamp\t39.00 EUR\t29.00 EUR\nG2\tDesk\t99.00 EUR\t\n"
    assert [str(p.price) for p in document(tmp_path, "g.tsv", google).products] == ["29.00", "99.00"]


@pytest.mark.parametrize(
    ("text", "encoding", "price", "currency"),
    [
        ("המוצר;מחיר\nספה כחולה;1200\nשולחן;800\n", "cp1255", "1200", ""),
        ("المنتج;السعر\nقميص أزرق;120 درهم\nحذاء;99 درهم\n", "utf-8", "120", "AED"),
        ("Προϊόν;Τιμή\nΚαφές;2,50 €\nΤσάι;2,00 €\n", "cp1253", "2.50", "EUR"),
        ("Nazwa;Cena\nŁóżko;1200 zł\nKrzesło;99 zł\n", "cp1250", "1200", "PLN"),
        ("Ürün Adı;Fiyat\nŞişe;85,50 TL\nKaşık;9,00 TL\n", "cp1254", "85.50", "TRY"),
    ],
)
def test_price_lists_in_other_scripts(tmp_path: Path, text: str, encoding: str, price: str, currency: str):
    first = document(tmp_path, "a.csv", text, encoding).products[0]
    assert (str(first.price), first.currency) == (price, currency)


def test_a_list_on_a_page_has_its_prices_below_or_beside_its_names(tmp_path: Path):
    page = (
        "<!doctype html><title>Nails</title><body><h2>Manicure</h2><dl><dt>Classic</dt><dd>20 €</dd>"
        "<dt>Gel</dt><dd>35 €</dd><dt>French</dt><dd>38 €</dd></dl><h2>Pedicure</h2><ul>"
        "<li><span>Classic</span> <b>30 €</b></li><li><span>Spa</span> <b>45 €</b></li></ul></body>"
    )
    found = document(tmp_path, "a.html", page).products
    assert [(p.name, str(p.price)) for p in found] == [
        ("Classic", "20"),
        ("Gel", "35"),
        ("French", "38"),
        ("Classic", "30"),
        ("Spa", "45"),
    ]


def test_what_looks_like_a_price_list_and_gave_nothing_is_said(tmp_path: Path):
    table = document(tmp_path, "a.csv", "Name,small,large\nMargherita,8,12\nDiavola,9,13\n")
    assert table.products == [] and "2 rows gave no products; say on Knowledge" in table.problems[0]
    lines = "\n\n".join(f"For {n} EUR you get a fine thing number {n}, today only" for n in range(2, 9))
    assert "7 lines with prices were read as text" in document(tmp_path, "b.txt", lines).problems[0]
    assert document(tmp_path, "c.csv", "Day,Opens\nMonday,9\nSunday,11\n").problems == []
