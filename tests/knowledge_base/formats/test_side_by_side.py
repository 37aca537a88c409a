"""Price lists that stand side by side on a page: no thing gets the price of its neighbour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fpdf import FPDF
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.load import read_file
from knowledge_base.reading import read_apart

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
# (name, price, remark); a name alone is a heading.
Line = tuple[str, ...]


def menu(path: Path, title: str, columns: Sequence[Sequence[Line]], *, dots: bool = False) -> Path:
    """A page with a title across it and columns of names with their prices at the right."""
    page = FPDF()
    page.add_page()
    page.set_font("Helvetica", size=18)
    page.text((210 - page.get_string_width(title)) / 2, 20, title)
    width = 180 / len(columns)
    for place, column in enumerate(columns):
        left, y = 15 + place * width, 35.0
        right = left + width - 12
        for name, *rest in column:
            page.set_font("Helvetica", size=10 if rest else 13)
            page.text(left, y, name)
            if rest:
                page.text(start := right - page.get_string_width(rest[0]), y, rest[0])
                if dots:
                    begin = left + page.get_string_width(name) + 1
                    page.text(begin, y, "." * int((start - begin - 1) / page.get_string_width(".")))
            if len(rest) > 1:
                page.set_font("Helvetica", size=7)
                page.text(left, y := y + 4, rest[1])
            y += 6
    page.output(str(path))
    return path


LEFT: list[Line] = [
    ("Starters",),
    ("Onion soup", "6.50"),
    ("Beef carpaccio", "13.50"),
    ("Pasta",),
    ("Lasagne", "13.40"),
    ("Gnocchi with sage", "11.20"),
]
RIGHT: list[Line] = [
    ("From the grill",),
    ("Ribeye steak 300 g", "28.00"),
    ("Lamb chops", "24.50"),
    ("Sea bass", "21.00"),
    ("Desserts",),
    ("Tiramisu", "6.90"),
]


def brief(path: Path) -> list[tuple[str, str, str]]:
    reading = read_apart(path)
    assert reading.coverage.share == 1.0, reading.coverage.problems
    return [(p.name, str(p.price), p.category) for p in reading.document.products]


def priced(column: Sequence[Line]) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    heading = ""
    for name, *rest in column:
        heading = heading if rest else name
        found += [(name, rest[0], heading)] if rest else []
    return found


def test_two_columns_of_a_menu_are_two_lists(tmp_path: Path):
    path = menu(tmp_path / "menu.pdf", "The Olive Tree (prices in EUR)", [LEFT, RIGHT])
    assert brief(path) == priced(LEFT) + priced(RIGHT)
    assert {p.currency for p in read_apart(path).document.products} == {"EUR"}


def test_three_columns_with_dots_are_three_lists(tmp_path: Path):
    third: list[Line] = [("Drinks",), ("Cola", "3.20"), ("Water", "2.80"), ("Beer", "4.30")]
    path = menu(tmp_path / "menu.pdf", "Menu", [LEFT, RIGHT, third], dots=True)
    assert brief(path) == priced(LEFT) + priced(RIGHT) + priced(third)


def test_what_is_in_a_dish_stays_with_the_dish(tmp_path: Path):
    left: list[Line] = [
        ("Primi",),
        ("Carbonara", "EUR 12,00", "guanciale, uova, pecorino"),
        ("Cacio e pepe", "EUR 11,00", "tonnarelli freschi"),
        ("Lasagne", "EUR 12,50", "ricetta della nonna"),
    ]
    right: list[Line] = [
        ("Dolci",),
        ("Cannolo", "EUR 4,50", "ricotta fresca"),
        ("Affogato", "EUR 5,00"),
        ("Torta", "EUR 6,00"),
    ]
    products = read_apart(menu(tmp_path / "menu.pdf", "Da Gino", [left, right])).document.products
    assert [(p.name, p.category) for p in products] == [
        ("Carbonara", "Primi"),
        ("Cacio e pepe", "Primi"),
        ("Lasagne", "Primi"),
        ("Cannolo", "Dolci"),
        ("Affogato", "Dolci"),
        ("Torta", "Dolci"),
    ]
    assert "guanciale, uova, pecorino" in products[0].fields.values()
    assert len({(p.page, p.row) for p in products}) == 6


def test_a_table_with_words_behind_its_prices_stays_one(tmp_path: Path):
    page = FPDF()
    page.add_page()
    page.set_font("Helvetica", size=10)
    rows = [("Paint", "Price", "Unit", "Stock"), ("White paint", "12.50", "bucket", "14")]
    rows += [(f"Brush {n}", f"{n}.90", "piece", f"{n * 7}") for n in range(2, 9)]
    for number, row in enumerate(rows):
        for x, cell in zip((15, 70, 110, 150), row, strict=True):
            page.text(x, 30 + 7 * number, cell)
    page.output(str(tmp_path / "table.pdf"))
    found = read_apart(tmp_path / "table.pdf").document.products
    assert [p.name for p in found] == [row[0] for row in rows[1:]]
    assert (found[0].unit, found[0].stock) == ("bucket", "14")


NAMES = st.text("abcdefghijklmnoprstuvw", min_size=4, max_size=9).map(str.title)
COLUMN = st.lists(
    st.tuples(NAMES, st.decimals(1, 200, places=2).map(str)),
    min_size=4,
    max_size=12,
    unique_by=lambda row: row[0],
)


@given(left=COLUMN, right=COLUMN)
def test_every_name_keeps_its_own_price(
    tmp_path_factory: object, left: list[tuple[str, str]], right: list[tuple[str, str]]
):
    path = Path(tmp_path_factory.mktemp("menus")) / "menu.pdf"  # pyright: ignore
    found = read_file(menu(path, "Menu of the house", [left, right]))[0].products
    assert [(p.name, str(p.price)) for p in found] == [*left, *right]
