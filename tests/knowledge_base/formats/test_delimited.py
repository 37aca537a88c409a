"""Tables as text, in the encoding of whatever program wrote them."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge_base.reading import read_apart
from tests.knowledge_base.files import (
    texts,
    written,
)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Prodotto;Prezzo\nCaffè Perù;12,50\nPerché;3,00\n"),
        ("cp1252", "Artikel;Größe;Preis\nGürtel weiß;M;19,90 €\n"),
        ("cp1250", "Název;Cena\nPříliš žluťoučký kůň;120\n"),
        ("cp1254", "Ürün;Fiyat\nKırmızı şapka;120 TL\nIşıklı ayakkabı;300 TL\n"),
        ("cp1256", "الاسم;السعر\nقميص أزرق;120\n"),
        ("cp1253", "Όνομα;Τιμή\nΜπλε βάζο;120\nΚόκκινο μπολ;95\n"),
        ("koi8-r", "Наименование;Цена\nТуфли чёрные;32500\n"),
        ("cp866", "Наименование;Цена\nТуфли чёрные;32500\n"),
        ("kz1048", "Атауы;Баға\nКөк құмыра;900\nҚызыл тостаған;950\n"),
        ("utf-16", "Name;Price\nVase;900\n"),
        ("utf-16-le", "Name;Price\nVase;900\n"),
        ("utf-8-sig", "Naam;Prijs\nVaas één;900\n"),
    ],
)
def test_a_table_is_read_in_the_encoding_that_its_program_wrote(tmp_path: Path, encoding: str, text: str):
    reading = read_apart(written(tmp_path / "p.csv", text.encode(encoding)))
    header, first = (line.split(";") for line in text.splitlines()[:2])
    assert texts(reading)[0] == "; ".join(f"{name}: {cell}" for name, cell in zip(header, first, strict=True))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("sep=;\nName;Price\nVase;900\n", [{"Name": "Vase", "Price": "900"}]),
        (
            "Наименование;Цена, тг\nТуфли;32 500,50\nТапки;900,00\n",
            [
                {"Наименование": "Туфли", "Цена, тг": "32 500,50"},
                {"Наименование": "Тапки", "Цена, тг": "900,00"},
            ],
        ),
        (
            "Flower shop 2026,,\n,,\nName,Size,Price\nRose,M,25.00\n",
            [{"Name": "Rose", "Size": "M", "Price": "25.00"}],
        ),
        (
            "Product,Price,,Stock\n,Retail,Wholesale,\nVase,10.00,8.00,5\nCup,3.00,2.00,9\n",
            [
                {"Product": "Vase", "Price Retail": "10.00", "Price Wholesale": "8.00", "Stock": "5"},
                {"Product": "Cup", "Price Retail": "3.00", "Price Wholesale": "2.00", "Stock": "9"},
            ],
        ),
        (
            "Vase;900 EUR\nBowl;950 EUR\n",
            [{"name": "Vase", "price": "900 EUR"}, {"name": "Bowl", "price": "950 EUR"}],
        ),
        ("question,answer\nDo you deliver?,Yes\nHow much is it?,5 EUR\n", []),
        ("Day,Opens\nMonday,9\nSunday,11\n", []),
    ],
)
def test_the_header_is_found_and_only_goods_are_products(
    tmp_path: Path, text: str, rows: list[dict[str, str]]
):
    assert read_apart(written(tmp_path / "t.csv", text)).document.rows == rows


def test_a_long_cell_is_kept_to_its_end(tmp_path: Path):
    answer = "We deliver anywhere. " * 200 + "Send returns to 5 Main Street."
    reading = read_apart(
        written(tmp_path / "faq.csv", f'question,answer\nCan I return it?,"{answer}"\nReally?,Yes\n')
    )
    assert "5 Main Street" in texts(reading)[-2] and texts(reading)[-2].startswith("Can I return it?: ")
    assert reading.coverage.share == 1.0


def test_each_price_has_the_decimals_it_shows_and_a_total_is_nothing_to_sell(tmp_path: Path):
    path = tmp_path / "tools.csv"
    rows = "Drill;7890.5\nBit;899.9\nScrewdriver;5 490,00\nUmbrella;0\nИТОГО;14 280\nTotal;14280\n"
    path.write_text(f"Name;Price\n{rows}", encoding="utf-8")
    products = read_apart(path).document.products
    assert [p.name for p in products] == ["Drill", "Bit", "Screwdriver", "Umbrella"]
    assert [float(p.price or 0) for p in products] == [7890.5, 899.9, 5490.0, 0.0]
    assert products[3].doubt == "is this its price: “0”?"


def test_a_brand_or_a_name_that_looks_like_a_total_or_a_header_is_for_sale(tmp_path: Path):
    brands, headed = tmp_path / "brands.csv", tmp_path / "headed.csv"
    brands.write_text("Brand;Name;Price\nTotal;Quartz 5W-30;4500\nShell;Helix;5000\nИТОГО;;9500\n")
    headed.write_text("Article;Coffee;Price\nC1;Coffee;3\nC2;Latte;4\nArticle;Coffee;Price\nC3;Tea;2\n")
    assert [p.name for p in read_apart(brands).document.products] == ["Quartz 5W-30", "Helix"]
    assert [p.name for p in read_apart(headed).document.products] == ["Coffee", "Latte", "Tea"]
