"""Workbooks as Excel shows them."""

from __future__ import annotations

from pathlib import Path

from knowledge_base.reading import read_apart
from tests.knowledge_base.files import (
    texts,
    workbook,
)


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
    reading = read_apart(path)
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
    reading = read_apart(tmp_path / "hidden.xlsx")
    assert not any("111" in text for text in texts(reading))
    said = " ".join(reading.document.problems)
    assert "“Suppliers” is hidden" in said and "1 hidden columns" in said and "formulas in C3" in said


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
    reading = read_apart(workbook(tmp_path / "1c.xlsx", {"TDSheet": grid}))
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
    reading = read_apart(workbook(tmp_path / "two.xlsx", {"Sheet1": grid}))
    assert "Route: Airport; Price, EUR: 30" in texts(reading)
    assert [(p.name, str(p.price), p.unit) for p in reading.document.products][1:3] == [
        ("Double", "85", "night"),
        ("Airport", "30", ""),
    ]
