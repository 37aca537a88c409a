"""Prices as people type them: units behind them, sizes on one line, signs of their own, words for what is
free."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from knowledge_base.document import Product
from knowledge_base.reading import Reading, read_apart


def reading(folder: Path, name: str, text: str | bytes) -> Reading:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_apart(folder / name)


def brief(found: list[Product]) -> list[tuple[str, str, str]]:
    return [(p.name, str(p.price), p.currency) for p in found]


def test_words_behind_a_price_say_what_it_is_for(tmp_path: Path):
    text = (
        "Serveur : 35 €/heure\nVaisselle : 4 € par personne\nGâteau : à partir de 6 € la part\n"
        "Saç boyama: 800 TL'den başlayan\nLivraison offerte dès 300 €\nEntrega grátis acima de R$ 100\n"
    )
    assert brief(reading(tmp_path, "a.txt", text).document.products) == [
        ("Serveur", "35", "EUR"),
        ("Vaisselle", "4", "EUR"),
        ("Gâteau", "6", "EUR"),
        ("Saç boyama", "800", "TRY"),
    ]


def test_sizes_with_their_prices_on_one_line_are_the_prices_of_one_thing(tmp_path: Path):
    text = "PIZZERIA\n\nMargherita   S 6.50 / M 8.50 / L 11.00\nFunghi       S 7.00 / M 9.00 / L 11.50\n"
    text += "Diavola      S 7.50 / M 9.50 / L 12.00\n\nPrices in EUR\n"
    pizza = reading(tmp_path, "a.txt", text).document.products[0]
    assert (pizza.name, pizza.currency) == ("Margherita", "EUR")
    assert pizza.prices == {"S": "6.50", "M": "8.50", "L": "11.00"}
    cakes = reading(
        tmp_path,
        "b.txt",
        "🍰 *Медовик* — 1 кг 4500₸, 2 кг 8500₸\n🍰 *Наполеон* — 1 кг 5000₸, 2 кг 9500₸\n",
    ).document.products
    assert brief(cakes) == [("Медовик", "4500", "KZT"), ("Наполеон", "5000", "KZT")]
    assert cakes[0].prices == {"1 кг": "4500₸", "2 кг": "8500₸"}


def test_dots_and_measures_are_no_part_of_a_price(tmp_path: Path):
    text = "Пайка цепочки .............. 800 руб.\nЧистка ............. 500 руб.\nFicus 1,5 m 49,00 €\n"
    assert [(p.name, str(p.price)) for p in reading(tmp_path, "a.txt", text).document.products] == [
        ("Пайка цепочки", "800"),
        ("Чистка", "500"),
        ("Ficus 1,5 m", "49.00"),
    ]


@pytest.mark.parametrize(
    ("text", "price"),
    [("Espresso — 2€50\nVin — 5€\n", "2.50"), ("قهوة ١٢٫٥٠ ر.س\nشاي ٨ ر.س\n", "12.50")],
)
def test_decimals_are_read_as_they_are_written(tmp_path: Path, text: str, price: str):
    assert str(reading(tmp_path, "a.txt", text).document.products[0].price) == price


def test_thousands_of_arabic_are_read(tmp_path: Path):
    found = reading(tmp_path, "a.csv", "المنتج,السعر\nحذاء,١٬٢٥٠ ر.س\nقميص,٨٩ ر.س\n").document.products
    assert [str(p.price) for p in found] == ["1250", "89"]


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16"])
def test_chinese_is_read_in_the_encodings_of_its_programs(tmp_path: Path, encoding: str):
    text = "商品名,規格,單價(元)\n綠茶,250,68\n普洱茶,357,128\n茉莉花茶,100,39.9\n"
    found = reading(tmp_path, "a.csv", text.encode(encoding)).document.products
    assert [(p.name, str(p.price)) for p in found] == [
        ("綠茶", "68"),
        ("普洱茶", "128"),
        ("茉莉花茶", "39.9"),
    ]


def test_a_record_of_names_with_prices_is_a_price_list(tmp_path: Path):
    data = {"shop": "Laundry", "currency": "EUR", "prices": {"Shirt": 2.5, "Wedding dress": "from 60"}}
    assert brief(reading(tmp_path, "a.json", json.dumps(data)).document.products) == [
        ("Shirt", "2.5", "EUR"),
        ("Wedding dress", "60", "EUR"),
    ]


def test_a_column_of_codes_is_no_name_whatever_it_is_called(tmp_path: Path):
    text = "Articolo;Descrizione;Prezzo €\nCL-01;Coltello da pane;19,90\nCL-02;Affilacoltelli;12,00\n"
    found = reading(tmp_path, "a.csv", text).document.products
    assert [(p.name, p.article) for p in found] == [
        ("Coltello da pane", "CL-01"),
        ("Affilacoltelli", "CL-02"),
    ]


def test_a_list_of_terms_on_a_page_keeps_each_with_its_price(tmp_path: Path):
    html = (
        "<dl><dt>Apfelkuchen</dt><dd>3,20 € das Stück</dd><dt>Käsekuchen</dt><dd>3,60 € das Stück</dd></dl>"
    )
    found = reading(tmp_path, "a.html", html).document.products
    assert brief(found) == [("Apfelkuchen", "3.20", "EUR"), ("Käsekuchen", "3.60", "EUR")]


def test_lines_with_numbers_that_gave_no_products_are_said(tmp_path: Path):
    text = (
        "Welcome to our nail studio in the old town, where we have worked for many years with love.\n\n"
        "Manicure 25\nPedicure 35\n\n"
        "We look forward to seeing you, and to making your day a little better than it was before.\n\n"
        "Please call us before you come, because we are often busy with other guests in the evening.\n"
    )
    found = reading(tmp_path, "a.txt", text).document
    assert found.products or any("lines with prices" in problem for problem in found.problems)
