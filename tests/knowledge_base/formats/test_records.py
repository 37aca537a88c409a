"""Product feeds."""

from __future__ import annotations

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
