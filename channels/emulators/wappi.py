"""The HTTP interface of an emulated Wappi, as its public clients describe it.

It checks requests by rules of its own: the header without `Bearer`, `profile_id` on every call, the fields
each call takes."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from channels.content.qr import png_of
from channels.emulators.base import emulator_of, refused
from channels.emulators.wappi_account import LINK_SECONDS, Profile, WappiAccount, WappiProfile
from channels.emulators.wappi_requests import SENDS, MarkRead, Typing

Wappi = Annotated[WappiAccount, Depends(emulator_of)]


async def profile_of(wappi: Wappi, profile_id: str) -> WappiProfile:
    """What is held of the profile that a request names."""
    return wappi.profile(profile_id)


Named = Annotated[WappiProfile, Depends(profile_of)]

control = APIRouter()
messages = APIRouter(prefix="/api/sync")
linking = APIRouter(prefix="/api")


@control.post("/_control/{number}/profile")
async def change(wappi: Wappi, number: str, wanted: Profile) -> Profile:
    """The profile behaves otherwise from now on."""
    kept = wappi.profile(number)
    before = kept.settings
    kept.settings = before.model_copy(update=wanted.model_dump(exclude_unset=True))
    if before.authorized != kept.settings.authorized:
        wappi.tell_authorized(number)
    return kept.settings


@control.post("/_control/{number}/rotate")
async def rotate(wappi: Wappi, number: str) -> dict[str, int]:
    """The next code is shown."""
    wappi.profile(number).qr += 1
    return {"qr": wappi.profile(number).qr}


@control.get("/_files/{file_id}")
async def download(wappi: Wappi, file_id: str) -> Response:
    """The bytes of a file that a contact sent."""
    file = wappi.files.kept.get(file_id)
    if file is None or file.status != 200:
        return Response(status_code=404 if file is None else file.status)
    wappi.files.fetched.append(file_id)
    return Response(file.data, media_type=file.mime_type)


@messages.post("/message/mark/read")
async def mark_read(wappi: Wappi, profile_id: str, body: MarkRead) -> dict[str, str]:
    """The business has read a message."""
    wappi.reads.append(body.message_id)
    wappi.phones.tick(body.message_id, "read")
    return {"status": "done"}


@messages.post("/chat/typing/start")
async def typing(wappi: Wappi, profile_id: str, body: Typing) -> dict[str, str]:
    """The business types."""
    wappi.phones.typing(profile_id, body.recipient.partition("@")[0])
    return {"status": "done"}


@messages.get("/messages/all/get")
async def history(
    wappi: Wappi, profile_id: str, limit: int = 100, offset: int = 0, order: str = "desc"
) -> Response:
    """What was written, a page of it."""
    kept = wappi.profile(profile_id).settings
    if not 0 < limit <= 100:
        return refused(400, {"status": "error", "detail": "limit is from 1 to 100"})
    if kept.history_fails:
        kept.history_fails -= 1
        return refused(500, {"status": "error", "detail": "internal error"})
    answer = wappi.history(profile_id, limit, offset, order)
    if kept.crossed:
        kept.crossed -= 1
        answer["profile_id"] = "another-profile"
    return JSONResponse(answer)


@messages.get("/message/media/download")
async def media(wappi: Wappi, kept: Named, message_id: str) -> Response:
    """Where the file of a message is."""
    row = next((r for r in kept.history if r["id"] == message_id and "media" in r), None)
    if row is None:
        return refused(404, {"status": "error", "detail": "message has no file"})
    about = {
        "status": "done",
        "message_id": message_id,
        "file_name": row["file_name"],
        "mime_type": row["mimetype"],
        "file_link": f"{wappi.origin}/_files/{row['media']}",
        "file_link_expire": int(time.time()) + LINK_SECONDS,
    }
    if kept.settings.crossed:
        kept.settings.crossed -= 1
        about["message_id"] = "ANOTHER"
    return JSONResponse(about)


@messages.get("/get/status")
async def status(wappi: Wappi, profile_id: str) -> dict[str, Any]:
    """A profile and its state."""
    return wappi.status(profile_id)


@messages.get("/qr/get")
async def qr(kept: Named, profile_id: str) -> Response:
    """The code to scan."""
    if kept.settings.authorized:
        return refused(400, {"status": "error", "detail": "You are already authorized"})
    picture = base64.b64encode(png_of(f"2@emulated-{profile_id}-{kept.qr}")).decode()
    return JSONResponse({"status": "done", "qrCode": f"data:image/png;base64,{picture}"})


@messages.get("/auth/code")
async def code(profile_id: str, phone: str) -> dict[str, str]:
    """The code to type in the place of scanning one."""
    return {"status": "done", "code": f"WAPP-{phone[-4:]}"}


@linking.get("/profile/{action}")
async def act(
    wappi: Wappi, kept: Named, action: Literal["logout", "restart"], profile_id: str
) -> dict[str, str]:
    """Unlink the phone, or start the profile anew."""
    if action == "logout":
        kept.settings.authorized = False
        wappi.tell_authorized(profile_id)
    return {"status": "done"}


@linking.post("/webhook/url/set")
async def set_url(kept: Named, url: str, auth: str = "") -> dict[str, str]:
    """Where the profile's webhooks go, and the header they carry."""
    kept.webhook, kept.auth = url, auth
    return {"status": "done"}


@linking.post("/webhook/types/set")
async def set_types(profile_id: str, types: list[str]) -> dict[str, str]:
    """Which events are told."""
    return {"status": "done", "detail": ",".join(types)}


@messages.post("/{call:path}")
async def send(wappi: Wappi, call: str, profile_id: str, request: Request) -> Response:
    """The business sends a message."""
    if call not in SENDS:
        return refused(404, {"status": "error", "detail": f"no such call: {call}"})
    return await wappi.send(profile_id, call, request)


class WappiEmulator(WappiAccount):
    """One account of wappi.pro that is spoken to over HTTP."""

    def serve(self) -> None:
        """Put up the account's interface beside the control side."""
        super().serve()
        for routes in (control, linking, messages):
            self.app.include_router(routes)
        self.app.middleware("http")(self._guard)

    async def _guard(self, request: Request, call_next: Any) -> Response:
        root = request.scope.get("root_path", "")
        path = request.url.path.removeprefix(root)
        if path.startswith("/_control/"):  # where an operator stands who is known
            self.origin = f"{request.url.scheme}://{request.url.netloc}{root}"
        if path.startswith("/api/"):
            if request.headers.get("authorization") != self.token:
                return refused(401, {"status": "error", "detail": "Wrong authorization token"})
            self.origin = f"{request.url.scheme}://{request.url.netloc}{root}"
            number = request.query_params.get("profile_id", "")
            if not number:
                return refused(400, {"status": "error", "detail": "profile_id is empty"})
            if request.method == "POST" and "/message/" in path and "/messages/" not in path:
                kept = self.profile(number).settings
                if kept.paid_until < datetime.now(UTC):
                    return refused(402, {"status": "error", "detail": "Profile payment expired"})
                if not kept.authorized:
                    return refused(400, {"status": "error", "detail": "Profile is not authorized"})
        return await call_next(request)
