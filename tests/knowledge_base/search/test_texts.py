"""What is packed comes back as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.passages import Passage
from knowledge_base.search.texts import Pack, PassageTexts

_texts = st.text(st.characters(), max_size=40)
_passages = st.builds(
    Passage,
    document=st.sampled_from(["a.pdf", "б.csv"]),
    page=st.integers(0, 70_000),
    text=_texts,
    heading=st.sampled_from(["", "Доставка", "Prices"]),
    row=st.integers(0, 5_000),
)


@given(st.lists(st.lists(_passages, max_size=40), max_size=4))
def test_every_passage_of_every_pack_comes_back(documents: list[list[Passage]]):
    texts = PassageTexts([Pack(str(n), "1", "en", passages) for n, passages in enumerate(documents)])
    wanted = [passage for passages in documents for passage in passages]
    assert list(texts) == wanted
    assert [texts[place] for place in range(len(texts))] == wanted
    assert [pack.id for pack in map(texts.pack_of, range(len(texts)))] == [
        str(n) for n, passages in enumerate(documents) for _ in passages
    ]


def test_texts_that_repeat_take_less_memory_than_their_letters():
    rows = [Passage(document="p.csv", page=n, text=f"name: Vase {n}; price: {n}00 EUR") for n in range(1_000)]
    pack = Pack("p", "1", "en", rows)
    assert pack.size < sum(len(row.text) for row in rows)
