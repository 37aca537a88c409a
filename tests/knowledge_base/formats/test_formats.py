"""Whatever file a shop has goes in whole: every word in a passage, every row with its header."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from knowledge_base.document import Unreadable
from knowledge_base.load import FORMATS
from knowledge_base.reading import read_apart
from tests.knowledge_base.files import (
    GRID,
    ROWS,
    open_document,
    pdf_lines,
    pdf_table,
    sheet_of,
    slides,
    texts,
    word_document,
    workbook,
    written,
)

pytestmark = pytest.mark.slow


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
    reading = read_apart(table_in(tmp_path, suffix))
    assert reading.document.rows == ROWS
    assert [line for line in texts(reading) if "vase" in line] == [
        "Article: V-1; Name: Blue vase; Price: 900 KZT"
    ]
    first = reading.document.products[0]
    assert (first.article, first.name, str(first.price), first.currency) == ("V-1", "Blue vase", "900", "KZT")
    assert reading.coverage.kept == reading.coverage.words > 8


def test_a_password_is_asked_for_and_opens_the_file(tmp_path: Path):
    path = pdf_lines(tmp_path / "secret.pdf", ["Wholesale terms for our partners"], password="open")
    with pytest.raises(Unreadable, match="needs a password"):
        read_apart(path)
    assert texts(read_apart(path, password="open")) == ["Wholesale terms for our partners"]


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
        "empty.xlsx": workbook(folder / "empty.xlsx", {"S": []}),
        "laughs.yaml": written(folder / "laughs.yaml", laughs),
        "entities.xml": written(folder / "entities.xml", entities),
        "deep.json": written(folder / "deep.json", "[" * 200_000 + "]" * 200_000),
        "torn.json": written(folder / "torn.json", '{"a": 1, '),
        "wide.xlsx": workbook(folder / "wide.xlsx", {"S": [["c"] * 2_000, ["v"] * 2_000]}),
        "picture.png": written(folder / "picture.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40),
        "plain.ods": written(folder / "plain.ods", b"PK\x05\x06" + b"\x00" * 18),
        "zeros.pdf": written(folder / "zeros.pdf", b"\x00" * 1_000_000),
    }


def test_every_hostile_file_is_refused_in_one_plain_line(tmp_path: Path):
    for name, path in hostile(tmp_path).items():
        try:
            reading = read_apart(path, seconds=20)
        except Unreadable as refused:
            assert (
                str(refused).startswith(f"{name}: ") and "\n" not in str(refused) and len(str(refused)) < 300
            )
        else:
            pytest.fail(f"{name} was read: {reading.passages[:1]}")


def test_every_format_of_the_list_has_its_reader_and_the_wrong_ending_is_named(tmp_path: Path):
    for suffix in FORMATS:
        with pytest.raises(Unreadable, match=r"^none\."):
            read_apart(written(tmp_path / f"none{suffix}", b""))
