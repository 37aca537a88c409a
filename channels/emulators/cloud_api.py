"""Meta's side of the Cloud API: the Graph endpoint businesses send to, and signed webhooks to them.

It checks requests by rules of its own, written from Meta's reference and not from our sender. `/_control` is for the
person (or test) who plays the contact.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Form, Request, UploadFile
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field, ValidationError

from channels.emulators.media import File, Files, message_of
from channels.emulators.phone import Bubble, Phones
from channels.emulators.requests import ReadRequest, SendRequest

# Meta repeats an unacknowledged webhook at once and then ever more rarely, for 7 days.
REDELIVERY_SECONDS = (0.2, 0.5, 1, 2, 3, 5, 10, 30, 60)


# "Supported media types": a calendar file goes as plain text.
UPLOADED = ("text/plain", "application/pdf", "application/vnd.", "application/msword", "image/", "audio/", "video/")


class Written(BaseModel):
    """What the person playing the contact writes."""

    contact: str = Field(pattern=r"^\d{6,15}$")
    text: str = Field(max_length=65_536)
    name: str = "Simulated contact"
    quoted_id: str = ""


class Fault(BaseModel):
    """How the next sends go wrong. `seconds` the answer takes; `deliver` says whether the message arrives anyway; `later`
    says that the request is taken and a `failed` status follows."""

    times: int = Field(1, ge=1)
    status: int = 500
    code: int = 131000
    html: bool = False
    seconds: float = 0
    retry_after: float | None = None
    deliver: bool = False
    later: bool = False


class CloudApiEmulator:
    """One Meta app: its numbers are whatever account ids it is asked about.

    `secret` signs webhooks, `token` is what businesses must send, `webhook` is where updates go. `auto_read` marks
    replies as read as soon as they are delivered, as when the chat is open on the phone. `callbacks`: statuses carry the
    callback of the request.
    """

    def __init__(
        self, webhook: str, secret: str, token: str, *, journal: Path | None = None, auto_read: bool = True
    ) -> None:
        self.webhook, self._secret, self._token, self._auto_read = webhook, secret, token, auto_read
        self.callbacks = True
        self.phones = Phones(journal)
        self.files = Files()
        self.requests: deque[dict[str, Any]] = deque(maxlen=10_000)
        self.reads: deque[str] = deque(maxlen=10_000)
        self.faults: deque[Fault] = deque()
        self.templates: list[dict[str, Any]] = []  # what the business's account has, as Graph lists it
        self._client = httpx.AsyncClient(timeout=30)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.app = self._routes()

    async def write(self, number: str, written: Written, file: File | None = None) -> str:
        """The contact sends a text, or a file with the text as its caption; returns its message id."""
        message_id = f"wamid.{secrets.token_hex(16).upper()}"
        now = time.time()
        content: dict[str, Any] = {"type": "text", "text": {"body": written.text}}
        shown = written.text
        if file:
            content = message_of(self.files.keep(file), file, written.text)
            shown = f"[{content['type']}{' ' + file.name if file.name else ''}] {written.text}".strip()
        self.phones.show(Bubble(message_id, number, written.contact, True, shown, int(now * 1000)))
        message = {"from": written.contact, "id": message_id, "timestamp": str(int(now)), **content}
        if written.quoted_id:
            message["context"] = {"from": number, "id": written.quoted_id}
        contact = {"profile": {"name": written.name}, "wa_id": written.contact}
        value = self._value(number, contacts=[contact], messages=[message])
        self._later(self._deliver(value, lambda: self.phones.tick(message_id, "delivered")))
        return message_id

    async def post(self, payload: dict[str, Any]) -> int:
        """Sign a webhook body, post it once, return the HTTP status."""
        body = json.dumps(payload).replace("/", "\\/").encode()  # Meta escapes slashes and non-ASCII letters
        digest = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}
        return (await self._client.post(self.webhook, content=body, headers=headers)).status_code

    async def close(self) -> None:
        """Stop delivering."""
        for task in self._tasks:
            task.cancel()
        await self._client.aclose()

    async def _deliver(self, value: dict[str, Any], done: Callable[[], None] = lambda: None) -> None:
        payload = {
            "object": "whatsapp_business_account",
            "entry": [{"id": "0", "changes": [{"field": "messages", "value": value}]}],
        }
        for pause in (0, *REDELIVERY_SECONDS):
            await asyncio.sleep(pause)
            try:
                if await self.post(payload) == 200:
                    done()
                    return
            except httpx.HTTPError:
                continue

    async def _statuses(self, bubble: Bubble) -> None:
        """sent, delivered and read, a moment apart; one that cannot be delivered is repeated and holds up no other."""
        for status in ("sent", "delivered", "read") if self._auto_read else ("sent", "delivered"):
            update = self._status(bubble, status)
            value = self._value(bubble.number, statuses=[update])
            self._later(self._deliver(value, lambda s=status: self.phones.tick(bubble.id, s)))
            await asyncio.sleep(0.15)

    def _status(self, bubble: Bubble, status: str, code: int = 0) -> dict[str, Any]:
        update: dict[str, Any] = {
            "id": bubble.id,
            "status": status,
            "timestamp": str(int(time.time())),
            "recipient_id": bubble.contact,
        }
        if bubble.callback and self.callbacks:
            update["biz_opaque_callback_data"] = bubble.callback
        if code:
            update["errors"] = [{"code": code, "title": "emulated failure", "error_data": {"details": "emulated"}}]
        return update

    def _value(self, number: str, **parts: Any) -> dict[str, Any]:
        return {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": number, "phone_number_id": number},
            **parts,
        }

    def _later(self, job: Any) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _allowed(self, request: Request) -> bool:
        sent = request.headers.get("authorization", "")
        return hmac.compare_digest(sent.encode(), f"Bearer {self._token}".encode())

    async def _send(self, number: str, request: Request) -> Response:
        if not self._allowed(request):
            return _error(401, 190, "Invalid OAuth access token.", "OAuthException")
        try:
            raw = json.loads(await request.body())
            body = (
                ReadRequest.model_validate(raw)
                if isinstance(raw, dict) and "status" in raw
                else SendRequest.model_validate(raw)
            )
        except (ValueError, ValidationError) as error:
            return _error(400, 100, str(error)[:300])
        if isinstance(body, ReadRequest):
            return self._read(body)
        if body.document and body.document.id not in self.files.kept:
            return _error(400, 131053, "Media upload error: there is no media of this id")
        self.requests.append(raw)
        fault = self._fault()
        if fault and fault.seconds:
            await asyncio.sleep(fault.seconds)
        if fault and fault.status == 200 and not fault.later:
            fault = None  # only late
        if fault and not fault.deliver and not fault.later:
            return _faulty(fault)
        contact = (body.to or body.recipient or "").lstrip("+")
        now = int(time.time() * 1000)
        bubble = Bubble(
            f"wamid.{secrets.token_hex(16).upper()}",
            number,
            contact,
            False,
            self._shown(body),
            now,
            callback=body.biz_opaque_callback_data or "",
        )
        if fault and fault.later:
            self._later(self._deliver(self._value(number, statuses=[self._status(bubble, "failed", fault.code)])))
        else:
            self.phones.show(bubble)
            self._later(self._statuses(bubble))
        if fault and not fault.later:
            return _faulty(fault)
        return JSONResponse(
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": body.to or "", "wa_id": contact}],
                "messages": [{"id": bubble.id}],
            }
        )

    def _shown(self, body: SendRequest) -> str:
        """What the contact's phone shows."""
        if body.text:
            return body.text.body
        if body.document:
            return f"[document {body.document.filename}] {body.document.caption}".strip()
        return f"[template {body.template.name if body.template else ''}]"

    def _read(self, body: ReadRequest) -> Response:
        self.reads.append(body.message_id)
        bubble = self.phones.bubbles.get(body.message_id)
        if bubble:
            self.phones.tick(bubble.id, "read")
            if body.typing_indicator:
                self.phones.typing(bubble.number, bubble.contact)
        return JSONResponse({"success": True})

    def _fault(self) -> Fault | None:
        if not self.faults:
            return None
        fault = self.faults[0]
        fault.times -= 1
        if fault.times <= 0:
            self.faults.popleft()
        return fault

    def _routes(self) -> FastAPI:
        app = FastAPI(title="Cloud API emulator", docs_url=None, redoc_url=None, openapi_url=None)

        @app.post("/_control/faults")
        async def add_fault(fault: Fault) -> dict[str, int]:
            self.faults.append(fault)
            return {"faults": len(self.faults)}

        @app.post("/_control/{number}/messages")
        async def write(number: str, written: Written) -> dict[str, str]:
            return {"id": await self.write(number, written)}

        @app.post("/_control/{number}/files")
        async def send_file(
            number: str, file: UploadFile, contact: Annotated[str, Form()], caption: Annotated[str, Form()] = ""
        ) -> dict[str, str]:
            kept = File(await file.read(), file.content_type or "application/octet-stream", file.filename or "")
            return {"id": await self.write(number, Written(contact=contact, text=caption), kept)}

        @app.get("/_media/{media_id}")
        async def download(media_id: str, request: Request) -> Response:
            file = self.files.kept.get(media_id)
            if not self._allowed(request) or file is None or file.status != 200:
                return Response(status_code=401 if not self._allowed(request) else file.status if file else 404)
            self.files.fetched.append(media_id)
            return Response(file.data, media_type=file.mime_type)

        @app.get("/_control/{number}/messages")
        async def read(number: str, contact: str) -> list[Bubble]:
            return self.phones.conversation(number, contact)

        @app.get("/_control/{number}/events")
        async def events(number: str, contact: str) -> StreamingResponse:
            async def stream() -> AsyncIterator[str]:
                yield ": open\n\n"
                async for event in self.phones.watch(number, contact):
                    yield f"data: {json.dumps(event)}\n\n" if event else ": still here\n\n"

            return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

        @app.get("/{version}/{account}/message_templates")
        async def list_templates(account: str, request: Request, limit: int = 25, after: str = "0") -> Response:
            if not self._allowed(request):
                return _error(401, 190, "Invalid OAuth access token.", "OAuthException")
            start = int(after)
            paging: dict[str, Any] = {"cursors": {"before": after, "after": str(start + limit)}}
            if start + limit < len(self.templates):
                paging["next"] = "more"
            return JSONResponse({"data": self.templates[start : start + limit], "paging": paging})

        @app.get("/{version}/{media_id}")
        async def media(version: str, media_id: str, request: Request) -> Response:
            if not self._allowed(request):
                return _error(401, 190, "Invalid OAuth access token.", "OAuthException")
            about = self.files.about(media_id, str(request.base_url))
            return JSONResponse(about) if about else _error(400, 100, "Unsupported get request.")

        @app.post("/{version}/{number}/media")
        async def upload(
            request: Request, file: UploadFile, messaging_product: Annotated[str, Form()], type: Annotated[str, Form()]
        ) -> Response:
            if not self._allowed(request):
                return _error(401, 190, "Invalid OAuth access token.", "OAuthException")
            if messaging_product != "whatsapp" or not any(type.startswith(kind) for kind in UPLOADED):
                return _error(400, 100, f"Param file must be a file with one of the supported types, not {type}")
            return JSONResponse({"id": self.files.keep(File(await file.read(), type, file.filename or ""))})

        @app.post("/{version}/{number}/messages")
        async def send(version: str, number: str, request: Request) -> Response:
            return await self._send(number, request)

        return app


def _error(
    status: int, code: int, message: str, kind: str = "OAuthException", headers: dict[str, str] | None = None
) -> Response:
    error = {
        "message": f"(#{code}) {message}",
        "type": kind,
        "code": code,
        "fbtrace_id": "emulated",
        "error_data": {"messaging_product": "whatsapp", "details": message},
    }
    return JSONResponse({"error": error}, status, headers)


def _faulty(fault: Fault) -> Response:
    headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else None
    if fault.html:
        return Response("<html><body>Bad gateway</body></html>", fault.status, headers, "text/html")
    return _error(fault.status, fault.code, "emulated fault", headers=headers)
