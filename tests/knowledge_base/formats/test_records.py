"""Product feeds."""

from __future__ import annotations

import json
from pathlib import Path

from knowledge_base.reading import read_apart
from tests.knowledge_base.files import (
    written,
)

FEED = """<?xml version="1.0"?><!DOCTYPE yml_catalog SYSTEM "shops.dtd"><yml_catalog><shop><name>Shop</name>
<categories><category id="2">Кроссовки</category></categories><offers>
<offer id="12" available="true"><price>4500</price><currencyId>RUB</currencyId><categoryId>2</categoryId>
<name>Nike Air</name><vendorCode>NK-1</vendorCode>
<param name="Размер" unit="EU">42</param></offer>
<offer id="13" available="false"><price>5500</price><currencyId>RUB</currencyId><categoryId>2</categoryId>
<name>Puma</name><vendorCode>PM-7</vendorCode></offer>
</offers></shop></yml_catalog>"""


def test_a_product_feed_is_products_with_their_categories(tmp_path: Path):
    first = read_apart(written(tmp_path / "feed.yml", FEED)).document.products[0]
    assert (first.article, str(first.price), first.currency, first.category, first.variants) == (
        "NK-1",
        "4500",
        "RUB",
        "Кроссовки",
        "42 EU",
    )
    google = (
        '<rss xmlns:g="http://base.google.com/ns/1.0"><channel><title>S</title>'
        + "".join(
            f"<item><g:id>T{n}</g:id><title>Tee {n}</title><g:price>12.99 EUR</g:price></item>"
            for n in (1, 2)
        )
        + "</channel></rss>"
    )
    second = read_apart(written(tmp_path / "google.xml", google)).document.products[1]
    assert (second.article, second.name, str(second.price), second.currency) == (
        "T2",
        "Tee 2",
        "12.99",
        "EUR",
    )


def test_a_currency_holds_for_its_own_record_and_for_no_sibling(tmp_path: Path):
    prices = {
        "germany": {"currency": "EUR", "prices": {"Cut": 40, "Colour": 90}},
        "poland": {"currency": "PLN", "prices": {"Cut": 160, "Colour": 360}},
        "vat": "included",
        "updated": "today",
        "hours": "9 to 6",
    }
    found = read_apart(written(tmp_path / "prices.json", json.dumps(prices))).document.products
    assert [(str(p.price), p.currency) for p in found] == [
        ("40", "EUR"),
        ("90", "EUR"),
        ("160", "PLN"),
        ("360", "PLN"),
    ]


def test_what_stands_between_records_is_read_too(tmp_path: Path):
    goods = {f"p{n}": {"name": f"Vase {n}", "price": n, "currency": "EUR"} for n in (1, 2, 3)}
    read = read_apart(written(tmp_path / "goods.json", json.dumps({**goods, "vat": "included"})))
    assert [p.name for p in read.document.products] == ["Vase 1", "Vase 2", "Vase 3"]
    assert "included" in " ".join(passage.text for passage in read.passages)
