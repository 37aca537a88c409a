"""Files of a small shop in every format, written by the libraries that people's programs use."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl
from docx import Document
from fpdf import FPDF
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
