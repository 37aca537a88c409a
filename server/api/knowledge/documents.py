"""The operator API of documents: added, listed, embedded anew, forgotten."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import structlog
from fastapi import APIRouter, File, Form, Header, HTTPException, Query, Response, UploadFile
from pydantic import Field

from knowledge_base.document import Unreadable
from knowledge_base.library import Stored
from knowledge_base.load import FORMATS
from server.api.common import Api, Here, Page, TheBot, fails
from server.bots.accounts import DEFAULT
from server.operators.audit import Audited
from server.operators.knowledge.documents import (
    LARGEST_DOCUMENT,
    DocumentSummary,
    Job,
    Jobs,
    described,
)
from server.operators.roles import OWNER, READER
from server.store.records import Record

# Of a file's name, bytes: what file systems take.
LONGEST_NAME = 200


class ReadingDocument(Record):
    """A document that is being read just now."""

    name: str = Field(description="The file's name")
    done: int = Field(description="Passages that are embedded")
    of: int = Field(description="Passages in all; 0: they are not counted yet")


class DocumentPage(Page[DocumentSummary]):
    """Documents of a bot."""

    reading: list[ReadingDocument] = Field(description="Those that are being read just now")


log = structlog.get_logger()

# What is wrong with a file that comes.
WRONG_FILE = fails(413, "The file is too large") | fails(415, "The file is of no format that can be read")

routes = APIRouter(prefix="/api", tags=["knowledge"], route_class=Audited)


@routes.get("/knowledge/documents", summary="Documents of a bot", dependencies=[READER])
async def list_documents(api: Here, bot_id: TheBot = DEFAULT) -> DocumentPage:
    """`reading` are those that are being read just now; `problems` name what could not be, `words_kept` of
    `words` stand in passages, `doubts` are products to look at."""
    api.lookup.runtime(bot_id)
    items = [described(d) for d in await api.shelf.documents(bot_id)]
    return DocumentPage.model_validate({"items": items, "reading": api.reading.of(bot_id)})


@routes.post(
    "/knowledge/documents",
    status_code=201,
    summary="Add a document",
    responses=WRONG_FILE
    | {202: {"model": Job, "description": "It is being read; `Location` says where to ask"}},
    dependencies=[OWNER],
    response_model=DocumentSummary | Job,
)
async def add_document(  # noqa: PLR0913 - each is a field of the request
    api: Here,
    response: Response,
    file: Annotated[UploadFile, File(description="the document")],
    in_form: Annotated[str | None, Form(alias="bot_id", description="which bot")] = None,
    in_query: Annotated[str | None, Query(alias="bot_id", description="which bot")] = None,
    password: Annotated[
        str, Form(max_length=200, description="opens a file that needs one; it is not kept")
    ] = "",
    prefer: Annotated[str, Header(max_length=200, description="`respond-async`: do not wait")] = "",
) -> DocumentSummary | Job:
    """A document of any office format, PDF, table, product feed or page, at most 50 MB. One of the same name
    takes the old one's place; the stocks of a price list count from now on, be it the same file. With the
    header `Prefer: respond-async` the answer is 202 with a job, to be asked for at
    `/api/knowledge/jobs/{id}`."""
    bot_id = in_form or in_query or DEFAULT
    api.lookup.runtime(bot_id)
    folder = tempfile.mkdtemp()
    try:
        path = await _received(file, Path(folder))
    except BaseException:
        shutil.rmtree(folder)
        raise
    if "respond-async" not in prefer:
        return described(await _ingest(api, bot_id, path, password))
    job = await Jobs(api.redis).begin(bot_id, path.name)
    task = asyncio.create_task(_work_off(api, job, path, password))
    api.later.add(task)
    task.add_done_callback(api.later.discard)
    response.status_code = 202
    response.headers["Location"] = f"/api/knowledge/jobs/{job.id}?bot_id={quote(bot_id)}"
    response.headers["Preference-Applied"] = "respond-async"
    return job


@routes.get(
    "/knowledge/jobs/{job_id}", summary="How a document that is being read stands", dependencies=[READER]
)
async def get_job(api: Here, job_id: str, bot_id: TheBot = DEFAULT) -> Job:
    """`state` is `reading`, `done` with the `document`, or `failed` with the `problem`."""
    job = await Jobs(api.redis).get(api.lookup.runtime(bot_id).bot.id, job_id)
    if job is None:
        raise HTTPException(
            404, "there is no job of this id; when its server was stopped, add the file again"
        )
    return job


@routes.delete(
    "/knowledge/documents/{document_id}", status_code=204, summary="Forget a document", dependencies=[OWNER]
)
async def remove_document(api: Here, document_id: str, bot_id: TheBot = DEFAULT) -> None:
    if not await api.shelf.remove(api.lookup.runtime(bot_id).bot.id, document_id):
        raise HTTPException(404, "there is no document of this id")


@routes.post(
    "/knowledge/documents/{document_id}/reindex", summary="Embed a document anew", dependencies=[OWNER]
)
async def reindex_document(api: Here, document_id: str, bot_id: TheBot = DEFAULT) -> DocumentSummary:
    """With the embedding model as it is set now; needed after a change of model behind the same name."""
    stored = await api.shelf.reindex(api.lookup.runtime(bot_id).bot.id, document_id)
    if stored is None:
        raise HTTPException(404, "there is no document of this id")
    return described(stored)


async def _received(file: UploadFile, folder: Path) -> Path:
    """The uploaded file on the disk. Raises 415, 422 and 413 for one that is not taken."""
    name = Path(file.filename or "").name
    if not name or Path(name).suffix.lower() not in FORMATS:
        raise HTTPException(415, f"file: use one of {', '.join(FORMATS)}")
    if not name.isprintable():
        raise HTTPException(422, "file: its name holds signs that cannot be printed; give it another")
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
        raise HTTPException(422, f"file: its name is longer than {LONGEST_NAME} bytes; give it a shorter one")
    path, size = folder / name, 0
    with open(path, "wb") as target:  # noqa: ASYNC230 - a local temporary file
        while chunk := await file.read(1 << 20):
            size += len(chunk)
            if size > LARGEST_DOCUMENT:
                raise HTTPException(413, f"file: larger than {LARGEST_DOCUMENT >> 20} MB; split it")
            target.write(chunk)
    return path


async def _ingest(api: Api, bot_id: str, path: Path, password: str) -> Stored:
    """Read a received file and remove its folder. Raises 422 for one that cannot be read."""
    loop = asyncio.get_running_loop()

    def progress(done: int, of: int) -> None:
        loop.call_soon_threadsafe(api.reading.at, bot_id, path.name, done, of)

    api.reading.at(bot_id, path.name, 0, 0)
    try:
        sees = api.pictures.of(api.lookup.runtime(bot_id).bot)
        return await api.shelf.add(bot_id, path, progress, password, sees, counted=True)
    except Unreadable as error:
        raise HTTPException(422, f"file: {error}") from None
    finally:
        shutil.rmtree(path.parent)
        loop.call_soon(api.reading.over, bot_id, path.name)


async def _work_off(api: Api, job: Job, path: Path, password: str) -> None:
    """Read a file while nobody waits, and keep how it ended."""
    try:
        stored = await _ingest(api, job.bot_id, path, password)
    except HTTPException as error:
        await Jobs(api.redis).end(job, None, str(error.detail))
    except Exception as error:  # of Redis or an embedding provider: the job says it, nobody else waits for it
        log.error("document_not_read", name=path.name, error=repr(error)[:300])
        await Jobs(api.redis).end(job, None, f"file: {path.name}: {type(error).__name__}; add it again later")
    else:
        await Jobs(api.redis).end(job, stored)
