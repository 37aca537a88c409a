"""Files of a small shop in every format, written by the libraries that people's programs use."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl
from docx import Document
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont
from pptx import Presentation
from pptx.util import Inches

from knowledge_base.reading import Reading

Grid = Sequence[Sequence[object]]


def workbook(path: Path, sheets: dict[str, Grid], formats: dict[str, str] | None = None) -> Path:
    """An XLSX of these sheets; `formats` are number formats by column letter."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, grid in sheets.items():
        sheet = book.create_sheet(title)
        for row in grid:
            sheet.append(list(row))
        for letter, pattern in (formats or {}).items():
            for cell in sheet[letter]:
                cell.number_format = pattern
    book.save(path)
    return path


def word_document(path: Path, text: Sequence[tuple[str, str]], grid: Grid = ()) -> Path:
    """A DOCX of (style, text) paragraphs and a table at its end."""
    document = Document()
    for style, line in text:
        document.add_paragraph(line, style=style)
    if grid:
        table = document.add_table(rows=len(grid), cols=len(grid[0]))
        for place, row in enumerate(grid):
            for column, value in enumerate(row):
                table.cell(place, column).text = str(value)
    document.save(str(path))
    return path


def slides(path: Path, title: str, grid: Grid, notes: str) -> Path:
    """A PPTX of one slide with a table."""
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = title
    frame = slide.shapes.add_table(len(grid), len(grid[0]), Inches(1), Inches(2), Inches(6), Inches(2))
    for place, row in enumerate(grid):
        for column, value in enumerate(row):
            frame.table.cell(place, column).text = str(value)
    slide.notes_slide.notes_text_frame.text = notes
    deck.save(str(path))
    return path


def open_document(path: Path, body: str) -> Path:
    """An ODT or ODS around the XML of its body."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = f"<office:document-content {spaces}><office:body>{body}</office:body></office:document-content>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", content)
    return path


def sheet_of(grid: Grid) -> str:
    """The body of an ODS with one sheet."""
    rows = "".join(
        "<table:table-row>"
        + "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in row)
        + "</table:table-row>"
        for row in grid
    )
    return f'<office:spreadsheet><table:table table:name="Sheet1">{rows}</table:table></office:spreadsheet>'


def pdf_table(path: Path, title: str, grid: Grid) -> Path:
    """A PDF of a ruled table whose cells break into lines and which goes on over pages."""
    pdf = FPDF()
    pdf.set_font("Helvetica", size=10)
    pdf.add_page()
    pdf.cell(0, 10, title, new_x="LMARGIN", new_y="NEXT")
    with pdf.table() as table:
        for row in grid:
            table.row([str(cell) for cell in row])
    pdf.output(str(path))
    return path


def pdf_lines(path: Path, lines: Sequence[str], angle: int = 0, password: str = "") -> Path:
    """A PDF of lines of text, turned by so many degrees."""
    pdf = FPDF()
    pdf.set_font("Helvetica", size=11)
    if password:
        pdf.set_encryption(owner_password=password, user_password=password)
    pdf.add_page()
    with pdf.rotation(angle, 60, 150):
        for place, line in enumerate(lines):
            pdf.text(20, 40 + 8 * place, line)
    pdf.output(str(path))
    return path


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


TEXT = [
    ("Title", "Hotel Sol"),
    ("Heading 1", "Parking"),
    ("Normal", "A place costs 5 EUR a night."),
    ("Heading 1", "Pets are welcome"),
]


def old_workbook(path: Path, sheets: dict[str, Grid]) -> Path:
    """An XLS as programs of before 2007 write it."""
    import xlwt

    book = xlwt.Workbook()
    for title, grid in sheets.items():
        sheet = book.add_sheet(title)
        for place, row in enumerate(grid):
            for column, value in enumerate(row):
                sheet.write(place, column, value)
    book.save(str(path))
    return path


def binary_workbook(path: Path, grid: Grid) -> Path:
    """An XLSB of one sheet, record by record as [MS-XLSB] has them."""

    def record(kind: int, body: bytes = b"") -> bytes:
        first = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
        size, length = b"", len(body)
        while length > 127:
            size, length = size + bytes([length & 0x7F | 0x80]), length >> 7
        return first + size + bytes([length]) + body

    def text(said: str) -> bytes:
        return struct.pack("<I", len(said)) + said.encode("utf-16-le")

    cells = b""
    for place, row in enumerate(grid):
        cells += record(0, struct.pack("<II", place, 0) + bytes(17))
        for column, value in enumerate(row):
            at = struct.pack("<II", column, 0)
            number = isinstance(value, (int, float))
            cells += record(5, at + struct.pack("<d", value)) if number else record(6, at + text(str(value)))
    sheet = record(129) + record(148, struct.pack("<IIII", 0, len(grid), 0, len(grid[0])))
    sheet += record(145) + cells + record(146) + record(130)
    bundle = struct.pack("<II", 0, 1) + text("rId1") + text("Goods")
    book = record(131) + record(143) + record(156, bundle) + record(144) + record(132)
    base = "http://schemas.openxmlformats.org"
    kinds = "application/vnd.openxmlformats-package.relationships+xml"
    relation = f"{base}/officeDocument/2006/relationships"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{base}/package/2006/content-types"><Default Extension="rels" '
            f'ContentType="{kinds}"/><Default Extension="bin" '
            'ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>',
        )
        for name, kind, target in (
            ("_rels/.rels", "officeDocument", "xl/workbook.bin"),
            ("xl/_rels/workbook.bin.rels", "worksheet", "worksheets/sheet1.bin"),
        ):
            archive.writestr(
                name,
                f'<Relationships xmlns="{base}/package/2006/relationships"><Relationship Id="rId1" '
                f'Type="{relation}/{kind}" Target="{target}"/></Relationships>',
            )
        archive.writestr("xl/workbook.bin", book)
        archive.writestr("xl/worksheets/sheet1.bin", sheet)
    return path


def locked(path: Path, plain: Path, password: str) -> Path:
    """An office file under a password."""
    from msoffcrypto.format.ooxml import OOXMLFile

    with open(plain, "rb") as file, open(path, "wb") as target:
        OOXMLFile(file).encrypt(password, target)
    return path


def picture(path: Path, lines: Sequence[str], angle: float = 0) -> Path:
    """A picture of lines of text, as a scanner or a phone takes it."""
    image = Image.new("RGB", (1200, 120 + 70 * len(lines)), "white")
    font = ImageFont.load_default(size=36)
    for place, line in enumerate(lines):
        ImageDraw.Draw(image).text((60, 60 + 70 * place), line, fill="black", font=font)
    image.rotate(angle, expand=True, fillcolor="white").save(path)
    return path
