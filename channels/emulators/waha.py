"""The HTTP interface of an emulated WAHA gateway (OpenAPI 2026.7.1)."""

from __future__ import annotations

import base64
import hmac
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

from channels.content.qr import png_of
from channels.emulators import waha_requests as asked
from channels.emulators.base import emulator_of
from channels.emulators.waha_gateway import Gateway, GatewaySession, LidIn, error_of

Waha = Annotated[Gateway, Depends(emulator_of)]


async def session_of(gateway: Waha, name: str) -> GatewaySession:
    """The session of a path. Raises LookupError, which is answered with 404."""
    session = gateway.find(name)
    if session is None:
        raise LookupError(name)
    return session


Named = Annotated[GatewaySession, Depends(session_of)]

control = APIRouter(prefix="/_control/{name}")
sessions = APIRouter(prefix="/api/sessions")
linking = APIRouter(prefix="/api/{name}")
messages = APIRouter(prefix="/api")


@control.post("/scan")
async def scan(gateway: Waha, name: str, phone: str = "77001112233") -> dict[str, str]:
    """A phone scans the code."""
    gateway.scan(name, phone)
    return {"status": "WORKING"}


@control.post("/rotate")
async def rotate(session: Named) -> dict[str, int | None]:
    """The next code is shown."""
    session.rotated, session.since = session.rotated + 1, time.monotonic()
    return {"qr": session.qr()}


@control.post("/status")
async def set_status(gateway: Waha, session: Named, name: str, status: str) -> dict[str, str]:
    """The session goes into another state by itself."""
    gateway.turn(name, session, status)
    return {"status": status}


@control.post("/lids")
async def hide(session: Named, lid: LidIn) -> LidIn:
    """The contact's number is hidden behind a lid from now on."""
    session.lids[lid.contact] = lid
    return lid


@sessions.post("", status_code=201)
async def create(gateway: Waha, body: asked.SessionCreate) -> Response:
    """A new session."""
    if body.name in gateway.sessions:
        return error_of(422, f"Session '{body.name}' already exists. Use PUT to update it.")
    session = gateway.sessions[body.name] = GatewaySession(
        "STOPPED", body.config.model_dump(exclude_none=True)
    )
    if body.start:
        gateway.turn(body.name, session, "SCAN_QR_CODE")
    return JSONResponse(gateway.about(body.name, session), 201)


@sessions.get("/{name}")
async def about(gateway: Waha, session: Named, name: str) -> Response:
    """A session and its state."""
    return JSONResponse(gateway.about(name, session))


@sessions.put("/{name}")
async def update(gateway: Waha, session: Named, name: str, body: asked.SessionUpdate) -> Response:
    """Other settings of a session."""
    session.config = body.config.model_dump(exclude_none=True)
    return JSONResponse(gateway.about(name, session))


@sessions.delete("/{name}")
async def delete(gateway: Waha, name: str) -> Response:
    """A session is gone."""
    gateway.sessions.pop(name, None)
    return Response(status_code=200)


@sessions.post("/{name}/{action}", status_code=201)
async def act(
    gateway: Waha, session: Named, name: str, action: Literal["start", "stop", "restart", "logout"]
) -> Response:
    """Start or stop a session, or unlink its phone."""
    if action == "logout":
        session.me = ""
    if action in ("stop", "logout"):
        gateway.turn(name, session, "STOPPED")
    elif action == "restart" or session.status in ("STOPPED", "FAILED"):
        gateway.turn(name, session, "WORKING" if session.me else "SCAN_QR_CODE")
    return JSONResponse(gateway.about(name, session), 201)


NOT_LINKING = "Session status is not as expected, it must be SCAN_QR_CODE"


@linking.get("/auth/qr")
async def qr(
    gateway: Waha, name: str, format: str = "image", accept: Annotated[str, Header()] = "image/png"
) -> Response:
    """The code to scan, as a picture or as what is in it."""
    session = gateway.find(name)
    if session is None or session.status != "SCAN_QR_CODE":
        return error_of(422, NOT_LINKING)
    value = f"2@emulated-{name}-{session.qr()}"
    if format == "raw":
        return JSONResponse({"value": value})
    if "json" in accept:
        picture = base64.b64encode(png_of(value)).decode()
        return JSONResponse({"mimetype": "image/png", "data": picture})
    return Response(png_of(value), media_type="image/png")


@linking.post("/auth/request-code", status_code=201)
async def code(gateway: Waha, name: str, body: asked.Code) -> Response:
    """The code to type in the place of scanning one."""
    session = gateway.find(name)
    if session is None or session.status != "SCAN_QR_CODE":
        return error_of(422, NOT_LINKING)
    return JSONResponse({"code": f"WAHA-{body.phoneNumber[-4:]}"}, 201)


@linking.get("/lids/{lid}")
async def phone_of(gateway: Waha, name: str, lid: str) -> Response:
    """The number behind a lid, if the session has seen it."""
    session = gateway.find(name)
    known = [c for c, row in session.lids.items() if row.lid == lid] if session else []
    return JSONResponse({"lid": lid, "pn": f"{known[0]}@c.us" if known else None})


@messages.get("/files/{name}/{file_id}")
async def download(gateway: Waha, file_id: str) -> Response:
    """The bytes of a file that a contact sent."""
    file = gateway.files.kept.get(file_id)
    if file is None or file.status != 200:
        return Response(status_code=404 if file is None else file.status)
    gateway.files.fetched.append(file_id)
    return Response(file.data, media_type=file.mime_type)


@messages.post("/sendSeen", status_code=201)
async def seen(gateway: Waha, body: asked.Seen) -> dict[str, str]:
    """The business has read messages."""
    for message_id in body.messageIds:
        gateway.reads.append(message_id)
        gateway.phones.tick(message_id.split("_")[2], "read")
    return {}


@messages.post("/startTyping", status_code=201)
async def typing(gateway: Waha, body: asked.Chat) -> dict[str, str]:
    """The business types."""
    gateway.phones.typing(body.session, body.chatId.partition("@")[0])
    return {}


@messages.post("/stopTyping", status_code=201)
async def stop_typing(body: asked.Chat) -> dict[str, str]:
    """The business types no more."""
    return {}


@messages.put("/reaction")
async def react(gateway: Waha, body: asked.React) -> Response:
    """The business reacts to a message."""
    return gateway.react(body)


@messages.post("/{call}", status_code=201)
async def send(gateway: Waha, call: str, request: Request) -> Response:
    """The business sends a message."""
    if call not in asked.SENDS:
        return error_of(404, f"Cannot POST /api/{call}")
    return await gateway.send(call, request)


class WahaEmulator(Gateway):
    """One gateway that is spoken to over HTTP."""

    def serve(self) -> None:
        """Put up the gateway's interface beside the control side."""
        super().serve()
        for routes in (control, sessions, linking, messages):
            self.app.include_router(routes)
        self.app.middleware("http")(self._guard)
        self.app.add_exception_handler(RequestValidationError, _invalid)
        self.app.add_exception_handler(LookupError, _nowhere)

    async def _guard(self, request: Request, call_next: Any) -> Response:
        path = request.url.path.removeprefix(request.scope.get("root_path", ""))
        given = request.headers.get("x-api-key", "")
        if path.startswith("/api/") and not hmac.compare_digest(given.encode(), self.api_key.encode()):
            return error_of(401, "Unauthorized")
        return await call_next(request)


async def _invalid(_: Request, error: Exception) -> Response:
    return error_of(400, str(error.errors() if isinstance(error, RequestValidationError) else error)[:300])


async def _nowhere(_: Request, error: Exception) -> Response:
    return error_of(404, "Session not found")
