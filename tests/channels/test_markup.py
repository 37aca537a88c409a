"""What a model writes as Markdown reads well on WhatsApp."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channels.markup import BUBBLE_LIMIT, MAX_BUBBLES, bubbles, to_whatsapp, utf16_length


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("**bold** and *bold* and _italic_ and ~~gone~~", "*bold* and *bold* and _italic_ and ~gone~"),
        ("2*3*4 = 24", "2*3*4 = 24"),
        ("snake_case_name", "snake_case_name"),
        ("# Title\n\ntext", "*Title*\n\ntext"),
        ("## **Title**", "*Title*"),
        ("[our site](https://a.example/x)", "our site (https://a.example/x)"),
        ("<https://a.example>", "https://a.example"),
        ("- a\n- b\n  - c", "- a\n- b\n  - c"),
        ("1. a\n2. b", "1. a\n2. b"),
        ("|a|b|\n|-|-|\n|1|2|", "a — b\n1 — 2"),
        ("> said", "> said"),
        ("line one\nline two", "line one\nline two"),
        ("5 < 6 & <b>x</b> &amp; y", "5 < 6 & <b>x</b> &amp; y"),
        ("Цена *189 000 ₸*", "Цена *189 000 ₸*"),
        ("", ""),
        ("---", "---"),
        ("[Link]: https://a.example", "[Link]: https://a.example"),
    ],
)
def test_markdown_to_whatsapp(markdown: str, text: str):
    assert to_whatsapp(markdown) == text


@given(st.text(max_size=500))
def test_no_text_breaks_it(text: str):
    assert isinstance(to_whatsapp(text), str)


@given(st.text(min_size=1, max_size=3000), st.integers(10, 200))
@example("00 00000" + "\U00010000" * 5 + "0", 10)
def test_bubbles_fit_and_never_exceed_their_number(text: str, limit: int):
    pieces = bubbles(text, limit)
    assert len(pieces) <= MAX_BUBBLES
    assert all(0 < utf16_length(piece) <= limit for piece in pieces)


@given(st.lists(st.text(alphabet="abcdefgh", min_size=1, max_size=12), min_size=1, max_size=40))
def test_no_word_is_lost_or_cut_while_there_is_room(words: list[str]):
    text = " ".join(words)
    assert " ".join(bubbles(text, limit=200)).split() == words


def test_long_text_is_cut_between_paragraphs():
    first, second = bubbles("a" * (BUBBLE_LIMIT - 100) + "\n\n" + "b" * 300)
    assert (first, second) == ("a" * (BUBBLE_LIMIT - 100), "b" * 300)
