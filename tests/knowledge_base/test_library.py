"""What a bot's documents cost to change, and what searches find meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge_base import library as books
from knowledge_base.embed import Vectors
from knowledge_base.engines.memory import MemorySearcher
from knowledge_base.library import Library, MemoryStore
from knowledge_base.search.texts import Pack
from knowledge_base.stored import Stored
from tests.support.waiting import until


class Counting:
    """An embedder of our own that says what it embedded."""

    paid, threshold, typical = False, 0.0, 0.0

    def __init__(self, name: str = "counting") -> None:
        self.name = name
        self.embedded: list[str] = []

    def query(self, text: str) -> Vectors:
        return _rows([text])[0]

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        return _rows(texts)


def _rows(texts: Sequence[str]) -> Vectors:
    rows = np.array([[1.0, len(text) % 7, len(text) % 11] for text in texts], np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Held(MemorySearcher):
    """An engine whose changes wait until they are let through."""

    def __init__(self) -> None:
        super().__init__()
        self.through = asyncio.Event()
        self.through.set()
        self.puts = 0

    async def put(self, bot_id: str, documents: Sequence[tuple[Pack, Vectors]]) -> None:
        await self.through.wait()
        self.puts += 1
        await super().put(bot_id, documents)


async def test_an_unchanged_file_is_not_embedded_again_and_a_new_one_is_seen(tmp_path: Path):
    embedder = Counting()
    library = Library(MemoryStore(), embedder)
    path = tmp_path / "a.md"
    path.write_text("The first version of this document says one.")
    first = await library.add("b", path)
    await library.add("b", path)
    assert len(embedder.embedded) == 1
    assert "one" in (await library.search("b", "which?"))[0].passage.text
    path.write_text("The second version of this document says two.")
    second = await library.add("b", path)
    assert first.id == second.id
    assert len(embedder.embedded) == 2
    assert ["two" in hit.passage.text for hit in await library.search("b", "which?")] == [True]
    assert await library.remove("b", second.id)
    assert await library.search("b", "which?") == []
    assert await library.search("nobody", "which?") == []


@pytest.mark.slow
async def test_one_changed_price_in_5000_rows_costs_one_embedding(tmp_path: Path):
    embedder = Counting()
    library, path = Library(MemoryStore(), embedder), tmp_path / "prices.csv"
    path.write_text("name,price\n" + "".join(f"Vase {n},{n}00\n" for n in range(1, 5_001)))
    await library.add("b", path)
    assert len(embedder.embedded) == 5_000
    path.write_text(path.read_text().replace("Vase 77,7700", "Vase 77,7900"))
    stored = await library.add("b", path)
    assert embedder.embedded[5_000:] == ["name: Vase 77; price: 7900"]
    assert len(stored.passages) == 5_000
    catalogue = (await library.shelf("b")).catalogue
    assert [row["price"] for row in catalogue.find("vase 77").rows][:1] == ["7900"]
    path.rename(tmp_path / "prices-new.csv")
    await library.add("b", tmp_path / "prices-new.csv")
    assert len(embedder.embedded) == 5_001  # a text is known whatever its document is called


async def test_searches_during_an_upload_find_what_was_there_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The new index is held up until every search has been answered by the old one."""
    monkeypatch.setattr(books, "FRESH_SECONDS", 0.0)
    engine = Held()
    library = Library(MemoryStore(), Counting(), engine)
    (tmp_path / "a.md").write_text("Delivery takes two days.")
    await library.add("b", tmp_path / "a.md")
    assert await library.search("b", "delivery?")
    engine.through.clear()
    (tmp_path / "b.md").write_text("Returns are free of charge.")
    await library.add("b", tmp_path / "b.md")
    found = await asyncio.gather(*(library.search("b", f"delivery {n}?") for n in range(50)))
    assert all([hit.passage.document for hit in hits] == ["a.md"] for hits in found)
    engine.through.set()

    async def both() -> bool:
        return len(await library.search("b", "returns?")) == 2

    await until(both)


