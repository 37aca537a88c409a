"""Products over the API: columns corrected, values by hand, two prices asked about, names of their own."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from knowledge_base.reading import read_apart
from tests.support.stack import Stack

ODD = b"Ref;Thing;Netto EUR;Brutto EUR\nV-1;Blue vase;7;9\nB-2;Red bowl;8;10\n"
PRICES = b"Article,Name,Price\nV-1,Blue vase,900 KZT\nB-2,Red bowl,950 KZT\n"


@pytest.fixture
async def api(stack: Stack) -> AsyncIterator[Stack]:
    yield stack
    for document in (await stack.http.get("/api/knowledge/documents")).json()["items"]:
        await stack.http.delete(f"/api/knowledge/documents/{document['id']}")


async def added(stack: Stack, name: str, content: bytes) -> dict:
    answer = await stack.http.post("/api/knowledge/documents", files={"file": (name, content)})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def found(stack: Stack, question: str) -> list[dict[str, str]]:
    """What the agent is told."""
    return (await stack.http.post("/api/knowledge/products/find", json={"question": question})).json()["rows"]


async def test_columns_are_corrected_once_and_hold_at_the_next_upload(api: Stack):
    document = await added(api, "odd.csv", ODD)
    place = f"/api/knowledge/documents/{document['id']}"
    table = (await api.http.get(f"{place}/columns")).json()["items"][0]
    assert [c["header"] for c in table["columns"]] == ["Ref", "Thing", "Netto EUR", "Brutto EUR"]
    said = {"columns": {"Netto EUR": "", "Brutto EUR": "price", "Thing": "name", "Ref": "article"}}
    assert (await api.http.put(f"{place}/columns", json=said)).json()["products"] == 2
    for _ in range(2):
        listed = (await api.http.get(f"{place}/products")).json()["items"]
        assert [(p["article"], p["name"], p["price"]) for p in listed] == [
            ("V-1", "Blue vase", "9"),
            ("B-2", "Red bowl", "10"),
        ]
        await added(api, "odd.csv", ODD.replace(b"Red bowl", b"Red bowl ")[:-1])
    wrong = await api.http.put(f"{place}/columns", json={"columns": {"Netto EUR": "cost"}})
    assert wrong.status_code == 422 and "columns" in wrong.json()["detail"]


async def test_a_value_by_hand_survives_the_next_upload_and_is_asked_about_when_the_file_changes_it(
    api: Stack,
):
    document = await added(api, "prices.csv", PRICES)
    place = f"/api/knowledge/documents/{document['id']}/products"
    vase = next(p for p in (await api.http.get(place)).json()["items"] if p["article"] == "V-1")
    edit = {"field": "price", "value": "990 KZT"}
    assert (await api.http.patch(f"/api/knowledge/products/{vase['key']}", json=edit)).status_code == 200
    await added(api, "prices.csv", PRICES.replace(b"950", b"970"))
    again = next(p for p in (await api.http.get(place)).json()["items"] if p["article"] == "V-1")
    assert (again["price"], again["edited"]) == ("990", ["price"])
    assert (await found(api, "V-1"))[0]["Price"] == "990 KZT"
    tried = (await api.http.post("/api/generate", json={"text": "How much is the blue vase V-1?"})).json()
    assert tried["passages"]
    await added(api, "prices.csv", PRICES.replace(b"900", b"1200"))
    question = (await api.http.get("/api/knowledge/questions")).json()["items"][0]
    assert [o["value"] for o in question["options"]] == ["990 KZT", "1200 KZT"]
    assert "NOT CONFIRMED" in (await found(api, "V-1"))[0]["Price"]
    answer = await api.http.put(f"/api/knowledge/questions/{vase['key']}", json={"value": "1200 KZT"})
    assert answer.status_code == 204
    assert (await found(api, "V-1"))[0]["Price"] == "1200 KZT"
    assert (await api.http.get("/api/knowledge/questions")).json()["items"] == []


async def test_two_prices_are_a_question_and_the_answer_is_kept(api: Stack):
    await added(api, "a.csv", PRICES)
    await added(api, "b.csv", PRICES.replace(b"900", b"920"))
    question = (await api.http.get("/api/knowledge/questions")).json()["items"][0]
    assert (question["article"], question["field"]) == ("V-1", "price")
    place = f"/api/knowledge/questions/{question['product']}"
    said = (await found(api, "V-1"))[0]["Price"]
    assert "900 KZT (a.csv, row 2)" in said and "920 KZT (b.csv, row 2)" in said and "NOT CONFIRMED" in said
    assert (await api.http.put(place, json={"value": "5 KZT"})).status_code == 422
    assert (await api.http.put(place, json={"value": "920 KZT"})).status_code == 204
    assert [row["Price"] for row in await found(api, "V-1")] == ["920 KZT"]
    assert (await api.http.put(place, json={"value": "920 KZT"})).status_code == 404


async def test_the_shop_has_names_of_its_own(api: Stack):
    await added(api, "prices.csv", PRICES)
    assert await found(api, "кувшин") == []
    assert (
        await api.http.put("/api/knowledge/aliases", json={"word": "Кувшин", "meant": "vase"})
    ).status_code == 204
    assert [row["Article"] for row in await found(api, "кувшины есть?")] == ["V-1"]
    assert (await api.http.get("/api/knowledge/aliases")).json()["items"] == [
        {"word": "кувшин", "meant": "vase"}
    ]
    await api.http.put("/api/knowledge/aliases", json={"word": "кувшин", "meant": ""})
    assert (await api.http.get("/api/knowledge/aliases")).json()["items"] == []


@pytest.mark.parametrize("form", ["xlsx", "csv"])
async def test_the_price_list_to_begin_with_is_understood_whole(api: Stack, form: str, tmp_path: Path):
    answer = await api.http.get("/api/knowledge/template", params={"format": form})
    assert answer.status_code == 200 and f"price-list.{form}" in answer.headers["content-disposition"]
    path = tmp_path / f"price-list.{form}"
    path.write_bytes(answer.content)
    first, second = read_apart(path).document.products
    assert (first.article, first.name, str(first.price), first.currency) == (
        "A-100",
        "Blue vase",
        "9000",
        "KZT",
    )
    assert (first.unit, first.stock, first.category, first.variants) == ("piece", "4", "Vases", "30 cm")
    assert (first.valid, first.link) == ("2030-12-31", "https://shop.example") and not second.doubt
    if form == "csv":
        assert len(list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))) == 3
