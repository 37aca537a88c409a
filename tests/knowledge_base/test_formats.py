"""Whatever file a shop has goes in whole: every word in a passage, every row with its header."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from knowledge_base.document import Unreadable
from knowledge_base.load import FORMATS
from knowledge_base.reading import Reading, read
from tests.knowledge_base.files import (
    open_document,
    pdf_lines,
    pdf_table,
    sheet_of,
    slides,
    word_document,
    workbook,
)

GRID = (("Article", "Name", "Price"), ("V-1", "Blue vase", "900 KZT"), ("B-2", "Red bowl", "950 KZT"))
ROWS = [
    {"Article": "V-1", "Name": "Blue vase", "Price": "900 KZT"},
    {"Article": "B-2", "Name": "Red bowl", "Price": "950 KZT"},
]


def texts(reading: Reading) -> list[str]:
    return [passage.text for passage in reading.passages]


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table_in(folder: Path, suffix: str) -> Path:
    """The same two products in a file of this format."""
    path = folder / f"goods{suffix}"
    records = [dict(zip(GRID[0], row, strict=True)) for row in GRID[1:]]
    cells = [",".join(row) for row in GRID]
    made = {
        ".xlsx": lambda: workbook(path, {"Sheet1": GRID}),
        ".docx": lambda: word_document(path, [], GRID),
        ".pptx": lambda: slides(path, "Our goods", GRID, ""),
        ".ods": lambda: open_document(path, sheet_of(GRID)),
        ".pdf": lambda: pdf_table(path, "Our goods", GRID),
        ".csv": lambda: written(path, "\n".join(cells)),
        ".tsv": lambda: written(path, "\n".join(cells).replace(",", "\t")),
        ".json": lambda: written(path, json.dumps(records)),
        ".jsonl": lambda: written(path, "\n".join(map(json.dumps, records))),
        ".yaml": lambda: written(path, "\n".join(f"- {json.dumps(record)}" for record in records)),
        ".md": lambda: written(
            path, "\n".join(["| " + " | ".join(r) + " |" for r in (GRID[0], ("---",) * 3, *GRID[1:])])
        ),
        ".html": lambda: written(
            path, "<table>" + "".join("<tr><td>" + "<td>".join(row) for row in GRID) + "</table>"
        ),
        ".xml": lambda: written(
            path,
            "<shop>"
            + "".join(
                "<item>" + "".join(f"<{k}>{v}</{k}>" for k, v in r.items()) + "</item>" for r in records
            )
            + "</shop>",
        ),
    }
    return made[suffix]()


@pytest.mark.parametrize(
    "suffix",
    [
        ".xlsx",
        ".docx",
        ".pptx",
        ".ods",
        ".pdf",
        ".csv",
        ".tsv",
        ".json",
        ".jsonl",
        ".yaml",
        ".md",
        ".html",
        ".xml",
    ],
)
def test_a_table_is_rows_with_their_header_and_products_in_every_format(tmp_path: Path, suffix: str):
    reading = read(table_in(tmp_path, suffix))
    assert reading.document.rows == ROWS
    assert [line for line in texts(reading) if "vase" in line] == [
        "Article: V-1; Name: Blue vase; Price: 900 KZT"
    ]
    first = reading.document.products[0]
    assert (first.article, first.name, str(first.price), first.currency) == ("V-1", "Blue vase", "900", "KZT")
    assert reading.coverage.kept == reading.coverage.words > 8


TEXT = [
    ("Title", "Hotel Sol"),
    ("Heading 1", "Parking"),
    ("Normal", "A place costs 5 EUR a night."),
    ("Heading 1", "Pets are welcome"),
]


def test_every_word_of_a_word_document_is_kept_headings_without_text_too(tmp_path: Path):
    path = word_document(
        tmp_path / "hotel.docx", TEXT, [("Room", "Rate"), ("Single", "60 EUR"), ("Double", "85 EUR")]
    )
    reading = read(path)
    assert reading.coverage.share == 1.0 and not reading.coverage.problems
    assert "Room: Single; Rate: 60 EUR" in texts(reading)
    parking = next(passage for passage in reading.passages if "5 EUR" in passage.text)
    assert "Parking" in parking.heading


def test_slides_keep_their_notes_and_open_documents_their_text(tmp_path: Path):
    deck = read(
        slides(
            tmp_path / "deck.pptx",
            "Logo and site",
            [("Service", "Price"), ("Logo", "300 USD")],
            "Until June.",
        )
    )
    assert "Until June." in texts(deck) and "Service: Logo; Price: 300 USD" in texts(deck)
    body = "<office:text><text:h>Delivery</text:h><text:p>It takes<text:s/>two days.</text:p></office:text>"
    letter = read(open_document(tmp_path / "letter.odt", body))
    assert letter.passages[0].heading == "Delivery" and texts(letter) == ["It takes two days."]
    rtf = written(
        tmp_path / "a.rtf", rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2, we sell vases.\par}"
    )
    assert texts(read(rtf)) == ["Привет, we sell vases."]


def test_short_lines_are_text_and_a_list_of_prices_is_products(tmp_path: Path):
    path = written(tmp_path / "salon.txt", "Haircut 25 EUR\n\nColouring 60 EUR\n\nManicure 30 EUR\n")
    reading = read(path)
    assert texts(reading) == ["Haircut: 25 EUR", "Colouring: 60 EUR", "Manicure: 30 EUR"]
    assert [(p.name, str(p.price), p.currency) for p in reading.document.products][:1] == [
        ("Haircut", "25", "EUR")
    ]
    salon = "Салон Лилия\n\nЧасы работы\nПн-Пт 10:00-20:00\n\nАдрес\nул. Абая 10, Алматы\n"
    reading = read(written(tmp_path / "salon-ru.txt", salon))
    assert reading.coverage.share == 1.0
    assert any("10:00-20:00" in text for text in texts(reading))


def test_a_dotted_menu_keeps_the_price_with_its_dish(tmp_path: Path):
    lines = [
        "Trattoria Sole",
        *(
            f"{dish} {'.' * 40} {price}"
            for dish, price in (("Margherita", "8.50"), ("Marinara", "7.00"), ("Diavola", "9.00"))
        ),
    ]
    reading = read(pdf_lines(tmp_path / "menu.pdf", lines))
    assert "Margherita: 8.50" in texts(reading)


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_turned_page_is_read_line_by_line(tmp_path: Path, angle: int):
    lines = ["Hotel rates 2026", "Single room 60 EUR", "Double room 85 EUR", "Suite 150 EUR"]
    reading = read(pdf_lines(tmp_path / "rates.pdf", lines, angle))
    assert texts(reading)[1:] == ["Single room: 60 EUR", "Double room: 85 EUR", "Suite: 150 EUR"]


def test_a_table_over_several_pages_of_a_pdf_keeps_cells_of_several_lines_together(tmp_path: Path):
    rows = [
        (f"T-{n}", f"Porcelain tile for floors, white and glossy, number {n}", "60x60", f"{n}.50", n)
        for n in range(100, 190)
    ]
    path = pdf_table(
        tmp_path / "tiles.pdf", "Tiles, prices in EUR", [("Article", "Name", "Size", "Price", "Stock"), *rows]
    )
    products = read(path).document.products
    assert [p.article for p in products] == [row[0] for row in rows]
    assert [p.name for p in products] == [row[1] for row in rows]
    assert {p.currency for p in products[:20]} == {"EUR"}


def test_a_password_is_asked_for_and_opens_the_file(tmp_path: Path):
    path = pdf_lines(tmp_path / "secret.pdf", ["Wholesale terms for our partners"], password="open")
    with pytest.raises(Unreadable, match="needs a password"):
        read(path)
    assert texts(read(path, password="open")) == ["Wholesale terms for our partners"]


def test_a_workbook_is_read_as_excel_shows_it(tmp_path: Path):
    grid = [
        ("Prices of doors 2026",),
        (),
        ("Code", "Name", "Price", "Margin"),
        ("Interior",),
        (7, "Oak", 1234.5, 0.15),
        (8, "Ash", 990, 0.2),
    ]
    path = workbook(
        tmp_path / "doors.xlsx",
        {"Doors": grid, "Hours": [("Day", "Open"), ("Monday", "9 to 18")]},
        {"A": "0000", "C": '#,##0.00 "₸"', "D": "0%"},
    )
    reading = read(path)
    assert reading.document.rows[0] == {
        "Code": "0007",
        "Name": "Oak",
        "Price": "1234.50 ₸",
        "Margin": "15%",
        "category": "Interior",
    }
    oak = next(p for p in reading.passages if "Oak" in p.text)
    assert (oak.page, oak.row, "Interior" in oak.heading) == (1, 5, True)
    assert "Day: Monday; Open: 9 to 18" in texts(reading) and "Prices of doors 2026" in texts(reading)


def test_what_is_hidden_in_a_workbook_or_has_no_result_is_named_and_not_read(tmp_path: Path):
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    for row in (("Name", "Cost", "Price"), ("Vase", 111, 900), ("Bowl", 222, "=B3*2")):
        sheet.append(row)
    sheet.column_dimensions["B"].hidden = True
    book.create_sheet("Suppliers").sheet_state = "hidden"
    book.save(tmp_path / "hidden.xlsx")
    reading = read(tmp_path / "hidden.xlsx")
    assert not any("111" in text for text in texts(reading))
    said = " ".join(reading.document.problems)
    assert "“Suppliers” is hidden" in said and "1 hidden columns" in said and "formulas in C3" in said


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
    reading = read(written(tmp_path / "p.csv", text.encode(encoding)))
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
    assert read(written(tmp_path / "t.csv", text)).document.rows == rows


def test_a_long_cell_is_kept_to_its_end(tmp_path: Path):
    answer = "We deliver anywhere. " * 200 + "Send returns to 5 Main Street."
    reading = read(
        written(tmp_path / "faq.csv", f'question,answer\nCan I return it?,"{answer}"\nReally?,Yes\n')
    )
    assert "5 Main Street" in texts(reading)[-2] and texts(reading)[-2].startswith("Can I return it?: ")
    assert reading.coverage.share == 1.0


FEED = """<?xml version="1.0"?><!DOCTYPE yml_catalog SYSTEM "shops.dtd"><yml_catalog><shop><name>Shop</name>
<categories><category id="2">Кроссовки</category></categories><offers>
<offer id="12" available="true"><price>4500</price><currencyId>RUB</currencyId><categoryId>2</categoryId>
<name>Nike Air</name><vendorCode>NK-1</vendorCode>
<param name="Размер" unit="EU">42</param></offer>
<offer id="13" available="false"><price>5500</price><currencyId>RUB</currencyId><categoryId>2</categoryId>
<name>Puma</name><vendorCode>PM-7</vendorCode></offer>
</offers></shop></yml_catalog>"""


def test_a_product_feed_is_products_with_their_categories(tmp_path: Path):
    first = read(written(tmp_path / "feed.yml", FEED)).document.products[0]
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
    second = read(written(tmp_path / "google.xml", google)).document.products[1]
    assert (second.article, second.name, str(second.price), second.currency) == (
        "T2",
        "Tee 2",
        "12.99",
        "EUR",
    )


PAGE = """<!doctype html><title>Sofas</title><body><nav>Home About</nav>
<div class="cookie-banner">We use cookies</div>
<h1>Sofas</h1><p>Made in Riga.<h2>Bella</h2><p>It costs 499 EUR.<div>short</div>
<footer>Brivibas 5, Riga</footer>"""


def test_a_page_without_a_closed_head_is_read_without_its_menu(tmp_path: Path):
    reading = read(written(tmp_path / "shop.html", PAGE))
    said = "\n".join(texts(reading))
    assert "It costs 499 EUR." in said and "Brivibas 5" in said and "short" in said
    assert "cookies" not in said and "About" not in said
    assert reading.coverage.share == 1.0


def hostile(folder: Path) -> dict[str, Path]:
    """Files that are no documents, whatever their names say."""
    bomb = folder / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 300_000_000)
    laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    entities = (
        '<!DOCTYPE z [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefg", "bcdefgh", strict=True))
        + "]><z>&h;</z>"
    )
    return {
        "bomb.xlsx": bomb,
        "locked.docx": written(folder / "locked.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600),
        "torn.xlsx": written(
            folder / "torn.xlsx", workbook(folder / "whole.xlsx", {"S": GRID}).read_bytes()[:900]
        ),
        "text.docx": written(folder / "text.docx", "just a text"),
        "wrong.pptx": Path(shutil.copy(word_document(folder / "word.docx", TEXT), folder / "wrong.pptx")),
        "empty.xlsx": workbook(folder / "empty.xlsx", {"S": []}),
        "laughs.yaml": written(folder / "laughs.yaml", laughs),
        "entities.xml": written(folder / "entities.xml", entities),
        "deep.json": written(folder / "deep.json", "[" * 200_000 + "]" * 200_000),
        "torn.json": written(folder / "torn.json", '{"a": 1, '),
        "wide.xlsx": workbook(folder / "wide.xlsx", {"S": [["c"] * 2_000, ["v"] * 2_000]}),
        "picture.png": written(folder / "picture.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40),
        "plain.rtf": written(folder / "plain.rtf", "no rich text"),
        "plain.ods": written(folder / "plain.ods", b"PK\x05\x06" + b"\x00" * 18),
        "zeros.pdf": written(folder / "zeros.pdf", b"\x00" * 1_000_000),
    }


def test_every_hostile_file_is_refused_in_one_plain_line(tmp_path: Path):
    for name, path in hostile(tmp_path).items():
        try:
            reading = read(path, seconds=20)
        except Unreadable as refused:
            assert (
                str(refused).startswith(f"{name}: ") and "\n" not in str(refused) and len(str(refused)) < 300
            )
        else:
            pytest.fail(f"{name} was read: {reading.passages[:1]}")


def test_every_format_of_the_list_has_its_reader_and_the_wrong_ending_is_named(tmp_path: Path):
    for suffix in FORMATS:
        with pytest.raises(Unreadable, match=r"^none\."):
            read(written(tmp_path / f"none{suffix}", b""))


def test_a_price_list_as_accounting_programs_write_it_has_its_groups_and_currency(tmp_path: Path):
    grid = [
        ["ООО «Ромашка»"],
        ["Валюта: тенге"],
        [],
        ["", "", "Номенклатура", "Артикул", "Ед.", "Розничная цена", "Остаток"],
        ["", "", "Краски"],
        ["", "", "Краска белая 5 л", "КР-001", "шт", 5500, 12],
        ["", "", "Кисти"],
        ["", "", "Кисть 50 мм", "КС-050", "шт", 900, 100],
        [],
        ["", "", "Цены до 31.12.2026"],
    ]
    reading = read(workbook(tmp_path / "1c.xlsx", {"TDSheet": grid}))
    products = reading.document.products
    assert [(p.article, p.category, p.currency, p.unit, p.stock) for p in products] == [
        ("КР-001", "Краски", "KZT", "шт", "12"),
        ("КС-050", "Кисти", "KZT", "шт", "100"),
    ]
    assert any("31.12.2026" in text for text in texts(reading)) and reading.coverage.share == 1.0


def test_two_tables_on_one_sheet_keep_their_own_headers(tmp_path: Path):
    grid = [
        ["Rooms"],
        ["Room", "Price per night, EUR"],
        ["Single", 60],
        ["Double", 85],
        [],
        ["Transfers"],
        ["Route", "Price, EUR"],
        ["Airport", 30],
        ["Station", 15],
    ]
    reading = read(workbook(tmp_path / "two.xlsx", {"Sheet1": grid}))
    assert "Route: Airport; Price, EUR: 30" in texts(reading)
    assert [(p.name, str(p.price), p.unit) for p in reading.document.products][1:3] == [
        ("Double", "85", "night"),
        ("Airport", "30", ""),
    ]


def test_no_price_is_put_together_from_two(tmp_path: Path):
    rows = "".join(
        f"<tr><td>A-{n}</td><td>Tea {n}</td><td>{price}</td></tr>"
        for n, price in enumerate(("<s>400</s> 350", "<span>1200</span><span>990</span>", "<b>500</b>"), 1)
    )
    page = f"<table><tr><th>SKU</th><th>Name</th><th>Price</th></tr>{rows}</table>"
    path = tmp_path / "tea.html"
    path.write_text(page, encoding="utf-8")
    products = read(path).document.products
    assert [(str(p.price), bool(p.doubt)) for p in products] == [
        ("350", False),
        ("1200", True),
        ("500", False),
    ]


def test_each_price_has_the_decimals_it_shows_and_a_total_is_nothing_to_sell(tmp_path: Path):
    path = tmp_path / "tools.csv"
    rows = "Drill;7890.5\nBit;899.9\nScrewdriver;5 490,00\nUmbrella;0\nИТОГО;14 280\nTotal;14280\n"
    path.write_text(f"Name;Price\n{rows}", encoding="utf-8")
    products = read(path).document.products
    assert [p.name for p in products] == ["Drill", "Bit", "Screwdriver", "Umbrella"]
    assert [float(p.price or 0) for p in products] == [7890.5, 899.9, 5490.0, 0.0]
    assert products[3].doubt == "is this its price: “0”?"


def test_a_brand_or_a_name_that_looks_like_a_total_or_a_header_is_for_sale(tmp_path: Path):
    brands, headed = tmp_path / "brands.csv", tmp_path / "headed.csv"
    brands.write_text("Brand;Name;Price\nTotal;Quartz 5W-30;4500\nShell;Helix;5000\nИТОГО;;9500\n")
    headed.write_text("Article;Coffee;Price\nC1;Coffee;3\nC2;Latte;4\nArticle;Coffee;Price\nC3;Tea;2\n")
    assert [p.name for p in read(brands).document.products] == ["Quartz 5W-30", "Helix"]
    assert [p.name for p in read(headed).document.products] == ["Coffee", "Latte", "Tea"]
