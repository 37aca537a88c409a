"""What an owner corrects holds when the file comes again, and two prices are a question until answered."""

from __future__ import annotations

from pathlib import Path

from agent.documents import Bookshelf
from agent.models.usage import Meter
from knowledge_base.document import Product
from knowledge_base.embed import bundled
from knowledge_base.goods.columns import pack_tables, products_with, understood, unpacked
from knowledge_base.goods.corrections import (
    UNCONFIRMED,
    Answer,
    Corrections,
    Edit,
    corrected,
    product_key,
)
from knowledge_base.goods.products import products_of_rows
from knowledge_base.library import Library, MemoryStore
from knowledge_base.reading import read_apart

VASE = {"Article": "V-1", "Name": "Blue vase", "Price": "900 KZT", "Stock": "4"}
BOWL = {"Article": "B-2", "Name": "Red bowl", "Price": "950 KZT", "Stock": "1"}


def goods(*rows: dict[str, str]) -> list[Product]:
    return products_of_rows(rows)


def test_a_value_by_hand_holds_when_the_document_comes_again():
    key = product_key(goods(VASE)[0])
    edits = {key: {"price": Edit(value="990 KZT", was="900 KZT"), "stock": Edit(value="none", was="4")}}
    for rows in ((VASE, BOWL), (BOWL, {**VASE, "Name": "Vase, blue"})):
        found = corrected({"a.csv": goods(*rows)}, Corrections(edits=edits))
        vase = next(p for p in found.products if p.article == "V-1")
        assert (str(vase.price), vase.stock, set(vase.edited)) == ("990", "none", {"price", "stock"})
        assert vase.fields["Price"] == "990 KZT" and vase.fields["Stock"] == "none"
        assert not found.questions


def test_a_file_that_changes_an_edited_value_is_a_question_and_nobody_states_a_price():
    key = product_key(goods(VASE)[0])
    edits = {
        key: {"price": Edit(value="990 KZT", was="900 KZT"), "name": Edit(value="Vase", was="Blue vase")}
    }
    changed = {**VASE, "Price": "1100 KZT"}
    found = corrected({"a.csv": goods(changed)}, Corrections(edits=edits))
    assert [(q.field, [o.value for o in q.options]) for q in found.questions] == [
        ("price", ["990 KZT", "1100 KZT"])
    ]
    assert found.products[0].price is None and UNCONFIRMED in found.products[0].fields["Price"]
    assert found.products[0].name == "Vase"
    followed = {key: {"price": Edit(value="990 KZT", was="1100 KZT")}}
    assert not corrected({"a.csv": goods(changed)}, Corrections(edits=followed)).questions


def test_two_prices_for_one_product_are_one_question_and_its_answer_holds():
    documents = {"a.csv": goods(VASE, BOWL), "b.csv": goods({**VASE, "Price": "950 KZT"})}
    found = corrected(documents, Corrections())
    assert len(found.products) == 2 and len(found.questions) == 1
    vase = next(p for p in found.products if p.article == "V-1")
    assert vase.price is None and "900 KZT (a.csv, row 1)" in vase.fields["Price"]
    assert "950 KZT (b.csv, row 1)" in vase.fields["Price"] and UNCONFIRMED in vase.fields["Price"]
    question = found.questions[0]
    answer = Answer(value="950 KZT", of=tuple(option.value for option in question.options))
    settled = corrected(documents, Corrections(answers={question.product: answer}))
    assert not settled.questions
    assert [str(p.price) for p in settled.products if p.article == "V-1"] == ["950"]
    later = {"a.csv": goods(VASE), "b.csv": goods({**VASE, "Price": "970 KZT"})}
    assert corrected(later, Corrections(answers={question.product: answer})).questions


def test_the_same_price_twice_another_currency_or_another_size_is_no_question():
    same = {"a.csv": goods(VASE), "b.csv": goods(VASE)}
    assert not corrected(same, Corrections()).questions
    dollars = {"a.csv": goods(VASE), "b.csv": goods({**VASE, "Price": "2 USD"})}
    assert not corrected(dollars, Corrections()).questions
    sizes = goods(*({"Name": "Tee", "Size": size, "Price": f"{n} EUR"} for n, size in ((9, "M"), (12, "XL"))))
    assert len(corrected({"a.csv": sizes}, Corrections()).products) == 2
    finish = goods(
        *({"Name": "Tile", "Finish": f, "Price": f"{n} EUR"} for n, f in ((9, "matt"), (12, "gloss")))
    )
    assert not corrected({"a.csv": finish}, Corrections()).questions
    rows = goods({"Name": "Tea", "Price": "5 EUR"}, {"Name": "Tea", "Price": "6 EUR"})
    assert len(corrected({"a.csv": rows}, Corrections()).questions) == 1


