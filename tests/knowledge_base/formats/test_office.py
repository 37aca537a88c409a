"""Word documents, slides and OpenDocument texts."""

from __future__ import annotations

from pathlib import Path

from knowledge_base.reading import read_apart
from tests.knowledge_base.files import (
    TEXT,
    open_document,
    slides,
    texts,
    word_document,
    written,
)


def test_every_word_of_a_word_document_is_kept_headings_without_text_too(tmp_path: Path):
    path = word_document(
        tmp_path / "hotel.docx", TEXT, [("Room", "Rate"), ("Single", "60 EUR"), ("Double", "85 EUR")]
    )
    reading = read_apart(path)
    assert reading.coverage.share == 1.0 and not reading.coverage.problems
    assert "Room: Single; Rate: 60 EUR" in texts(reading)
    parking = next(passage for passage in reading.passages if "5 EUR" in passage.text)
    assert "Parking" in parking.heading


def test_slides_keep_their_notes_and_open_documents_their_text(tmp_path: Path):
    deck = read_apart(
        slides(
            tmp_path / "deck.pptx",
            "Logo and site",
            [("Service", "Price"), ("Logo", "300 USD")],
            "Until June.",
        )
    )
    assert "Until June." in texts(deck) and "Service: Logo; Price: 300 USD" in texts(deck)
    body = "<office:text><text:h>Delivery</text:h><text:p>It takes<text:s/>two days.</text:p></office:text>"
    letter = read_apart(open_document(tmp_path / "letter.odt", body))
    assert letter.passages[0].heading == "Delivery" and texts(letter) == ["It takes two days."]
    rtf = written(
        tmp_path / "a.rtf", rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2, we sell vases.\par}"
    )
    assert texts(read_apart(rtf)) == ["Привет, we sell vases."]
