"""Files of every kind and condition: read, or named with the reason."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base import library, passage_vectors
from knowledge_base.document import Document, PageText, Unreadable, normalise
from knowledge_base.embed import bundled
from knowledge_base.passages import PASSAGE_CHARACTERS, split_document
from knowledge_base.reading import read_apart
from knowledge_base.samples import sample_files

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("path", sample_files(), ids=lambda path: path.name)
def test_the_samples_are_read_whole(path: Path):
    document = read_apart(path).document
    assert not document.problems
    text = " ".join(page.text for page in document.pages)
    expected = {
        "catalogue-en.pdf": "449,000 ₸",
        "delivery-and-warranty-en.pdf": "1,500 ₸",
        "spravka-ru.pdf": "449 000 ₸",
        "price-list.csv": "189000",
    }
    assert expected[path.name] in text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.pdf", b"", "is empty"),
        ("b.pdf", b"%PDF-1.4\ngarbage", "damaged or not a PDF"),
        ("c.docm", b"x", "unknown format"),
        ("d.md", b"  \n", "holds no text"),
        ("e.csv", b"name,price\n", "no rows"),
        ("g.csv", b'name,price\n"' + b"x" * 200_000, "not a table"),
        ("f.txt", bytes(range(1, 32)) * 9, "is not text"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_line(tmp_path: Path, name: str, content: bytes, reason: str):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Unreadable) as refused:
        read_apart(path)
    assert str(refused.value).startswith(name)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_slow_file_is_given_up(tmp_path: Path):
    path = tmp_path / "slow.pdf"
    path.write_bytes(sample_files()[0].read_bytes())
    with pytest.raises(Unreadable, match="took longer"):
        read_apart(path, seconds=0.01)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("deep.html", b"<" * 20_000),
        ("nested.html", b"<div><table><tr>" * 100_000),
        ("wide.csv", b",".join(b"c%d" % n for n in range(100_000)) + b"\n1\n"),
        ("long.csv", b"name;price\n" + b"vase;1\n" * 30_000),
        ("heads.md", b"#" * 300_000),
        ("dashes.txt", b"-\n" * 150_000 + b"a word here"),
        ("open.csv", b'"' * 500_000),
    ],
)
def test_a_hostile_file_of_any_format_costs_no_more_than_its_share(tmp_path: Path, name: str, content: bytes):
    path = tmp_path / name
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        read_apart(path, seconds=6)
    except Unreadable as refused:
        assert str(refused).startswith(name) and "\n" not in str(refused)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 8


def test_a_file_that_would_fill_the_memory_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "full.txt"
    path.write_bytes(b"a word and more " * 2_000_000)
    with pytest.raises(Unreadable, match=r"full\.txt: "):
        read_apart(path)


def test_html_shows_what_a_reader_sees(tmp_path: Path):
    path = tmp_path / "a.html"
    path.write_text(
        "<head><title>x</title></head><p>Delivery costs</p><script>hidden()</script><p>1 500 tenge today</p>"
    )
    text = read_apart(path).document.pages[0].text
    assert "1 500 tenge" in text and "hidden" not in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
@pytest.mark.parametrize("comma", [",", ";", "\t"])
def test_a_price_list_in_any_dialect(tmp_path: Path, encoding: str, comma: str):
    path = tmp_path / "p.csv"
    path.write_bytes(f"name{comma}price\nВаза{comma}900\n".encode(encoding))
    assert read_apart(path).document.rows == [{"name": "Ваза", "price": "900"}]


@given(st.text(max_size=300))
def test_normalised_text_is_clean(text: str):
    normal = normalise(text)
    assert "\x00" not in normal and "\u00ad" not in normal
    normal.encode("utf-8")


@given(st.lists(st.text(max_size=1500), max_size=4))
def test_passages_are_small_and_keep_their_page(texts: list[str]):
    pages = [PageText(number=i, text=normalise(text)) for i, text in enumerate(texts, 1)]
    for passage in split_document(Document(name="d", pages=pages)):
        assert 0 < len(passage.text) <= 2 * PASSAGE_CHARACTERS
        assert 1 <= passage.page <= len(pages)


@given(st.lists(st.text(alphabet="abcdef", min_size=1, max_size=9), min_size=1, max_size=300))
def test_no_word_gets_lost_between_passages(words: list[str]):
    document = Document(name="d", pages=[PageText(number=1, text=" ".join(words))])
    assert " ".join(p.text for p in split_document(document)).split() == words


@pytest.mark.external_data
def test_real_pdfs_are_read_or_named(external_data: Path):
    rows = [
        json.loads(line) for line in (external_data / "10_pdf" / "manifest.jsonl").read_text().splitlines()
    ]
    paths = sorted((external_data / "10_pdf").rglob("*.pdf"), key=lambda path: path.stat().st_size)
    assert len(rows) > 100
    count = 0
    for path in paths[:: max(1, len(paths) // 30)]:
        try:
            reading = read_apart(path, seconds=8)
        except Unreadable as refused:
            assert path.name in str(refused)
            continue
        count += 1
        assert all("\x00" not in page.text for page in reading.document.pages)
        assert reading.passages
    assert count >= 10


async def test_a_document_that_takes_too_long_is_refused_and_not_half_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(passage_vectors, "EMBEDDING_SECONDS", -1)
    (tmp_path / "long.md").write_text("word " * 5_000)
    books = library.Library(library.MemoryStore(), bundled())
    with pytest.raises(Unreadable, match=r"long\.md: only 0 of \d+ passages .* add it in parts"):
        await books.add("b", tmp_path / "long.md")
    assert await books.documents("b") == []
