"""Products of a shop's pages and programs: offers for search engines, cards, records, feeds by maker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from knowledge_base.document import Product
from knowledge_base.reading import read_apart

pytestmark = pytest.mark.slow


def products(path: Path, text: str) -> list[Product]:
    path.write_text(text, encoding="utf-8")
    reading = read_apart(path)
    assert reading.coverage.share == 1.0, reading.coverage.problems
    return reading.document.products


def test_offers_for_search_engines_are_products(tmp_path: Path):
    offer = {
        "@type": "Offer",
        "price": "450.00",
        "priceCurrency": "EUR",
        "availability": "https://schema.org/InStock",
        "priceValidUntil": "2027-01-31",
    }
    table = {"@type": "Product", "name": "Oak table", "sku": "T-1", "offers": offer}
    page = f"""<!doctype html><html><head><title>Luna</title><script type="application/ld+json">
    {json.dumps({"@context": "https://schema.org", "@graph": [{"@type": "WebPage"}, table]})}</script></head>
    <body><h1>Oak table</h1><p>Made of oak, 450 €</p></body></html>"""
    found = products(tmp_path / "a.html", page)[0]
    assert (found.name, found.article, str(found.price), found.currency) == (
        "Oak table",
        "T-1",
        "450.00",
        "EUR",
    )
    assert (found.stock, found.valid) == ("In Stock", "2027-01-31")
    page = """<!doctype html><title>Luna</title><body><div itemscope itemtype="http://schema.org/Product">
    <span itemprop="name">Ash desk</span><meta itemprop="sku" content="D-1"><div itemprop="offers" itemscope
    itemtype="http://schema.org/Offer"><span itemprop="price" content="390">390</span>
    <meta itemprop="priceCurrency" content="EUR"></div></div></body>"""
    found = products(tmp_path / "b.html", page)[0]
    assert (found.name, found.article, str(found.price), found.currency) == ("Ash desk", "D-1", "390", "EUR")


def test_cards_of_a_shop_are_products_with_the_price_of_now(tmp_path: Path):
    cards = "".join(
        f'<div class="card"><a href="/t{n}"><h3>{name}</h3></a><span class="sku">T-{n}</span>'
        f'<div class="price">{price}</div><button>Buy</button></div>'
        for n, (name, price) in enumerate(
            (("Oak table", "<del>500 €</del> <ins>450 €</ins>"), ("Ash desk", "390 €"), ("Chair", "90 €")), 1
        )
    )
    page = (
        f"<!doctype html><title>Shop</title><body><h1>Tables</h1><div>{cards}</div><p>We deliver for 5 €.</p>"
    )
    found = products(tmp_path / "shop.html", page)
    assert [(p.name, p.article, str(p.price), p.doubt) for p in found] == [
        ("Oak table", "T-1", "450", ""),
        ("Ash desk", "T-2", "390", ""),
        ("Chair", "T-3", "90", ""),
    ]
    assert found[0].link == "/t1"


def test_variants_groups_and_keys_of_records_are_kept(tmp_path: Path):
    variants = [
        {"sku": "T-1-S", "option": "small", "price": {"amount": 450, "currency": "EUR"}, "stock": 3},
        {"sku": "T-1-L", "option": "large", "price": {"amount": 650, "currency": "EUR"}, "stock": 0},
    ]
    shop = {"products": [{"id": 1, "title": "Oak table", "variants": variants}, {"id": 2, "title": "Desk"}]}
    found = products(tmp_path / "a.json", json.dumps(shop))
    assert [(p.article, str(p.price), p.variants) for p in found[:2]] == [
        ("T-1-S", "450", "small"),
        ("T-1-L", "650", "large"),
    ]
    groups = {"Cups": [{"name": "Blue cup", "price": 12}, {"name": "Red cup", "price": 13}]}
    assert [p.category for p in products(tmp_path / "b.json", json.dumps(groups))] == ["Cups", "Cups"]
    keyed = {"T-1": {"name": "Oak table", "price": 450}, "T-2": {"name": "Desk", "price": 390}}
    assert [p.article for p in products(tmp_path / "c.json", json.dumps(keyed))] == ["T-1", "T-2"]


def test_a_feed_may_name_things_by_maker_and_model(tmp_path: Path):
    offers = "".join(
        f'<offer id="{n}"><price>4500</price><currencyId>RUR</currencyId><typePrefix>Дрель</typePrefix>'
        f"<vendor>{maker}</vendor><model>{model}</model><count>4</count></offer>"
        for n, (maker, model) in enumerate((("Bosch", "GSB 13"), ("Makita", "HP1640")))
    )
    feed = f"<yml_catalog><shop><name>S</name><offers>{offers}</offers></shop></yml_catalog>"
    found = products(tmp_path / "feed.yml", feed)
    assert [(p.name, p.stock) for p in found] == [("Дрель Bosch GSB 13", "4"), ("Дрель Makita HP1640", "4")]


def test_a_second_row_of_sizes_names_its_columns(tmp_path: Path):
    text = "Имя;Цвет;Размеры;;;Цена, тг\n;;40;41;42;\nКроссовки;белый;2;0;5;25000\nКеды;серый;1;3;0;18000\n"
    found = products(tmp_path / "a.csv", text)
    assert found[0].variants == "белый, 40: 2, 41: 0, 42: 5" and str(found[0].price) == "25000"
    assert found[0].fields["Размеры 42"] == "5"
    found = products(tmp_path / "b.csv", "Model;40;41;42;Price\nLuna;2;0;5;25000\nSol;1;3;0;18000\n")
    assert found[1].variants == "40: 1, 41: 3, 42: 0" and found[1].name == "Sol"
