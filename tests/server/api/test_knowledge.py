"""Documents over the API: read at once or as a job, with what was read of them."""

from __future__ import annotations

from tests.support.stack import Stack
from tests.support.waiting import until

PRICES = ("prices.csv", b"Article,Name,Price\nV-1,Blue vase,900 KZT\nB-2,Red bowl,ask\n", "text/csv")


async def test_a_document_is_read_as_a_job_and_its_products_are_listed(stack: Stack):
    begun = await stack.http.post(
        "/api/knowledge/documents", files={"file": PRICES}, headers={"Prefer": "respond-async"}
    )
    assert begun.status_code == 202, begun.text
    assert begun.headers["Preference-Applied"] == "respond-async"
    place = begun.headers["Location"]

    async def over() -> dict:
        job = (await stack.http.get(place)).json()
        return job if job["state"] != "reading" else {}

    job = await until(over)
    document = job["document"]
    assert (job["state"], document["products"], document["words"]) == ("done", 2, document["words_kept"])
    assert document["doubts"] == ["Red bowl (row 3): no price: “ask”"]
    listed = (await stack.http.get(f"/api/knowledge/documents/{document['id']}/products")).json()
    assert [(p["name"], p["price"], p["currency"]) for p in listed["items"]] == [
        ("Red bowl", None, ""),
        ("Blue vase", "900", "KZT"),
    ]
    first = await stack.http.get(f"/api/knowledge/documents/{document['id']}/products", params={"limit": 1})
    assert len(first.json()["items"]) == 1 and first.json()["next_cursor"] == "1"
    assert (await stack.http.delete(f"/api/knowledge/documents/{document['id']}")).status_code == 204


async def test_a_job_that_fails_says_why_and_keeps_the_old_version(stack: Stack):
    good = {"file": ("goods.json", b'[{"name": "Vase", "price": 9}, {"name": "Bowl", "price": 8}]')}
    document = (await stack.http.post("/api/knowledge/documents", files=good)).json()
    begun = await stack.http.post(
        "/api/knowledge/documents", files={"file": ("goods.json", b"[{")}, headers={"Prefer": "respond-async"}
    )

    async def failed() -> str:
        return (await stack.http.get(begun.headers["Location"])).json().get("problem", "")

    assert "goods.json: damaged or not JSON" in await until(failed)
    listed = (await stack.http.get("/api/knowledge/documents")).json()["items"]
    assert [(d["id"], d["products"]) for d in listed if d["name"] == "goods.json"] == [(document["id"], 2)]
    assert (await stack.http.delete(f"/api/knowledge/documents/{document['id']}")).status_code == 204


async def test_an_unknown_job_or_document_is_none(stack: Stack):
    assert (await stack.http.get("/api/knowledge/jobs/x")).status_code == 404
    assert (await stack.http.get("/api/knowledge/documents/x/products")).status_code == 404
