"""The contact's language is heard, and a short word does not change it."""

import json

import pytest

from agent.language.detect import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Сколько стоит доставка?", "ru"),
        ("да", "ru"),
        ("привет", "ru"),
        ("сәлем", "kk"),
        ("Жеткізу қанша тұрады?", "kk"),
        ("Quanto costa la lampada?", "it"),
        ("ciao", "it"),
        ("hola, cuánto cuesta el envío?", "es"),
        ("bom dia, qual o preço", "pt"),
        ("कीमत क्या है", "hi"),
        ("كم السعر", "ar"),
        ("how much is it", "en"),
        ("Was kostet der Versand?", "de"),
        ("", "en"),
        ("👍", "en"),
    ],
)
def test_it_hears_the_language(text: str, language: str):
    assert language_of(text) == language


@pytest.mark.parametrize("text", ["ok", "👍", "123", "anna@example.com", "Aurora", "[image]"])
def test_what_says_nothing_keeps_the_known_language(text: str):
    assert language_of(text, known="ru") == "ru"


@pytest.mark.external_data
def test_real_sentences(external_data):
    rows = [
        json.loads(line)
        for line in (external_data / "09_text" / "language_labelled.jsonl").read_text().splitlines()
    ]
    rows = [row for row in rows if row["lang"] in ("en", "ru", "it", "es", "de", "tr", "hi", "ar")]
    right = sum(language_of(row["text"]) == row["lang"] for row in rows)
    assert right / len(rows) >= 0.95, right / len(rows)
