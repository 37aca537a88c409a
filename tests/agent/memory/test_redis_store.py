"""LangGraph's store over Redis does what LangGraph's own does, for one bot."""

from __future__ import annotations

import pytest
from langgraph.store.base import GetOp, ListNamespacesOp, MatchCondition, PutOp, SearchOp
from langgraph.store.memory import InMemoryStore

from agent.memory.redis_store import RedisItemStore, WrongNamespace

A, B = ("b", "ana", "notes"), ("b", "bob", "notes")


@pytest.fixture
def store(redis) -> RedisItemStore:
    return RedisItemStore(redis, "sg:{b}:store", "b")


async def test_an_item_is_put_changed_and_taken_back(store: RedisItemStore):
    assert await store.aget(A, "allergy") is None
    await store.aput(A, "allergy", {"text": "nuts", "more": [1, {"x": "й"}]})
    first = await store.aget(A, "allergy")
    assert first and first.value == {"text": "nuts", "more": [1, {"x": "й"}]} and first.namespace == A
    await store.aput(A, "allergy", {"text": "milk"})
    second = await store.aget(A, "allergy")
    assert second and second.value == {"text": "milk"}
    assert second.created_at == first.created_at and second.updated_at >= first.updated_at
    await store.adelete(A, "allergy")
    assert await store.aget(A, "allergy") is None
    await store.adelete(A, "allergy")


async def test_search_is_by_prefix_and_filter_in_pages(store: RedisItemStore):
    for n in range(5):
        await store.aput(A, f"k{n}", {"n": n, "even": n % 2 == 0})
    await store.aput(B, "k0", {"n": 0, "even": True})
    assert [item.key for item in await store.asearch(A)] == ["k4", "k3", "k2", "k1", "k0"]
    assert len(await store.asearch(("b",))) == 6
    assert {item.key for item in await store.asearch(A, filter={"even": True})} == {"k0", "k2", "k4"}
    assert {item.key for item in await store.asearch(A, filter={"n": {"$gte": 3}})} == {"k3", "k4"}
    assert [item.key for item in await store.asearch(A, limit=2, offset=1)] == ["k3", "k2"]
    assert await store.asearch(("b", "nobody")) == []
    with pytest.raises(NotImplementedError, match="leave `query` out"):
        await store.asearch(A, query="nuts")


async def test_namespaces_are_listed_as_langgraph_lists_them(store: RedisItemStore):
    own, known = InMemoryStore(), [A, B, ("b", "ana", "orders"), ("b", "a:b/c*", "notes")]
    for name in known:
        await store.aput(name, "k", {"v": 1})
        await own.aput(name, "k", {"v": 1})
    for asked in (
        {},
        {"prefix": ("b", "ana")},
        {"suffix": ("notes",)},
        {"max_depth": 2},
        {"prefix": ("b", "*", "notes")},
        {"limit": 2, "offset": 1},
    ):
        assert await store.alist_namespaces(**asked) == await own.alist_namespaces(**asked), asked


async def test_a_batch_answers_in_its_order(store: RedisItemStore):
    await store.aput(A, "k", {"v": 0})
    ops = [
        GetOp(A, "k"),
        PutOp(A, "k", {"v": 1}),
        PutOp(A, "k", {"v": 2}),
        SearchOp(("b",)),
        ListNamespacesOp((MatchCondition("prefix", ("b",)),)),
    ]
    got, _, _, found, names = await store.abatch(ops)
    assert got.value == {"v": 0} and [item.value for item in found] == [{"v": 0}] and names == [A]
    assert (await store.aget(A, "k")).value == {"v": 2}


async def test_what_a_turn_reads_is_found_without_a_walk_through_all_keys(store: RedisItemStore, redis):
    await store.aput(A, "k", {"v": 1})
    before = await redis.info("commandstats")
    assert [item.key for item in await store.asearch(A)] == ["k"]
    assert await store.asearch(("b", "nobody", "notes")) == []
    after = await redis.info("commandstats")
    assert after.get("cmdstat_scan") == before.get("cmdstat_scan")


@pytest.mark.parametrize("name", [("b",), ("b", "ana", "notes", "more")])
async def test_a_namespace_has_two_parts_or_three(store: RedisItemStore, name: tuple[str, ...]):
    with pytest.raises(WrongNamespace, match="one part or two behind it"):
        await store.aput(name, "k", {"v": 1})


async def test_another_bots_namespace_is_refused(store: RedisItemStore):
    with pytest.raises(WrongNamespace, match="begins with the bot's id"):
        await store.aput(("c", "ana", "notes"), "k", {"v": 1})
