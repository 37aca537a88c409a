"""Articles that look like words of another language, prices bounded behind the number, articles of Arabic and
Hebrew, and writing without spaces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from knowledge_base.goods.catalogue import Catalogue
from knowledge_base.load import read_file

FILTERS = [
    {"sku": "AB-10", "name": "Oil filter", "price": "9.5"},
    {"sku": "AB-100", "name": "Air filter", "price": "14"},
    {"sku": "BIS-50", "name": "Cabin filter", "price": "18"},
]
TEAS = (
    "货号,品名,单价（元）,库存\nLJ-01,龙井茶 250克,168,20\nPE-02,普洱熟茶 357克,98,0\nBC-03,白瓷茶壶,320,5\n"
)


def names(rows: list[Mapping[str, str]], question: str) -> list[str]:
    """The names of what a question finds, none where something that it asks for is missing."""
    found = Catalogue.of_rows(rows).find(question)
    return [] if found.missing or found.apart else [row["name"] for row in found.rows]


@pytest.mark.parametrize(
    ("question", "found"),
    [("AB-10", "Oil filter"), ("AB-100?", "Air filter"), ("wie teuer ist BIS-50", "Cabin filter")],
)
def test_an_article_that_begins_with_a_word_for_from_is_no_bound(question: str, found: str):
    assert names(FILTERS, question) == [found]


NECKLACES = [
    {"name": "Gold kolye алқа हार", "price": "12500", "currency": "TRY"},
    {"name": "Pearl kolye алқа हार", "price": "1250", "currency": "TRY"},
]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("2000 TL altında kolye", "Pearl"),
        ("kolye 2000'den fazla", "Gold"),
        ("2000 дейін алқа", "Pearl"),
        ("2000 से कम हार", "Pearl"),
        ("kolye 2000 TL üzerinde", "Gold"),
        ("kolye ab 2000 TL", "Gold"),
        ("kolye, not more than 2000", "Pearl"),
        ("kolye for more than 2000", "Gold"),
    ],
)
def test_a_bound_behind_its_number_is_read(question: str, found: str):
    assert [name.split()[0] for name in names(NECKLACES, question)] == [found]


@pytest.mark.parametrize(
    ("row", "question"),
    [
        ({"name": "بخور", "price": "75"}, "بكم البخور؟"),
        ({"name": "כיסא עץ", "price": "250"}, "כמה עולה הכיסא?"),
        ({"name": "Vitamin D3", "price": "9"}, "витамин д3"),
        ({"name": "Доска обрезная 50×150×6000", "price": "900"}, "доска 50х150"),
        ({"Pizza": "Marinara", "name": "Marinara", "price 40 cm": "12"}, "marinara 40 cm"),
        ({"name": "Oak", "80x200": "140", "90x200": "150"}, "oak door 80x200"),
    ],
)
def test_what_is_said_around_a_name_does_not_hide_it(row: dict[str, str], question: str):
    found = Catalogue.of_rows([row]).find(question)
    assert [r["name"] for r in found.rows] == [row["name"]]
    assert set(found.missing) <= {"door"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize(
    ("question", "articles"),
    [
        ("PE-02", ["PE-02"]),
        ("龙井茶多少钱？", ["LJ-01"]),
        ("请问你们有普洱吗", ["PE-02"]),
        ("普洱熟茶", ["PE-02"]),
        ("有没有茶壶", ["BC-03"]),
        ("200元以下的茶", ["LJ-01", "PE-02"]),
        ("不超过100元的茶", ["PE-02"]),
        ("200元以上的茶", ["BC-03"]),
        ("最便宜的茶", ["PE-02", "LJ-01", "BC-03"]),
    ],
)
def test_a_chinese_price_list_is_searched(tmp_path: Path, encoding: str, question: str, articles: list[str]):
    path = tmp_path / "价目表.csv"
    path.write_bytes(TEAS.encode(encoding))
    document, _ = read_file(path)
    found = Catalogue(document.products).find(question)
    assert ([row["货号"] for row in found.rows], found.missing) == (articles, ())


def test_what_a_chinese_price_list_has_not_is_said():
    rows = [{"name": "龙井茶 250克", "price": "168"}, {"name": "普洱熟茶", "price": "98"}]
    assert Catalogue.of_rows(rows).find("咖啡机").missing


@pytest.mark.parametrize("name", ["prices.xlsx", "prices.xls"])
def test_a_table_of_commas_that_calls_itself_a_workbook_is_a_table(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_text("code,name,price USD\nQ1,Desk lamp,35\nQ2,Floor lamp,80\n", encoding="utf-8")
    document, _ = read_file(path)
    assert [(p.article, p.name, str(p.price)) for p in document.products] == [
        ("Q1", "Desk lamp", "35"),
        ("Q2", "Floor lamp", "80"),
    ]


def test_the_caption_of_a_table_is_read(tmp_path: Path):
    path = tmp_path / "shop.html"
    path.write_text(
        "<html><body><p>We pour them by hand.</p><table><caption>Candles</caption>"
        "<tr><th>Scent</th><th>Price</th></tr><tr><td>Cedar</td><td>9 EUR</td></tr></table></body></html>",
        encoding="utf-8",
    )
    document, _ = read_file(path)
    assert "Candles" in "\n".join(page.text for page in document.pages) + document.products[0].title
