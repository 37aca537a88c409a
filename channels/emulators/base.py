"""What every emulated provider has: phones, files, faults on demand, and a control side for whoever plays the
contact."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Depends, FastAPI, Form, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field

from channels.emulators.media import Files, ReceivedFile
from channels.emulators.phone import Bubble, Phones

ContactNumber = Annotated[str, Field(pattern=r"^[0-9]{6,15}$")]
MessageText = Annotated[str, Field(max_length=65_536)]


class Written(BaseModel):
    """What the person playing the contact writes. `business`: it is written by hand on the business's own
    phone; `group`: in a group of this id."""

    contact: ContactNumber
    text: MessageText
    name: str = "Simulated contact"
    quoted_id: str = ""
    business: bool = False
    group: str = ""


class SendFault(BaseModel):
    """How the next sends go wrong. `seconds` the answer takes; `deliver` says whether the message arrives
    anyway; `later` says that the request is taken and a `failed` status follows."""

    times: int = Field(1, ge=1)
    status: int = 500
    code: int = 131000
    html: bool = False
    seconds: float = 0
    retry_after: float | None = None
    deliver: bool = False
    later: bool = False


class DeliveryFault(BaseModel):
    """What happens to the next webhooks: so many are lost, come twice, come `seconds` late, or are held until
    `reorder` of them are there and then come the other way round."""

    drop: int = Field(default=0, ge=0)
    twice: int = Field(default=0, ge=0)
    seconds: float = Field(default=0, ge=0)
    reorder: int = Field(default=0, ge=0)


Post = Callable[[], Awaitable[int]]


class Emulator:
    """One provider. `pauses` are the seconds after which it repeats a webhook that was not answered with
    200."""

    def __init__(self, title: str, pauses: tuple[float, ...], journal: Path | None = None) -> None:
        self.phones, self.files = Phones(journal), Files()
        self.requests: deque[dict[str, Any]] = deque(maxlen=10_000)
        self.reads: deque[str] = deque(maxlen=10_000)
        self.faults: deque[SendFault] = deque()
        self.delivery = DeliveryFault()
        self._pauses, self._held = pauses, list[tuple[Post, Callable[[], None]]]()
        self.http = httpx.AsyncClient(timeout=30)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None)
        self.app.state.emulator = self
        self.app.add_exception_handler(RequestValidationError, _invalid)
        self.serve()

    def serve(self) -> None:
        """Put up the HTTP interface: the control side, and in an emulator that of its provider."""
        self.app.include_router(control)

    async def write(self, number: str, written: Written, file: ReceivedFile | None = None) -> str:
        """The contact sends a text, or a file with the text as its caption; returns its message id."""
        raise NotImplementedError

    def later(self, job: Any) -> None:
        """Do it beside everything else."""
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop delivering."""
        for task in self._tasks:
            task.cancel()
        await self.http.aclose()

    def fault(self) -> SendFault | None:
        """How the send that is asked for now goes wrong."""
        if not self.faults:
            return None
        fault = self.faults[0]
        fault.times -= 1
        if fault.times <= 0:
            self.faults.popleft()
        return fault

    async def deliver(self, post: Post, done: Callable[[], None] = lambda: None) -> None:
        """Post a webhook until it is answered with 200, with what `delivery` makes of it."""
        told = self.delivery
        if told.drop:
            self.delivery = told.model_copy(update={"drop": told.drop - 1})
            return
        if told.reorder:
            self._held.append((post, done))
            if len(self._held) < told.reorder:
                return
            self.delivery, held, self._held = told.model_copy(update={"reorder": 0}), self._held[::-1], []
            for one in held:
                await self._posted(*one)
            return
        if told.seconds:
            await asyncio.sleep(told.seconds)
        if told.twice:
            self.delivery = told.model_copy(update={"twice": told.twice - 1})
            await self._posted(post, done)
        await self._posted(post, done)

    async def _posted(self, post: Post, done: Callable[[], None]) -> None:
        for pause in (0, *self._pauses):
            await asyncio.sleep(pause)
            try:
                if await post() == 200:
                    done()
                    return
            except httpx.HTTPError:
                continue


async def emulator_of(request: Request) -> Any:
    """The emulator whose application is asked, for routes to depend on."""
    return request.app.state.emulator


control = APIRouter(prefix="/_control")
Controlled = Annotated[Emulator, Depends(emulator_of)]


@control.post("/faults")
async def add_fault(emulator: Controlled, fault: SendFault) -> dict[str, int]:
    """The next sends go wrong."""
    emulator.faults.append(fault)
    return {"faults": len(emulator.faults)}


@control.post("/delivery")
async def set_delivery(emulator: Controlled, delivery: DeliveryFault) -> DeliveryFault:
    """The next webhooks go wrong."""
    emulator.delivery = delivery
    return delivery


@control.post("/{number}/messages")
async def write(emulator: Controlled, number: str, written: Written) -> dict[str, str]:
    """The contact writes a text."""
    return {"id": await emulator.write(number, written)}


@control.post("/{number}/files")
async def send_file(
    emulator: Controlled,
    number: str,
    file: UploadFile,
    contact: Annotated[ContactNumber, Form()],
    caption: Annotated[MessageText, Form()] = "",
) -> dict[str, str]:
    """The contact sends a file."""
    kept = ReceivedFile(
        await file.read(), file.content_type or "application/octet-stream", file.filename or ""
    )
    return {"id": await emulator.write(number, Written(contact=contact, text=caption), kept)}


@control.get("/{number}/messages")
async def read(emulator: Controlled, number: str, contact: str) -> list[Bubble]:
    """What the contact's phone shows."""
    return emulator.phones.conversation(number, contact)


@control.get("/{number}/files/{file_id}")
async def file_of(emulator: Controlled, number: str, file_id: str) -> Response:
    """A file that the contact's phone shows; whatever is in it, it is never a page."""
    file = emulator.files.kept.get(file_id)
    if file is None:
        return Response(status_code=404)
    inline = file.mime_type.startswith(("image/jpeg", "image/png", "image/webp", "audio/", "video/"))
    headers = {
        "Content-Disposition": "inline" if inline else "attachment",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(file.data, headers=headers, media_type=file.mime_type)


@control.get("/{number}/events")
async def events(emulator: Controlled, number: str, contact: str) -> StreamingResponse:
    """What happens on the contact's phone, as server-sent events."""

    async def stream() -> AsyncIterator[str]:
        yield ": open\n\n"
        async for event in emulator.phones.watch(number, contact):
            yield f"data: {json.dumps(event)}\n\n" if event else ": still here\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _invalid(_: Request, error: Exception) -> Response:
    """What is wrong, without what was sent: that may be no number and no text that JSON knows."""
    found: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else ()
    return JSONResponse({"detail": [{"loc": one["loc"], "msg": one["msg"]} for one in found]}, 422)


def refused(status: int, body: dict[str, Any], fault: SendFault | None = None) -> Response:
    """An error answer; a gateway's page when the fault asks for one."""
    headers = {"Retry-After": str(fault.retry_after)} if fault and fault.retry_after is not None else None
    if fault and fault.html:
        return Response("<html><body>Bad gateway</body></html>", status, headers, "text/html")
    return JSONResponse(body, status, headers)
