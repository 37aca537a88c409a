"""What a file is shows in its bytes, whatever its name says: read as what it is, unlocked when it may be, or
refused in words that an owner understands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from knowledge_base.document import Unreadable
from knowledge_base.formats.images import reads_images
from knowledge_base.reading import Reading, read_apart
from tests.knowledge_base.files import (
    binary_workbook,
    locked,
    old_workbook,
    pdf_lines,
    picture,
    word_document,
    workbook,
)

pytestmark = pytest.mark.slow

GRID = (("Article", "Name", "Price"), ("V-1", "Blue vase", 900), ("B-2", "Red bowl", 950.5))
PAGE = (
    "<html><meta charset=utf-8><table><tr><th>Article<th>Name<th>Price<tr><td>V-1<td>Blue vase<td>900</table>"
)
TABS = "Article\tName\tPrice\nV-1\tBlue vase\t900\n"
XML_2003 = """<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"
xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="Goods"><Table><Row>
<Cell><Data ss:Type="String">Article</Data></Cell>

<Cell><Data ss:Type="String">Name</Data></Cell>
<Cell ss:Index="4"><Data ss:Type="String">Price</Data></Cell></Row>
<Row ss:Index="3"><Cell><Data ss:Type="String">V-1</Data></Cell>
<Cell><Data ss:Type="String">Blue vase</Data></Cell>
<Cell ss:Index="4"><Data ss:Type="Number">900</Data></Cell></Row></Table></Worksheet></Workbook>"""
MHT = f"""MIME-Version: 1.0
Content-Type: multipart/related; boundary=b

--b
Content-Type: text/html

{PAGE}
--b--
"""


def first(reading: Reading) -> tuple[str, str, str]:
    product = reading.document.products[0]
    return product.article, product.name, str(product.price)


def test_workbooks_of_before_2007_and_binary_ones_are_read(tmp_path: Path):
    title = (("Price list, EUR",), ())
    old = read_apart(
        old_workbook(tmp_path / "old.xls", {"Goods": (*title, *GRID), "Hours": (("Day", "Open"),)})
    )
    binary = read_apart(binary_workbook(tmp_path / "new.xlsb", GRID))
    assert first(old) == first(binary) == ("V-1", "Blue vase", "900")
    assert [p.currency for p in old.document.products] == ["EUR", "EUR"]
    assert str(binary.document.products[1].price) == "950.5"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.xls", PAGE.encode()),
        ("page.doc", PAGE.encode()),
        ("tabs.xls", TABS.encode("utf-16")),
        ("tabs.xlsx", TABS.encode()),
        ("2003.xls", XML_2003.encode()),
        ("2003.xml", XML_2003.encode()),
        ("saved.xls", MHT.encode()),
        ("saved.mht", MHT.encode()),
        ("table.png", b"Article;Name;Price\nV-1;Blue vase;900\n"),
        ("data.txt", b'[{"Article": "V-1", "Name": "Blue vase", "Price": 900}]'),
    ],
)
def test_a_file_with_a_wrong_ending_is_read_as_what_it_is(tmp_path: Path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)
    if name == "data.txt":
        assert "V-1" in read_apart(tmp_path / name).passages[0].text
        return
    assert first(read_apart(tmp_path / name)) == ("V-1", "Blue vase", "900")


def test_office_files_and_pdf_are_known_under_any_name(tmp_path: Path):
    book = workbook(tmp_path / "book.xlsx", {"S": GRID})
    old = old_workbook(tmp_path / "old.xls", {"S": GRID})
    word = word_document(tmp_path / "word.docx", [], GRID)
    for source, names in (
        (book, ("a.csv", "a.xls", "a.xlsb", "a.pdf")),
        (old, ("b.xlsx", "b.csv", "b.txt")),
        (word, ("c.doc", "c.rtf", "c.pptx", "c.jpg")),
    ):
        for name in names:
            assert first(read_apart(Path(shutil.copy(source, tmp_path / name)))) == (
                "V-1",
                "Blue vase",
                "900",
            )
    pdf = pdf_lines(tmp_path / "d.docx", ["We deliver on Mondays, for five euros"])
    assert "Mondays" in read_apart(pdf).passages[0].text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.xlsx", b"PK\x03\x04 and then nothing", "is damaged, its end is missing"),
        ("b.pdf", b"%PDF-1.4\ngarbage", "damaged or not a PDF; open it"),
        ("c.jpg", b"\x00\x00\x00\x18ftypheic" + b"\x00" * 50, "save it as JPG"),
        ("d.pdf", b"Rar!\x1a\x07\x00" + b"\x00" * 50, "unpack it"),
        ("e.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "picture"),
        ("f.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "damaged office file"),
        ("g.docx", b"", "is empty; send it again"),
        ("h.csv", b"MZ\x90" + b"\x00" * 90, "is a program"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_remedy_and_without_a_programmers_word(
    tmp_path: Path, name: str, content: bytes, reason: str
):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Unreadable, match=reason) as refused:
        read_apart(tmp_path / name)
    assert not any(word in str(refused.value) for word in ("Error", "Exception", "Traceback", "("))


def test_the_password_of_an_office_file_is_asked_for_and_opens_it(tmp_path: Path):
    plain = [workbook(tmp_path / "p.xlsx", {"S": GRID}), word_document(tmp_path / "p.docx", [], GRID)]
    for source in plain:
        path = locked(tmp_path / f"locked{source.suffix}", source, "Дверь 7")
        with pytest.raises(Unreadable, match="needs a password"):
            read_apart(path)
        with pytest.raises(Unreadable, match="is not opened by this password") as refused:
            read_apart(path, password="window")
        assert "window" not in str(refused.value)
        assert first(read_apart(path, password="Дверь 7")) == ("V-1", "Blue vase", "900")
    protected = locked(tmp_path / "protected.xlsx", plain[0], "VelvetSweatshop")
    assert first(read_apart(protected)) == ("V-1", "Blue vase", "900")


@pytest.mark.skipif(not reads_images(), reason="tesseract is not installed (apt install tesseract-ocr)")
def test_pictures_and_scans_are_read_by_ocr(tmp_path: Path):
    lines = ["Hair salon price list", "Haircut 25 EUR", "Colouring 60 EUR", "Manicure 30 EUR"]
    photo = picture(tmp_path / "photo.png", lines, 0.5)
    products = read_apart(photo).document.products
    assert [(p.name, str(p.price), p.currency) for p in products] == [
        ("Haircut", "25", "EUR"),
        ("Colouring", "60", "EUR"),
        ("Manicure", "30", "EUR"),
    ]
    from PIL import Image

    scan = tmp_path / "scan.pdf"
    Image.open(photo).convert("RGB").save(scan, "PDF", resolution=150)
    reading = read_apart(scan)
    assert [p.name for p in reading.document.products] == ["Haircut", "Colouring", "Manicure"]
    assert not reading.document.problems


def test_without_ocr_a_picture_is_refused_with_what_an_owner_can_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreadable, match="no OCR; install tesseract, give the bot a model"):
        read_apart(picture(tmp_path / "photo.png", ["Haircut 25 EUR"]))
