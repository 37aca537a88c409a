"""Wappi's side: the HTTP API of a profile and its webhooks, as its public clients describe them.

It checks requests by rules of its own: the header without `Bearer`, `profile_id` on every call, the fields
each call takes."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError

from channels.emulators.base import Emulator, Written, refused
from channels.emulators.media import File
from channels.emulators.phone import Bubble
from channels.emulators.qr import png_of
from channels.emulators.wappi_requests import SENDS, Read, Typing

# Nobody has written down how often Wappi repeats a webhook.
REDELIVERY_SECONDS = (0.5, 2, 5, 15)
MOSCOW = timezone(timedelta(hours=3))
LINK_SECONDS = 48 * 3600


class Profile(BaseModel):
    """How a profile behaves. `shape` of a webhook's `messages`; `echo`: whether our own sends come back, as
    their own event or as an incoming message with `is_me`; `crossed`: so many of the next answers to files
    and history belong to another question; `history_fails`: so many of the next questions for it fail."""

    authorized: bool = True
    app_status: str = "open"
    paid_until: datetime = datetime(2099, 1, 1, tzinfo=UTC)
    shape: Literal["list", "object", "flat"] = "list"
    echo: Literal["off", "api", "is_me"] = "api"
    webhooks: bool = True
    link: bool = True
    crossed: int = 0
    history_fails: int = 0


@dataclass
class _Kept:
    """What the provider holds of one profile."""

    settings: Profile = field(default_factory=Profile)
    history: list[dict[str, Any]] = field(default_factory=list)
    webhook: str = ""
    auth: str = ""
    qr: int = 0


class WappiEmulator(Emulator):
    """One account of wappi.pro; its profiles are whatever ids it is asked about. `webhook` gives the address
    a profile's webhooks go to until `webhook/url/set` names one."""

    def __init__(self, token: str, webhook: Callable[[str], str], *, journal: Path | None = None) -> None:
        super().__init__("Wappi emulator", REDELIVERY_SECONDS, journal)
        self._token, self._webhook = token, webhook
        self.profiles: dict[str, _Kept] = {}
        self._routes()

    def profile(self, name: str) -> _Kept:
        """What is held of a profile."""
        return self.profiles.setdefault(name, _Kept())

    async def write(self, number: str, written: Written, file: File | None = None) -> str:
        """The contact writes to a profile, or (`business`) a person at the business writes from the linked
        phone."""
        message_id, now = secrets.token_hex(16).upper(), time.time()
        chat = written.group or f"{written.contact}@c.us"
        shown = (
            f"[{_type(file)}{' ' + file.name if file.name else ''}] {written.text}".strip()
            if file
            else written.text
        )
        self.phones.show(
            Bubble(message_id, number, written.contact, not written.business, shown, int(now * 1000))
        )
        element = self._element(number, message_id, chat, written.text, now, mine=written.business)
        element |= {"wh_type": "outgoing_message_phone" if written.business else "incoming_message"}
        element |= {
            "senderName": written.name,
            "from_where": "phone",
            "chat_type": "group" if written.group else "dialog",
        }
        if written.quoted_id:
            element |= {"isReply": True, "stanza_id": written.quoted_id}
        if file:
            element |= self._attached(number, message_id, file, written.text)
        self.profile(number).history.append(element)
        done = (lambda: None) if written.business else (lambda: self.phones.tick(message_id, "delivered"))
        self.later(self._told(number, element, done))
        return message_id

    def _element(
        self, number: str, message_id: str, chat: str, text: str, now: float, mine: bool
    ) -> dict[str, Any]:
        own = f"{number}@c.us"
        return {
            "id": message_id,
            "profile_id": number,
            "timestamp": datetime.fromtimestamp(now, MOSCOW).isoformat(timespec="seconds"),
            "time": int(now),
            "body": text,
            "type": "chat",
            "from": own if mine else chat,
            "to": chat if mine else own,
            "chatId": chat,
            "is_me": mine,
            "platform": "whatsapp",
        }

    def _attached(self, number: str, message_id: str, file: File, caption: str) -> dict[str, Any]:
        kept = self.profile(number).settings
        file_id = self.files.keep(file)
        link = (
            {"file_link": f"/_files/{file_id}", "file_link_expire": int(time.time()) + LINK_SECONDS}
            if kept.link
            else {}
        )
        name = file.name or f"{message_id}.{file.mime_type.partition('/')[2].partition(';')[0]}"
        return {
            **{
                "type": _type(file),
                "caption": caption or None,
                "mimetype": file.mime_type,
                "file_name": name,
            },
            **{"body": base64.b64encode(file.data).decode(), "media": file_id},
            **link,
        }

    async def _told(
        self, number: str, element: dict[str, Any], done: Callable[[], None] = lambda: None
    ) -> None:
        kept = self.profile(number)
        url = kept.webhook or self._webhook(number)
        if not url or not kept.settings.webhooks:
            return
        sent = {name: value for name, value in element.items() if name != "media"}
        if str(sent.get("file_link", "")).startswith("/"):
            sent["file_link"] = f"{self.origin}{sent['file_link']}"
        shape = kept.settings.shape
        body = sent if shape == "flat" else {"messages": [sent] if shape == "list" else sent}

        async def post() -> int:
            headers = {
                "Content-Type": "application/json",
                **({"Authorization": kept.auth} if kept.auth else {}),
            }
            answer = await self.http.post(
                url, content=json.dumps(body, ensure_ascii=False).encode(), headers=headers
            )
            return answer.status_code

        await self.deliver(post, done)

    # where this emulator is reached, for links to its files; the first request tells
    origin = ""

    async def _statuses(self, bubble: Bubble) -> None:
        for status in ("sent", "delivered", "read"):
            update = {
                "wh_type": "delivery_status",
                "profile_id": bubble.number,
                "id": bubble.id,
                "status": status,
            }
            row = {**update, "time": int(time.time()), "task_id": ""}
            self.later(self._told(bubble.number, row, lambda s=status: self.phones.tick(bubble.id, s)))
            await asyncio.sleep(0.15)

    async def _send(self, number: str, call: str, request: Request) -> Response:
        try:
            raw = json.loads(await request.body())
            body = SENDS[call].model_validate(raw)
        except (ValueError, ValidationError) as error:
            return refused(400, {"status": "error", "detail": str(error)[:300]})
        self.requests.append({"call": call, "profile_id": number, **raw})
        fault = self.fault()
        if fault and fault.seconds:
            await asyncio.sleep(fault.seconds)
        if fault and fault.status != 200 and not fault.deliver:
            return refused(fault.status, {"status": "error", "detail": "emulated fault"}, fault)
        quoted = self.phones.bubbles.get(raw.get("message_id", ""))
        if call == "message/reply" and quoted is None:
            return refused(400, {"status": "error", "detail": "message not found"})
        chat = quoted.contact if quoted else str(raw["recipient"])
        contact = chat.partition("@")[0] if chat.endswith("@c.us") else chat
        shown = (
            raw.get("body")
            or f"[{'image' if 'img' in call else 'document'} {raw.get('file_name', '')}] {raw.get('caption', '')}".strip()
        )
        now, message_id = time.time(), f"3EB0{secrets.token_hex(8).upper()}"
        bubble = Bubble(message_id, number, contact, False, shown, int(now * 1000))
        self.phones.show(bubble)
        element = self._element(
            number, message_id, chat if "@" in chat else f"{chat}@c.us", shown, now, mine=True
        )
        self.profile(number).history.append({**element, "from_where": "api"})
        echo = self.profile(number).settings.echo
        if echo != "off":
            event = "outgoing_message_api" if echo == "api" else "incoming_message"
            self.later(
                self._told(number, {**element, "wh_type": event, "from_where": "api", "chat_type": "dialog"})
            )
        self.later(self._statuses(bubble))
        if fault and fault.status != 200:
            return refused(fault.status, {"status": "error", "detail": "emulated fault"}, fault)
        done = {
            "status": "done",
            "timestamp": element["timestamp"],
            "time": int(now),
            "message_id": message_id,
        }
        return JSONResponse({**done, "uuid": secrets.token_hex(16), "detail": type(body).__name__})

    def _authorized(self, number: str) -> None:
        """Tell that the phone was linked, or unlinked."""
        status = "online" if self.profile(number).settings.authorized else "offline"
        row = {"wh_type": "authorization_status", "profile_id": number, "status": status, "reason": "logout"}
        self.later(self._told(number, {**row, "time": int(time.time())}))

    def _status(self, number: str) -> dict[str, Any]:
        kept = self.profile(number)
        return {
            **{"profile_id": number, "name": "Emulated", "phone": "77001112233", "platform": "whatsapp"},
            **{"app_status": kept.settings.app_status, "authorized": kept.settings.authorized},
            "payment_expired_at": kept.settings.paid_until.isoformat(),
            **{"webhook_url": kept.webhook, "message_count": len(kept.history)},
        }

    def _history(self, number: str, limit: int, offset: int, order: str) -> dict[str, Any]:
        """Rows as `messages/get` names their fields."""
        kept = self.profile(number)
        rows = sorted(kept.history, key=lambda row: row["time"], reverse=order == "desc")[
            offset : offset + limit
        ]
        names = {"is_me": "fromMe", "stanza_id": "stanzaId", "is_forwarded": "isForwarded"}
        found = []
        for row in rows:
            new = {
                names.get(name, name): value
                for name, value in row.items()
                if name not in ("wh_type", "profile_id", "media")
            }
            if "media" in row:
                new["body"] = {"mimetype": row["mimetype"], "fileName": row["file_name"]}
                new["s3Info"] = {"url": f"{self.origin}/_files/{row['media']}"} if kept.settings.link else {}
            found.append(new)
        return {"status": "done", "profile_id": number, "messages": found}

    def _routes(self) -> None:
        app = self.app

        @app.middleware("http")
        async def guard(request: Request, call_next: Any) -> Response:
            root = request.scope.get("root_path", "")
            path = request.url.path.removeprefix(root)
            if path.startswith("/_control/"):  # where an operator stands who is known
                self.origin = f"{request.url.scheme}://{request.url.netloc}{root}"
            if path.startswith("/api/"):
                if request.headers.get("authorization") != self._token:
                    return refused(401, {"status": "error", "detail": "Wrong authorization token"})
                self.origin = f"{request.url.scheme}://{request.url.netloc}{root}"
                self.origin = f"{request.url.scheme}://{request.url.netloc}{root}"
                number = request.query_params.get("profile_id", "")
                if not number:
                    return refused(400, {"status": "error", "detail": "profile_id is empty"})
                kept = self.profile(number).settings
                if "/message/" in path and "/messages/" not in path and request.method == "POST":
                    if kept.paid_until < datetime.now(UTC):
                        return refused(402, {"status": "error", "detail": "Profile payment expired"})
                    if not kept.authorized:
                        return refused(400, {"status": "error", "detail": "Profile is not authorized"})
            return await call_next(request)

        @app.post("/_control/{number}/profile")
        async def change(number: str, wanted: dict[str, Any]) -> Profile:
            kept = self.profile(number)
            before = kept.settings
            kept.settings = Profile.model_validate({**before.model_dump(), **wanted})
            if before.authorized != kept.settings.authorized:
                self._authorized(number)
            return kept.settings

        @app.post("/_control/{number}/rotate")
        async def rotate(number: str) -> dict[str, int]:
            self.profile(number).qr += 1
            return {"qr": self.profile(number).qr}

        @app.get("/_files/{file_id}")
        async def download(file_id: str) -> Response:
            file = self.files.kept.get(file_id)
            if file is None or file.status != 200:
                return Response(status_code=404 if file is None else file.status)
            self.files.fetched.append(file_id)
            return Response(file.data, media_type=file.mime_type)

        @app.post("/api/sync/message/mark/read")
        async def mark_read(profile_id: str, body: Read) -> dict[str, str]:
            self.reads.append(body.message_id)
            self.phones.tick(body.message_id, "read")
            return {"status": "done"}

        @app.post("/api/sync/chat/typing/start")
        async def typing(profile_id: str, body: Typing) -> dict[str, str]:
            self.phones.typing(profile_id, body.recipient.partition("@")[0])
            return {"status": "done"}

        @app.get("/api/sync/messages/all/get")
        async def history(
            profile_id: str, limit: int = 100, offset: int = 0, order: str = "desc"
        ) -> Response:
            kept = self.profile(profile_id).settings
            if not 0 < limit <= 100:
                return refused(400, {"status": "error", "detail": "limit is from 1 to 100"})
            if kept.history_fails:
                kept.history_fails -= 1
                return refused(500, {"status": "error", "detail": "internal error"})
            answer = self._history(profile_id, limit, offset, order)
            if kept.crossed:
                kept.crossed -= 1
                answer["profile_id"] = "another-profile"
            return JSONResponse(answer)

        @app.get("/api/sync/message/media/download")
        async def media(profile_id: str, message_id: str) -> Response:
            kept = self.profile(profile_id)
            row = next((r for r in kept.history if r["id"] == message_id and "media" in r), None)
            if row is None:
                return refused(404, {"status": "error", "detail": "message has no file"})
            if kept.settings.crossed:
                kept.settings.crossed -= 1
                message_id = "ANOTHER"
            link = f"{self.origin}/_files/{row['media']}"
            about = {
                "status": "done",
                "message_id": message_id,
                "file_name": row["file_name"],
                "mime_type": row["mimetype"],
            }
            return JSONResponse(
                {**about, "file_link": link, "file_link_expire": int(time.time()) + LINK_SECONDS}
            )

        @app.get("/api/sync/get/status")
        async def status(profile_id: str) -> dict[str, Any]:
            return self._status(profile_id)

        @app.get("/api/sync/qr/get")
        async def qr(profile_id: str) -> Response:
            kept = self.profile(profile_id)
            if kept.settings.authorized:
                return refused(400, {"status": "error", "detail": "You are already authorized"})
            code = base64.b64encode(png_of(f"2@emulated-{profile_id}-{kept.qr}")).decode()
            return JSONResponse({"status": "done", "qrCode": f"data:image/png;base64,{code}"})

        @app.get("/api/sync/auth/code")
        async def code(profile_id: str, phone: str) -> dict[str, str]:
            return {"status": "done", "code": f"WAPP-{phone[-4:]}"}

        @app.get("/api/profile/{action}")
        async def act(action: Literal["logout", "restart"], profile_id: str) -> dict[str, str]:
            if action == "logout":
                self.profile(profile_id).settings.authorized = False
                self._authorized(profile_id)
            return {"status": "done"}

        @app.post("/api/webhook/url/set")
        async def set_url(profile_id: str, url: str, auth: str = "") -> dict[str, str]:
            self.profile(profile_id).webhook, self.profile(profile_id).auth = url, auth
            return {"status": "done"}

        @app.post("/api/webhook/types/set")
        async def set_types(profile_id: str, types: list[str]) -> dict[str, str]:
            return {"status": "done", "detail": ",".join(types)}

        @app.post("/api/sync/{call:path}")
        async def send(call: str, profile_id: str, request: Request) -> Response:
            if call not in SENDS:
                return refused(404, {"status": "error", "detail": f"no such call: {call}"})
            return await self._send(profile_id, call, request)


def _type(file: File) -> str:
    family = file.mime_type.partition("/")[0]
    if family == "audio":
        return "ptt"
    return (
        "sticker"
        if file.mime_type == "image/webp"
        else family
        if family in ("image", "video")
        else "document"
    )
