"""Orders over HTTP: found, moved on, exported; what an order cannot become; what is left of them when their
contact is erased."""

from __future__ import annotations

import csv
import io
import json
import zipfile

from server.orders.book import OrderBook
from server.orders.records import Payment
from tests.support.people.customers import talk
from tests.support.shop.orders import placed
from tests.support.stack import Stack, redis_of
from tests.support.waiting import until


async def test_orders_are_listed_by_pages_and_filters(stack: Stack):
    _, one = await talk(stack, "hello there")
    async with redis_of(stack) as redis:
        made = [await placed(redis, one) for _ in range(3)]
    assert [order.number for order in made] == list(range(made[0].number, made[0].number + 3))
    asked = {"conversation_id": one, "limit": "2"}
    first = (await stack.http.get("/api/orders", params=asked)).json()
    assert len(first["items"]) == 2 and first["next_cursor"]
    rest = (await stack.http.get("/api/orders", params={**asked, "cursor": first["next_cursor"]})).json()
    assert rest["next_cursor"] is None
    found = {row["id"] for row in (*first["items"], *rest["items"])}
    assert found == {order.id for order in made}
    assert first["items"][0]["total"] == "265001" and first["items"][0]["lines"][1]["quantity"] == 2
    none = await stack.http.get("/api/orders", params={"conversation_id": one, "state": "paid"})
    assert none.json()["items"] == []
    later = await stack.http.get("/api/orders", params={"conversation_id": one, "since": "9999999999999"})
    assert later.json()["items"] == []
    assert (await stack.http.get("/api/orders", params={"cursor": "?"})).status_code == 400
    assert (await stack.http.get("/api/orders/nothing")).status_code == 404


async def test_an_order_moves_on_and_its_customer_is_told_once(stack: Stack):
    contact, one = await talk(stack, "hello there")
    async with redis_of(stack) as redis:
        order = await placed(redis, one)
    before = len(stack.replies(contact))
    address = f"/api/orders/{order.id}"
    shown = (await stack.http.patch(address, json={"state": "paid", "note": "by card"})).json()
    assert shown["state"] == "paid" and shown["next"] == ["packed", "sent", "done", "cancelled"]
    assert shown["history"][-1]["note"] == "by card" and shown["history"][-1]["by"]
    await stack.http.patch(address, json={"state": "paid"})
    await until(lambda: len(stack.replies(contact)) > before)
    await stack.http.patch(address, json={"state": "done"})
    await until(lambda: len(stack.replies(contact)) > before + 1)
    await until(stack.idle)
    assert stack.replies(contact)[before:] == [
        f"Order {order.number} is paid. Thank you!",
        f"Order {order.number} is done. Thank you!",
    ]
    refused = await stack.http.patch(address, json={"state": "sent"})
    assert refused.status_code == 409 and "can become nothing else" in refused.json()["detail"]
    assert (await stack.http.patch(address, json={"state": "new"})).status_code == 422
    assert (await stack.http.patch("/api/orders/nothing", json={"state": "paid"})).status_code == 404
    transcript = (await stack.http.get(f"/api/conversations/{one}")).json()["messages"]
    assert any(line["text"] == f"Order {order.number} is paid. Thank you!" for line in transcript)


async def test_a_reader_looks_and_changes_nothing(stack: Stack):
    _, one = await talk(stack, "hello there")
    async with redis_of(stack) as redis:
        order = await placed(redis, one)
    made = (await stack.http.post("/api/tokens", json={"name": "reader", "role": "read_only"})).json()
    mine = {"Authorization": f"Bearer {made['token']}"}
    assert (await stack.http.get(f"/api/orders/{order.id}", headers=mine)).status_code == 200
    refused = await stack.http.patch(f"/api/orders/{order.id}", json={"state": "paid"}, headers=mine)
    assert refused.status_code == 403


async def test_a_table_of_orders_holds_no_formula(stack: Stack):
    _, one = await talk(stack, "hello there")
    async with redis_of(stack) as redis:
        order = await placed(redis, one)
    answer = await stack.http.get("/api/orders", params={"conversation_id": one, "format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["number"], row["article"], row["quantity"], row["sum"]) for row in rows] == [
        (str(order.number), "AU-ONE", "1", "189000"),
        (str(order.number), "GR-PEB", "2", "76001"),
    ]
    assert {row["name"] for row in rows} == {"'=Ann"} and {row["phone"] for row in rows} == {"+77010000001"}


async def test_the_orders_of_a_person_are_exported_and_erased_with_them(stack: Stack):
    _, one = await talk(stack, "hello there")
    async with redis_of(stack) as redis:
        order = await placed(redis, one)
        archive = zipfile.ZipFile(io.BytesIO((await stack.http.get(f"/api/contacts/{one}/export")).content))
        [kept] = json.loads(archive.read("orders.json"))
        assert kept["id"] == order.id and json.loads(archive.read("cart.json"))["lines"] == []
        assert (await stack.http.delete(f"/api/contacts/{one}")).status_code in (200, 204)
        assert (await stack.http.get(f"/api/orders/{order.id}")).status_code == 404
        assert await redis.zscore("sg:{default}:order_index", order.id) is None
        assert not await redis.exists(f"sg:{{default}}:cart:{one}", f"sg:{{default}}:orders:{one}")


async def test_the_code_of_a_bill_is_given_by_whoever_may_write(stack: Stack):
    _, one = await talk(stack, "hello there")
    async with redis_of(stack) as redis:
        billed = await placed(redis, one, payment=Payment(way="whatsapp"))
        other = await placed(redis, one)
    code = {"code": "00020101021226700014br.gov.bcb.pix"}
    for _ in range(2):
        shown = await stack.http.put(f"/api/orders/{billed.id}/payment-code", json=code)
        assert shown.status_code == 200 and shown.json()["payment"]["code"] == code["code"]
    refused = await stack.http.put(f"/api/orders/{other.id}/payment-code", json=code)
    assert refused.status_code == 409 and "not paid by a bill" in refused.json()["detail"]
    assert (await stack.http.put("/api/orders/nothing/payment-code", json=code)).status_code == 404
    async with redis_of(stack) as redis:
        sent = Payment(way="whatsapp", code=code["code"], reference=billed.id)
        await OrderBook(redis).revise(
            "default", billed.id, lambda order: order.model_copy(update={"payment": sent})
        )
    changed = {"code": "another code"}
    late = await stack.http.put(f"/api/orders/{billed.id}/payment-code", json=changed)
    assert late.status_code == 409 and "another code" in late.json()["detail"]
