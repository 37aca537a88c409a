"""Several prices of one thing: all are shown with their names, none is chosen, and none is asked about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.offline.quoting import row_line
from knowledge_base.document import Document
from knowledge_base.goods.catalogue import Catalogue
from knowledge_base.goods.columns import understood
from knowledge_base.goods.corrections import Corrections, corrected
from knowledge_base.reading import read_apart
from tools.find_product import answer_of


def document(folder: Path, text: str, name: str = "a.csv") -> Document:
    (folder / name).write_text(text, encoding="utf-8")
    return read_apart(folder / name).document


@pytest.mark.parametrize(
    ("text", "prices", "doubted"),
    [
        (
            "Pizza;Small;Medium;Large\nMargherita;7,50;9,50;12,00\nDiavola;8,50;10,50;13,00\n",
            {"Small": "7,50", "Medium": "9,50", "Large": "12,00"},
            True,
        ),
        (
            "Цены в тенге\nПицца;30 см;40 см\nМаргарита;1800;2400\nДиабло;2100;2800\n",
            {"30 см": "1800", "40 см": "2400"},
            False,
        ),
        (
            "Article;Name;Retail;Wholesale\nV-1;Vase;900;700\nV-2;Bowl;500;410\n",
            {"Retail": "900", "Wholesale": "700"},
            False,
        ),
        (
            "Товар;Цена розничная, тг;Цена оптовая, тг\nВаза;900;700\nМиска;500;410\n",
            {"Цена розничная, тг": "900", "Цена оптовая, тг": "700"},
            False,
        ),
        (
            "Name,Old price,New price,Currency\nVase,1200,900,KZT\nBowl,600,500,KZT\n",
            {"Old price": "1200", "New price": "900"},
            False,
        ),
        (
            "Name,Price (small/large)\nLatte,900/1200\nMocha,1000/1300\n",
            {"small": "900", "large": "1200"},
            False,
        ),
        ("Name,Price\nLatte,S: 3 €; M: 4 €\nMocha,S: 4 €; M: 5 €\n", {"S": "3 €", "M": "4 €"}, False),
    ],
    ids=["sizes", "diameters", "trade", "trade in Russian", "before and after", "header", "cell"],
)
def test_each_price_has_the_name_that_the_file_gives_it(
    tmp_path: Path, text: str, prices: dict[str, str], doubted: bool
):
    found = document(tmp_path, text).products
    assert len(found) == 2 and found[0].prices == prices and not found[0].variants
    assert [bool(product.doubt) for product in found] == [doubted] * 2


def test_pieces_of_each_size_are_no_prices(tmp_path: Path):
    shoes = document(tmp_path, "Model;Price;41;42;43\nRunner;120;3;0;5\nWalker;90;1;2;2\n").products
    assert [str(p.price) for p in shoes] == ["120", "90"] and not shoes[0].prices
    assert shoes[0].variants == "41: 3, 42: 0, 43: 5"
    assert document(tmp_path, "Model;41;42;43\nRunner;3;0;5\nWalker;1;2;2\nBoot;4;1;9\n").products == []


def test_the_tool_and_the_offline_model_say_all_of_them(tmp_path: Path):
    found = document(tmp_path, "Name;Retail, EUR;Wholesale, EUR\nVase;9;7\nBowl;5;4\n").products
    goods = Catalogue(found)
    said = json.loads(answer_of(goods.find("vase")))
    assert said == [{"Name": "Vase", "Retail, EUR": "9", "Wholesale, EUR": "7"}]
    assert "Retail, EUR: 9" in row_line(said[0], "en") and "Wholesale, EUR: 7" in row_line(said[0], "en")
    assert [row["Name"] for row in goods.find("", max_price=4).rows] == ["Bowl"]
    assert [row["Name"] for row in goods.find("", sort="cheapest").rows] == ["Bowl", "Vase"]


def test_they_are_no_conflict_with_each_other_nor_with_a_list_of_one_of_them(tmp_path: Path):
    both = document(tmp_path, "Name;Retail;Wholesale\nVase;900;700\nBowl;500;400\n").products
    dealers = document(tmp_path, "Name;Price\nVase;700\nBowl;450\n", "b.csv").products
    found = corrected({"a.csv": both, "b.csv": dealers}, Corrections())
    assert [question.name for question in found.questions] == ["Bowl"]


def test_the_owner_says_which_columns_are_prices(tmp_path: Path):
    text = "Name;A;B\nVase;9;7\nBowl;5;4\n"
    table = next(page.table for page in document(tmp_path, text).pages if page.table)
    said = {"A": "price", "B": "price"}
    shown = understood([(1, table)], said)[0]
    assert [column.kind for column in shown.columns] == ["name", "price", "price"] and shown.products == 2
