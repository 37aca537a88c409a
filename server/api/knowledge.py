"""The operator API of knowledge bases: documents added, listed, embedded anew, forgotten; a question tried on
them."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, UploadFile
from pydantic import Field

from agent.documents import Bookshelf
from knowledge_base.document import Unreadable
from knowledge_base.library import Library, Stored
from knowledge_base.load import FORMATS
from server.api.common import Body, Here
from server.bots.accounts import DEFAULT
from server.operators.audit import Audited
from server.operators.documents import LARGEST_DOCUMENT, Reading, described
from server.operators.roles import AGENT, OWNER, READER

# Of a file's name, bytes: what file systems take.
LONGEST_NAME = 200


class QuestionIn(Body):
    """A question to try on a bot's documents."""

    question: str = Field(min_length=1, max_length=2000, examples=["How long does delivery take?"])
    bot_id: str = DEFAULT
    count: int = Field(5, ge=1, le=20)


routes = APIRouter(prefix="/api", route_class=Audited)


@routes.get("/knowledge/documents", summary="Documents of a bot", dependencies=[READER])
async def documents(api: Here, bot_id: str = DEFAULT) -> dict[str, Any]:
    """`reading` are those that are being read just now; `problems` name the pages that could not be."""
    api.lookup.runtime(bot_id)
    items = [described(d) for d in await api.shelf.documents(bot_id)]
    return {"items": items, "reading": api.reading.of(bot_id), "next_cursor": None}


@routes.post("/knowledge/documents", status_code=201, summary="Add a document", dependencies=[OWNER])
async def add_document(
    api: Here,
    file: UploadFile,
    in_form: Annotated[str | None, Form(alias="bot_id")] = None,
    in_query: Annotated[str | None, Query(alias="bot_id")] = None,
) -> dict[str, Any]:
    """PDF, Markdown, text, HTML or CSV, at most 50 MB. One of the same name takes the old one's place."""
    bot_id = in_form or in_query or DEFAULT
    api.lookup.runtime(bot_id)
    return described(await _ingest(api.shelf, api.reading, bot_id, file))


@routes.delete(
    "/knowledge/documents/{document_id}", status_code=204, summary="Forget a document", dependencies=[OWNER]
)
async def remove_document(api: Here, document_id: str, bot_id: str = DEFAULT) -> None:
    if not await api.shelf.remove(api.lookup.runtime(bot_id).bot.id, document_id):
        raise HTTPException(404, "there is no document of this id")


@routes.post(
    "/knowledge/documents/{document_id}/reindex", summary="Embed a document anew", dependencies=[OWNER]
)
async def reindex(api: Here, document_id: str, bot_id: str = DEFAULT) -> dict[str, Any]:
    """With the embedding model as it is set now; needed after a change of model behind the same name."""
    stored = await api.shelf.reindex(api.lookup.runtime(bot_id).bot.id, document_id)
    if stored is None:
        raise HTTPException(404, "there is no document of this id")
    return described(stored)


@routes.post(
    "/knowledge/search", summary="Try a question: the passages the agent would see", dependencies=[AGENT]
)
async def search(api: Here, asked: QuestionIn) -> dict[str, Any]:
    """`score` orders them; `cosine` is how near the meaning is, `coverage` how many of the question's words
    stand there; `strong` says whether the agent takes it for an answer."""
    api.lookup.runtime(asked.bot_id)
    book = Bookshelf(api.shelf)
    language = ""
    hits = await api.shelf.search(asked.bot_id, asked.question, asked.count)
    seen = await book.passages(asked.bot_id, asked.question, language, asked.count) if hits else []
    items = [
        {
            "document": hit.passage.document,
            "page": hit.passage.page,
            "heading": hit.passage.heading,
            "text": hit.passage.text,
            "score": round(hit.score, 3),
            "cosine": round(hit.cosine, 3),
            "coverage": round(hit.coverage, 3),
            "strong": quoted["strong"],
        }
        for hit, quoted in zip(hits, seen, strict=True)
    ]
    return {"items": items, "next_cursor": None}


async def _ingest(shelf: Library, reading: Reading, bot_id: str, file: UploadFile) -> Stored:
    name = Path(file.filename or "").name
    if not name or Path(name).suffix.lower() not in FORMATS:
        raise HTTPException(415, f"file: use one of {', '.join(FORMATS)}")
    if not name.isprintable():
        raise HTTPException(422, "file: its name holds signs that cannot be printed; give it another")
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
        raise HTTPException(422, f"file: its name is longer than {LONGEST_NAME} bytes; give it a shorter one")
    loop = asyncio.get_running_loop()

    def progress(done: int, of: int) -> None:
        loop.call_soon_threadsafe(reading.at, bot_id, name, done, of)

    with tempfile.TemporaryDirectory() as folder:
        path, size = Path(folder) / name, 0
        with open(path, "wb") as target:  # noqa: ASYNC230 - a local temporary file
            while chunk := await file.read(1 << 20):
                size += len(chunk)
                if size > LARGEST_DOCUMENT:
                    raise HTTPException(413, f"file: larger than {LARGEST_DOCUMENT >> 20} MB; split it")
                target.write(chunk)
        reading.at(bot_id, name, 0, 0)
        try:
            return await shelf.add(bot_id, path, progress)
        except Unreadable as error:
            raise HTTPException(422, f"file: {error}") from None
        finally:
            loop.call_soon(reading.over, bot_id, name)