def test_what_an_owner_says_of_columns_holds_without_the_file(tmp_path: Path):
    path = tmp_path / "odd.csv"
    path.write_text("Ref;Thing;Netto;Brutto EUR\nV-1;Blue vase;7;9\nB-2;Red bowl;8;10\n")
    reading = read_apart(path)
    tables = unpacked(pack_tables(reading.document))
    said = {"Brutto EUR": "price", "Netto": "", "Thing": "name"}
    assert [(p.name, str(p.price), p.currency) for p in products_with(tables, said)] == [
        ("Blue vase", "9", "EUR"),
        ("Red bowl", "10", "EUR"),
    ]
    table = understood(tables, said)[0]
    assert [(c.header, c.kind) for c in table.columns][1:] == [
        ("Thing", "name"),
        ("Netto", ""),
        ("Brutto EUR", "price"),
    ]
    assert table.columns[1].samples == ["Blue vase", "Red bowl"] and table.products == 2


class Fixed:
    """Corrections that never change."""

    def __init__(self, corrections: Corrections) -> None:
        self._corrections = corrections

    async def of(self, bot_id: str) -> Corrections:
        return self._corrections


async def test_a_passage_says_what_the_owner_wrote_and_never_the_price_before(tmp_path: Path):
    (tmp_path / "a.csv").write_text("Article,Name,Price\nV-1,Blue vase,900 KZT\nB-2,Red bowl,950 KZT\n")
    edits = {product_key(goods(VASE)[0]): {"price": Edit(value="990 KZT", was="900 KZT")}}
    shop = Library(MemoryStore(), bundled(), corrections=Fixed(Corrections(edits=edits)))
    await shop.add("b", tmp_path / "a.csv")
    texts = [
        quoted["text"] for quoted in await Bookshelf(shop).passages("b", "blue vase V-1", "", 2, Meter())
    ]
    assert any("990 KZT" in text for text in texts) and not any("900 KZT" in text for text in texts)
    assert any("Red bowl; Price: 950 KZT" in text for text in texts)


async def test_a_stock_is_as_old_as_its_file_or_as_what_the_owner_wrote(tmp_path: Path):
    library, file = Library(MemoryStore(), bundled()), tmp_path / "a.csv"
    file.write_text("Article,Name,Price,Stock\nV-1,Blue vase,900 KZT,4\n", encoding="utf-8")
    await library.add("default", file)
    first = (await library.shelf("default")).catalogue.counted("V-1")
    assert first > 1_700_000_000_000
    await library.add("default", file)  # as it was: nothing new is said
    assert (await library.shelf("default")).catalogue.counted("V-1") == first
    file.write_text("Article,Name,Price,Stock\nV-1,Blue vase,900 KZT,9\n", encoding="utf-8")
    await library.add("default", file)
    assert (await library.shelf("default")).catalogue.counted("V-1") > first
    edits = {product_key(goods(VASE)[0]): {"stock": Edit(value="2", was="4", at=77)}}
    found = corrected({"a.csv": goods(VASE, BOWL)}, Corrections(edits=edits), {"a.csv": 5})
    assert [product.counted for product in found.products] == [77, 5]


def test_a_price_list_without_article_numbers_is_compared_by_name():
    coded = goods({"Code": "G-1", "Item": "Garden hose", "Price": "24.99 GBP"})
    typed = goods({"Item": "Garden hose", "Price": "22.99 GBP"})
    for documents in ({"a.csv": coded, "b.txt": typed}, {"b.txt": typed, "a.csv": coded}):
        found = corrected(documents, Corrections())
        assert {o.value for o in found.questions[0].options} == {"24.99 GBP", "22.99 GBP"}
        assert [p.article for p in found.products] == ["G-1"] and found.products[0].price is None
    same = goods({"Item": "Garden hose", "Price": "24.99 GBP"})
    assert not corrected({"a.csv": coded, "b.txt": same}, Corrections()).questions
    sizes = goods(
        {"Code": "G-1", "Item": "Hose", "Price": "9 GBP"}, {"Code": "G-2", "Item": "Hose", "Price": "8"}
    )
    assert not corrected(
        {"a.csv": sizes, "b.txt": goods({"Item": "Hose", "Price": "7"})}, Corrections()
    ).questions
