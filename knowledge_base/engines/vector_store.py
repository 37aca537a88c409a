"""Search through any of LangChain's vector stores, such as Qdrant or Redis 8: a plug-in for KNOWLEDGE_ENGINE.

The store finds the passages nearest in meaning; among these, words and meaning are put together as in memory,
so in a large bot a passage that only its words would find is not found. `docs/extend.md` has an example."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from knowledge_base.embed import Vectors
from knowledge_base.index import Index
from knowledge_base.passages import Passage
from knowledge_base.search import fusion
from knowledge_base.search.contract import Hit
from knowledge_base.search.texts import Pack

# Names that are told from those of other users of the same store.
_OURS = uuid.UUID("6f0b5a5e-5d0e-4f7e-9a6e-2f6f6d1c7b11")
# Passages that stand for all of a bot where the mean of cosines is asked.
_DRAWN = 256
# Passages that are added or removed in one call.
_AT_ONCE = 500


class Ready(Embeddings):
    """Vectors that are there already, for a store that embeds by itself."""

    def __init__(self) -> None:
        self.known: dict[str, list[float]] = {}

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.known[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.known[text]


class VectorStoreSearcher:
    """Passages in a vector store. Changes of one bot must come from one process at a time."""

    shared = True

    def __init__(self, make: Callable[[Embeddings], VectorStore], of_bot: Callable[[str], Any]) -> None:
        """`make` gives the store for embeddings, which are ours; `of_bot` the store's own filter for
        documents whose metadata have `bot` equal to what it is given."""
        self._embeddings = Ready()
        self._store, self._of_bot = make(self._embeddings), of_bot
        self._changing = asyncio.Lock()
        # of each bot its contents, and the passages that stand for all
        self._drawn: dict[str, tuple[str, Vectors]] = {}

    async def put(self, bot_id: str, documents: Sequence[tuple[Pack, Vectors]]) -> None:
        """Add documents; those of an id that is there take its place, not at once."""
        async with self._changing:
            contents = await self._contents(bot_id)
            for pack, vectors in documents:
                before = contents.get(pack.id, 0)
                await self._add(bot_id, pack, vectors)
                contents[pack.id] = len(pack)
                await self._keep(bot_id, contents, vectors.shape[1])
                await self._forget(bot_id, pack.id, len(pack), before)

    async def remove(self, bot_id: str, ids: Collection[str] | None = None) -> None:
        """Forget documents, or the whole bot."""
        async with self._changing:
            contents = await self._contents(bot_id)
            known = bool(contents)
            for document_id in list(contents) if ids is None else ids:
                await self._forget(bot_id, document_id, 0, contents.pop(document_id, 0))
            self._drawn.pop(bot_id, None)
            if known:
                await self._keep(bot_id, contents, await self._wide(bot_id))

    async def search(
        self,
        bot_id: str,
        question: str,
        vector: Vectors | None,
        count: int = 5,
        against: Vectors | None = None,
    ) -> list[Hit]:
        """The best passages of a bot, best first; without a vector by their words, of CANDIDATES at most."""
        contents = await self._contents(bot_id)
        if not sum(contents.values()):
            return []
        drawn = await self._some(bot_id, contents)
        near = drawn.mean(axis=0) if vector is None else vector
        found = await self._near(bot_id, near, fusion.CANDIDATES)
        if not found:
            return []
        passages, vectors, languages = _unpacked(found)
        index = Index(passages, vectors, languages)
        hits = await asyncio.to_thread(index.search, question, vector, count, against)
        mean = 0.0 if vector is None else float((drawn @ vector).mean())
        all_of_them = {"mean": mean, "passages": sum(contents.values())}
        return [hit.model_copy(update=all_of_them) for hit in hits]

    def size(self, bot_id: str) -> int:
        """Bytes of memory that a bot takes in this process, about."""
        return self._drawn[bot_id][1].nbytes if bot_id in self._drawn else 0

    async def close(self) -> None:
        """The store closes its connections itself."""

    async def _near(self, bot_id: str, vector: Vectors, count: int) -> list[Document]:
        return await self._store.asimilarity_search_by_vector(
            vector.tolist(), k=count, filter=self._of_bot(bot_id)
        )

    async def _add(self, bot_id: str, pack: Pack, vectors: Vectors) -> None:
        for start in range(0, len(pack), _AT_ONCE):
            batch = [
                _packed(bot_id, pack, place, vectors[place])
                for place in range(start, min(len(pack), start + _AT_ONCE))
            ]
            self._embeddings.known = {
                document.page_content: vectors[start + n].tolist() for n, document in enumerate(batch)
            }
            await self._store.aadd_documents(batch, ids=[document.id or "" for document in batch])

    async def _forget(self, bot_id: str, document_id: str, first: int, last: int) -> None:
        for start in range(first, last, _AT_ONCE):
            places = range(start, min(last, start + _AT_ONCE))
            await self._store.adelete([_name(bot_id, document_id, place) for place in places])

    async def _contents(self, bot_id: str) -> dict[str, int]:
        """The documents of a bot and how many passages each has, which is kept as a document of nobody."""
        found = await self._store.aget_by_ids([_name(bot_id)])
        return json.loads(found[0].metadata["contents"]) if found else {}

    async def _keep(self, bot_id: str, contents: dict[str, int], wide: int) -> None:
        text = f"contents of {_name(bot_id)}"
        self._embeddings.known = {text: [1.0] + [0.0] * (wide - 1)}
        metadata = {"bot": "", "contents": json.dumps(contents), "wide": wide}
        kept = Document(page_content=text, metadata=metadata, id=_name(bot_id))
        await self._store.aadd_documents([kept], ids=[_name(bot_id)])

    async def _wide(self, bot_id: str) -> int:
        found = await self._store.aget_by_ids([_name(bot_id)])
        return int(found[0].metadata["wide"]) if found else 1

    async def _some(self, bot_id: str, contents: dict[str, int]) -> Vectors:
        """Vectors of passages that stand for all: those nearest to directions that mean nothing."""
        state = json.dumps(contents, sort_keys=True)
        held = self._drawn.get(bot_id)
        if held is None or held[0] != state:
            wide = await self._wide(bot_id)
            directions = np.random.default_rng(0).normal(size=(4, wide)).astype(np.float32)
            directions /= np.linalg.norm(directions, axis=1, keepdims=True)
            drawn = [await self._near(bot_id, row, _DRAWN // len(directions)) for row in directions]
            held = (state, _unpacked([document for found in drawn for document in found])[1])
            self._drawn[bot_id] = held
        return held[1]


def _name(bot_id: str, document_id: str = "", place: int = -1) -> str:
    return str(uuid.uuid5(_OURS, json.dumps([bot_id, document_id, place])))


def _packed(bot_id: str, pack: Pack, place: int, vector: Vectors) -> Document:
    kept = pack.passage(place)
    clean = {
        name: value.encode("utf-8", "replace").decode() for name, value in kept if isinstance(value, str)
    }
    passage = kept.model_copy(update=clean)
    name = _name(bot_id, pack.id, place)
    return Document(
        # the name makes it the only text of its kind: two passages may say the same
        page_content=f"{passage.text}\n{name}",
        metadata={
            "bot": bot_id,
            "passage": passage.model_dump_json(),
            "language": pack.language,
            "vector": base64.b64encode(vector.astype(np.float16).tobytes()).decode(),
        },
        id=name,
    )


def _unpacked(documents: Sequence[Document]) -> tuple[list[Passage], Vectors, list[str]]:
    rows = [np.frombuffer(base64.b64decode(d.metadata["vector"]), np.float16) for d in documents]
    return (
        [Passage.model_validate_json(d.metadata["passage"]) for d in documents],
        np.stack(rows).astype(np.float32),
        [d.metadata["language"] for d in documents],
    )