async def test_a_change_that_cannot_be_taken_in_leaves_the_version_before_in_use(tmp_path: Path):
    class Broken(MemorySearcher):
        broken = False

        async def put(self, bot_id: str, documents: Sequence[tuple[Pack, Vectors]]) -> None:
            if self.broken:
                raise RuntimeError("no memory")
            await super().put(bot_id, documents)

    engine = Broken()
    library = Library(MemoryStore(), Counting(), engine)
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(f"Delivery takes two days, says {name}.")
    await library.add("b", tmp_path / "a.md")
    assert len(await library.search("b", "delivery?")) == 1
    engine.broken = True
    await library.add("b", tmp_path / "b.md")
    assert len(await library.search("b", "delivery?")) == 1
    engine.broken = False
    assert len(await library.search("b", "delivery?")) == 2


_changes = st.lists(
    st.tuples(st.sampled_from(["a.md", "b.md", "c.md"]), st.integers(0, 3)), min_size=1, max_size=8
)


@pytest.mark.slow
@settings(max_examples=15)
@given(_changes, st.integers(1, 4))
async def test_a_search_during_uploads_finds_a_whole_version_of_every_document(
    changes: list[tuple[str, int]], seekers: int
):
    """Documents come, change and go (version 0) while others search: each search finds of a document all
    passages of one version or none, never of two, and never loses one that nobody touches."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        library = Library(MemoryStore(), Counting())
        (folder / "kept.md").write_text("# Kept\n\nThis one stays.")
        await library.add("b", folder / "kept.md")
        over = asyncio.Event()

        async def seek() -> None:
            while not over.is_set():
                hits = await library.search("b", "version", 20)
                seen: dict[str, list[str]] = {}
                for hit in hits:
                    seen.setdefault(hit.passage.document, []).append(hit.passage.text.split()[1])
                assert seen.pop("kept.md") == ["one"]
                for versions in seen.values():
                    assert len(set(versions)) == 1 and len(versions) == 2

        async def change() -> None:
            try:
                for document, version in changes:
                    path = folder / document
                    if version == 0:
                        for kept in await library.documents("b"):
                            if kept.name == document:
                                await library.remove("b", kept.id)
                        continue
                    filler = "word " * 140
                    path.write_text(f"Version {version} {filler}\n\nVersion {version} again {filler}")
                    await library.add("b", path)
            finally:
                over.set()

        await asyncio.gather(change(), *(seek() for _ in range(seekers)))
        last = dict(changes)

        async def settled() -> bool:
            hits = await library.search("b", "version", 20)
            return {hit.passage.document for hit in hits} == {
                "kept.md",
                *(document for document, version in last.items() if version),
            }

        await until(settled)


async def test_of_many_documents_only_those_that_changed_are_asked_for(tmp_path: Path):
    class Noted(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self.asked: list[list[str] | None] = []

        async def documents(self, bot_id: str, ids: Sequence[str] | None = None) -> list[Stored]:
            self.asked.append(None if ids is None else list(ids))
            return await super().documents(bot_id, ids)

    store = Noted()
    here, elsewhere = Library(store, Counting()), Library(store, Counting())
    for number in range(5):
        (tmp_path / f"{number}.md").write_text(f"Document number {number}.")
        await here.add("b", tmp_path / f"{number}.md")
    assert len(await elsewhere.search("b", "document", 9)) == 5
    (tmp_path / "3.md").write_text("Document number three.")
    changed = await here.add("b", tmp_path / "3.md")
    store.asked.clear()
    assert len(await elsewhere.search("b", "document", 9)) == 5
    assert store.asked == [[changed.id]]


async def test_what_is_added_together_is_announced_once(tmp_path: Path):
    class Noted(MemoryStore):
        announced = 0

        async def announce(self, bot_id: str) -> None:
            self.announced += 1
            await super().announce(bot_id)

    store, engine = Noted(), Held()
    library, reader = Library(store, Counting()), Library(store, Counting(), engine)
    async with library.together("b"):
        for number in range(20):
            (tmp_path / f"{number}.md").write_text(f"Document number {number}.")
            await library.add("b", tmp_path / f"{number}.md")
    assert store.announced == 1
    assert len(await reader.search("b", "document", 30)) == 20
    assert engine.puts == 1
    async with library.together("b"):
        await library.add("b", tmp_path / "0.md")
    assert store.announced == 1  # nothing has changed


async def test_the_least_used_bots_are_unloaded_beyond_the_memory_of_a_process(tmp_path: Path):
    class Noted(MemorySearcher):
        def __init__(self) -> None:
            super().__init__()
            self.unloaded: list[str] = []

        async def remove(self, bot_id: str, ids: Collection[str] | None = None) -> None:
            if ids is None:
                self.unloaded.append(bot_id)
            await super().remove(bot_id, ids)

    engine, path = Noted(), tmp_path / "a.md"
    path.write_text("Delivery takes two days.")
    probe = Library(MemoryStore(), Counting())
    await probe.add("x", path)
    await probe.search("x", "delivery")
    one = probe.loaded["x"]
    library = Library(MemoryStore(), Counting(), engine, memory=int(2.5 * one))
    for bot in ("a", "b", "c"):
        await library.add(bot, path)
    for bot in ("a", "b", "a", "c"):
        assert len(await library.search(bot, "delivery")) == 1
    assert engine.unloaded == ["b"]
    assert len(await library.search("b", "delivery")) == 1  # loaded anew
    assert engine.unloaded == ["b", "a"]
    assert set(library.loaded) == {"b", "c"}


async def test_documents_of_another_model_are_embedded_anew_by_this_one(tmp_path: Path):
    store, path = MemoryStore(), tmp_path / "a.md"
    path.write_text("Delivery takes two days.")
    await Library(store, Counting("old")).add("b", path)
    embedder = Counting("new")
    library = Library(store, embedder)
    assert len(await library.search("b", "delivery")) == 1
    assert embedder.embedded == ["Delivery takes two days."]
    assert [document.embedder for document in await library.documents("b")] == ["new"]


async def test_a_document_kept_by_an_older_version_is_found_without_embedding_it_again(tmp_path: Path):
    """Vectors stood within the document."""
    store, embedder = MemoryStore(), Counting()
    path = tmp_path / "a.md"
    path.write_text("Delivery takes two days.")
    document = await Library(store, Counting()).add("b", path)
    vectors = _rows(["Delivery takes two days."]).astype(np.float16).tobytes()
    await store.put("b", document.model_copy(update={"vectors": vectors}), {})
    library = Library(store, embedder)
    assert [round(hit.cosine, 2) for hit in await library.search("b", "Delivery takes two days.")] == [1.0]
    path.write_text("Delivery takes two days.\n\n# New\n\nAnd this is new.")
    await library.add("b", path)
    assert embedder.embedded == ["New\nAnd this is new."]


def test_a_document_kept_by_an_older_version_still_has_its_price_list():
    kept = Stored.model_validate_json(
        '{"id":"a","name":"p.csv","content_hash":"h","embedder":"e","language":"en","pages":1,"passages":[],'
        '"vectors":"","rows":[{"name":"Vase","price":"900"}]}'
    )
    assert [(p.name, str(p.price)) for p in kept.products] == [("Vase", "900")] and kept.form == 1


async def test_the_same_list_counts_anew_only_where_somebody_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    library, path = Library(MemoryStore(), Counting()), tmp_path / "prices.csv"
    path.write_text("sku,name,price,currency,stock\nCUP,Blue cup,4500,KZT,3\n")
    clock = iter(range(1_000, 9_000, 1_000))
    hands = SimpleNamespace(time=lambda: next(clock), monotonic=time.monotonic)  # of the library alone
    monkeypatch.setattr("knowledge_base.library.time", hands)

    async def since() -> int:
        return (await library.shelf("b")).catalogue.counted("CUP")

    await library.add("b", path)
    assert await since() == 1_000_000
    version = (await library.shelf("b")).version
    await library.add("b", path)  # a website that is read again, a command of every night
    assert await since() == 1_000_000 and (await library.shelf("b")).version == version
    again = await library.add("b", path, counted=True)
    assert await since() == again.read == 2_000_000
    prose = tmp_path / "hours.txt"
    prose.write_text("We are open from nine to six on every day but Sunday.")
    once = await library.add("b", prose)
    assert await library.add("b", prose, counted=True) == once
