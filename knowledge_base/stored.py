"""Documents as they are kept. The store is anybody's: Redis in production, memory in Studio."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from pydantic import BaseModel, ConfigDict, model_validator

from knowledge_base.document import Product
from knowledge_base.goods.corrections import Corrections
from knowledge_base.goods.products import products_of_rows
from knowledge_base.passages import Passage

# How this version reads documents. A higher one has them read anew when their files are added again.
FORM = 4


class Stored(BaseModel):
    """One document as it is kept: passages and products. Vectors are kept beside, by the hash of the text
    (`embedding_key`)."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    id: str
    name: str
    content_hash: str
    embedder: str
    language: str
    pages: int
    passages: list[Passage]
    # float16 bytes, row by row, where a version before kept them; read, but not written any more.
    vectors: bytes = b""
    products: list[Product] = []
    # The tables it was read from, packed (`goods.columns`), so that an owner can say what a column holds.
    tables: bytes = b""
    problems: list[str] = []
    # Words of the file, and how many of them stand in its passages.
    words: int = 0
    words_kept: int = 0
    # How it was read; one of an older form is read anew when its file comes again.
    form: int = 1
    # When its file was read, Unix ms; 0: nobody noted it.
    read: int = 0

    @model_validator(mode="before")
    @classmethod
    def _of_older_form(cls, data: Any) -> Any:
        """Form 1 kept the rows of a price list in place of products."""
        if not isinstance(data, dict):
            return data
        fields = cast(dict[str, Any], data)
        if fields.get("rows") and "products" not in fields:
            return {**fields, "products": products_of_rows(fields["rows"])}
        return fields


def embedded_text(passage: Passage) -> str:
    """What of a passage is embedded."""
    return f"{passage.heading}\n{passage.text}".strip()


def embedding_key(embedder: str, text: str) -> bytes:
    """The name of a text's vector by one model: 16 bytes."""
    return hashlib.blake2b(f"{embedder}\n{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Store(Protocol):
    """Where documents and the vectors of their passages are kept. `version` changes when a change is
    announced; `versions` says which documents differ."""

    async def version(self, bot_id: str) -> str: ...
    async def versions(self, bot_id: str) -> dict[str, str]:
        """Of each document, by its id, what changes whenever it does."""
        ...

    async def documents(self, bot_id: str, ids: Sequence[str] | None = None) -> list[Stored]:
        """All of a bot's documents, or those of these ids that there are."""
        ...

    async def vectors(self, bot_id: str, document_id: str) -> dict[bytes, bytes]:
        """The vectors of a document, float16 bytes, by `embedding_key`."""
        ...

    async def known(self, bot_id: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Those of these vectors that any document of the bot has."""
        ...

    async def put(self, bot_id: str, document: Stored, vectors: Mapping[bytes, bytes]) -> None:
        """Keep a document with exactly these vectors, both or neither."""
        ...

    async def remove(self, bot_id: str, document_id: str) -> bool:
        """Forget a document; False when there is none of that id."""
        ...

    async def announce(self, bot_id: str) -> None:
        """Let every process know of changes."""
        ...


class CorrectionsStore(Protocol):
    """Where what owners correct of products is kept. A change of it changes the version of the bot too."""

    async def of(self, bot_id: str) -> Corrections: ...


class MemoryStore:
    """Documents of this process alone."""

    def __init__(self) -> None:
        self._documents: dict[str, dict[str, Stored]] = {}
        self._versions: dict[str, dict[str, str]] = {}
        self._vectors: dict[tuple[str, str], dict[bytes, bytes]] = {}
        self._announced: dict[str, int] = {}

    async def version(self, bot_id: str) -> str:
        return str(self._announced.get(bot_id, 0))

    async def versions(self, bot_id: str) -> dict[str, str]:
        return dict(self._versions.get(bot_id, {}))

    async def documents(self, bot_id: str, ids: Sequence[str] | None = None) -> list[Stored]:
        mine = self._documents.get(bot_id, {})
        return list(mine.values()) if ids is None else [mine[name] for name in ids if name in mine]

    async def vectors(self, bot_id: str, document_id: str) -> dict[bytes, bytes]:
        return self._vectors.get((bot_id, document_id), {})

    async def known(self, bot_id: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        mine = [vectors for (owner, _), vectors in self._vectors.items() if owner == bot_id]
        return {key: vectors[key] for vectors in mine for key in keys if key in vectors}

    async def put(self, bot_id: str, document: Stored, vectors: Mapping[bytes, bytes]) -> None:
        self._documents.setdefault(bot_id, {})[document.id] = document
        self._versions.setdefault(bot_id, {})[document.id] = secrets.token_hex(8)
        self._vectors[bot_id, document.id] = dict(vectors)

    async def remove(self, bot_id: str, document_id: str) -> bool:
        self._versions.get(bot_id, {}).pop(document_id, None)
        self._vectors.pop((bot_id, document_id), None)
        return self._documents.get(bot_id, {}).pop(document_id, None) is not None

    async def announce(self, bot_id: str) -> None:
        self._announced[bot_id] = self._announced.get(bot_id, 0) + 1
