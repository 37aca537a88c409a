"""What a WAHA gateway holds and does: sessions with their QR codes, sends, signed webhooks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError

from channels.emulators import waha_requests as asked
from channels.emulators.base import Emulator, Written, refused
from channels.emulators.media import ReceivedFile
from channels.emulators.phone import Bubble

# The first code is shown for a minute, each of the five after it for 20 s; then the session has failed.
QR_SECONDS = (60, 20, 20, 20, 20, 20)
ACKS = {"sent": (1, "SERVER"), "delivered": (2, "DEVICE"), "read": (3, "READ")}


class LidIn(BaseModel):
    """From now on the contact's messages name a lid in place of the number; `told`: with the number beside
    it."""

    contact: str
    lid: str
    told: bool = False


@dataclass
class GatewaySession:
    """One linked device, or one that waits to be linked."""

    status: str = "STARTING"
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    since: float = 0
    rotated: int = 0
    me: str = ""
    lids: dict[str, LidIn] = field(default_factory=dict[str, LidIn])

    def qr(self) -> int | None:
        """The number of the code shown now; None when all have been."""
        passed, shown = time.monotonic() - self.since, self.rotated
        for seconds in QR_SECONDS[shown:]:
            if passed < seconds:
                return shown
            passed, shown = passed - seconds, shown + 1
        return None


class Gateway(Emulator):
    """One gateway. sessions whose names begin with `ready` are there and linked although nobody created them,
    their webhooks signed with `hmac_key` and sent to `webhook`."""

    def __init__(
        self,
        api_key: str,
        *,
        ready: str | None = None,
        webhook: str = "",
        hmac_key: str = "",
        journal: Path | None = None,
    ) -> None:
        super().__init__("WAHA emulator", (0.5, 2, 4, 8, 16), journal)
        self.api_key, self._ready = api_key, ready
        self._webhook, self._hmac = webhook, hmac_key
        self.sessions: dict[str, GatewaySession] = {}
        self.sent_ids: set[tuple[str, str, str]] = set()

    def find(self, name: str) -> GatewaySession | None:
        """A session; one that has shown its last code unscanned has failed."""
        if self._ready is not None and name.startswith(self._ready) and name not in self.sessions:
            hook = {
                "url": self._webhook,
                "events": ["message.any", "message.ack"],
                "hmac": {"key": self._hmac},
            }
            self.sessions[name] = GatewaySession("WORKING", {"webhooks": [hook]}, me="77001112233@c.us")
        session = self.sessions.get(name)
        if session and session.status == "SCAN_QR_CODE" and session.qr() is None:
            self.turn(name, session, "FAILED")
        return session

    def turn(self, name: str, session: GatewaySession, status: str) -> None:
        """Bring a session into another state, and tell of it."""
        session.status = status
        if status == "SCAN_QR_CODE":
            session.since, session.rotated = time.monotonic(), 0
        payload = {
            "name": name,
            "status": status,
            "data": None,
            "statuses": [{"status": status, "timestamp": _ms()}],
        }
        self.later(self._told(name, "session.status", payload))

    def scan(self, name: str, phone: str = "77001112233") -> None:
        """A phone scans the code."""
        session = self.sessions[name]
        session.me = f"{phone}@c.us"
        self.turn(name, session, "WORKING")

    async def write(self, number: str, written: Written, file: ReceivedFile | None = None) -> str:
        """The contact writes to a session, or (`business`) a person at the business writes on the linked
        phone."""
        session = self.find(number)
        if session is None:
            raise LookupError(number)
        stanza, now = secrets.token_hex(10).upper(), time.time()
        known = session.lids.get(written.contact)
        person = known.lid if known else f"{written.contact}@c.us"
        chat = written.group or person
        shown = f"[file {file.name}] {written.text}".strip() if file else written.text
        self.phones.show(
            Bubble(stanza, number, written.contact, not written.business, shown, int(now * 1000))
        )
        payload: dict[str, Any] = {
            "id": f"{str(written.business).lower()}_{chat}_{stanza}"
            + (f"_{person}" if written.group else ""),
            **{"timestamp": int(now), "fromMe": written.business, "source": "app", "body": written.text},
            **{
                "from": session.me if written.business else chat,
                "to": chat if written.business else session.me,
            },
            **{
                "participant": person if written.group else "",
                "hasMedia": file is not None,
                "ack": 1,
                "ackName": "SERVER",
            },
            "_data": {"Info": {"PushName": written.name}},
        }
        if known and known.told:
            payload["_data"]["Info"]["SenderAlt"] = f"{written.contact}@s.whatsapp.net"
        if written.quoted_id:
            payload["replyTo"] = {"id": written.quoted_id}
        if file:
            url = f"http://localhost:3000/api/files/{number}/{self.files.keep(file)}"
            payload["media"] = {
                "url": url,
                "mimetype": file.mime_type,
                "filename": file.name or None,
                "error": None,
            }
        done = (lambda: None) if written.business else (lambda: self.phones.tick(stanza, "delivered"))
        self.later(self._told(number, "message.any", payload, done))
        return stanza

    async def _told(
        self, name: str, event: str, payload: dict[str, Any], done: Callable[[], None] = lambda: None
    ) -> None:
        session = self.sessions.get(name)
        hooks: list[dict[str, Any]] = session.config.get("webhooks", []) if session else []
        for hook in hooks:
            if event not in hook["events"] or not session:
                continue
            body: dict[str, Any] = {
                "id": f"evt_{secrets.token_hex(12)}",
                "timestamp": _ms(),
                "session": name,
                "event": event,
            }
            body |= {"engine": "GOWS", "me": {"id": session.me, "pushName": "Shop"} if session.me else None}
            raw = json.dumps(
                {**body, "payload": payload, "environment": {"version": "2026.7.1", "engine": "GOWS"}}
            ).encode()
            headers: dict[str, str] = {"Content-Type": "application/json", "X-Webhook-Request-Id": body["id"]}
            headers["X-Webhook-Timestamp"] = str(body["timestamp"])
            signing: dict[str, str] = hook.get("hmac") or {}
            if key := signing.get("key"):
                headers["X-Webhook-Hmac"] = hmac.new(key.encode(), raw, hashlib.sha512).hexdigest()
                headers["X-Webhook-Hmac-Algorithm"] = "sha512"

            async def post(
                url: str = hook["url"], raw: bytes = raw, headers: dict[str, str] = headers
            ) -> int:
                return (await self.http.post(url, content=raw, headers=headers)).status_code

            await self.deliver(post, done)

    async def _acks(self, bubble: Bubble, chat: str) -> None:
        for status, (ack, name) in ACKS.items():
            session = self.sessions.get(bubble.number)
            ids = {
                "id": f"true_{chat}_{bubble.id}",
                "from": session.me if session else "",
                "to": chat,
                "participant": "",
            }
            row = {**ids, "fromMe": True, "ack": ack, "ackName": name}
            self.later(
                self._told(bubble.number, "message.ack", row, lambda s=status: self.phones.tick(bubble.id, s))
            )
            await asyncio.sleep(0.15)

    async def send(self, call: str, request: Request) -> Response:
        """Take a message of the business."""
        try:
            raw = json.loads(await request.body())
            body = asked.SENDS[call].model_validate(raw)
        except (ValueError, ValidationError) as error:
            return error_of(400, str(error)[:300])
        session = self.find(body.session)
        if session is None or session.status != "WORKING":
            return error_of(422, "Session status is not as expected. Try again later or restart the session")
        self.requests.append({"call": call, **raw})
        fault = self.fault()
        if fault and fault.seconds:
            await asyncio.sleep(fault.seconds)
        if fault and fault.status != 200 and not fault.deliver:
            return refused(fault.status, {"statusCode": fault.status, "message": "emulated fault"}, fault)
        stanza = getattr(body, "id", None) or f"3EB0{secrets.token_hex(9).upper()}"
        again = (body.session, body.chatId, stanza) in self.sent_ids  # WhatsApp knows a message by its id
        contact = body.chatId.partition("@")[0] if body.chatId.endswith("@c.us") else body.chatId
        shown, content = self._shown(call, body)
        bubble = Bubble(stanza, body.session, contact, False, shown, int(time.time() * 1000), content=content)
        if not again:
            self.sent_ids.add((body.session, body.chatId, stanza))
            self.phones.show(bubble)
            echo = {
                "id": f"true_{body.chatId}_{stanza}",
                "timestamp": int(time.time()),
                "fromMe": True,
                "source": "api",
            }
            echo |= {
                "from": session.me,
                "to": body.chatId,
                "body": shown,
                "hasMedia": False,
                "ack": 0,
                "ackName": "PENDING",
            }
            self.later(self._told(body.session, "message.any", echo))
            self.later(self._acks(bubble, body.chatId))
        if fault and fault.status != 200:
            return refused(fault.status, {"statusCode": fault.status, "message": "emulated fault"}, fault)
        sent = {
            "id": f"true_{body.chatId}_{stanza}",
            "timestamp": int(time.time()),
            "fromMe": True,
            "body": shown,
        }
        return JSONResponse(
            {**sent, "from": session.me, "to": body.chatId, "hasMedia": call != "sendText"}, 201
        )

    def _shown(self, call: str, body: Any) -> tuple[str, dict[str, Any]]:
        """What the phone shows of a message: its words, and what is more than words as Graph writes it."""
        if call == "sendText":
            return body.text, {}
        if call == "sendLocation":
            pin = {"latitude": body.latitude, "longitude": body.longitude, "name": body.title}
            return f"[location] {body.title}".strip(), {"type": "location", "location": pin}
        if call == "sendContactVcard":
            names = [
                line[3:] for card in body.contacts for line in card.vcard.splitlines() if line[:3] == "FN:"
            ]
            cards = [{"name": {"formatted_name": name}} for name in names]
            return f"[contacts] {', '.join(names)}", {"type": "contacts", "contacts": cards}
        sort = {"Image": "image", "Voice": "audio", "Video": "video"}.get(call[4:], "document")
        file, caption = body.file, getattr(body, "caption", "")
        if file.url:
            part = {"link": file.url}
        else:
            part = {
                "id": self.files.keep(ReceivedFile(base64.b64decode(file.data), file.mimetype, file.filename))
            }
        words = f"[{sort} {file.filename}] {caption}".strip()
        return words, {"type": sort, sort: {**part, "caption": caption, "filename": file.filename}}

    def react(self, body: asked.React) -> Response:
        """The business puts an emoji under a message of the contact, or takes it back."""
        bubble = self.phones.bubbles.get(body.messageId.split("_")[2])
        if bubble is None:
            return error_of(404, "Message not found")
        self.requests.append({"call": "reaction", **body.model_dump()})
        told = {"type": "reaction", "reaction": {"message_id": bubble.id, "emoji": body.reaction}}
        stanza = f"3EB0{secrets.token_hex(9).upper()}"
        words = f"[reaction] {body.reaction}"
        now = int(time.time() * 1000)
        self.phones.show(Bubble(stanza, body.session, bubble.contact, False, words, now, content=told))
        return JSONResponse({"id": f"true_{bubble.contact}@c.us_{stanza}"}, 200)

    def about(self, name: str, session: GatewaySession) -> dict[str, Any]:
        """A session, as the gateway describes it."""
        me = {"id": session.me, "pushName": "Shop"} if session.me else None
        about = {"name": name, "status": session.status, "config": session.config, "me": me}
        return {**about, "presence": None, "timestamps": {"activity": None}}


def _ms() -> int:
    return int(time.time() * 1000)


def error_of(status: int, message: str) -> Response:
    """An error answer in WAHA's form."""
    return JSONResponse(
        {
            "statusCode": status,
            "error": "Unprocessable Entity" if status == 422 else "Error",
            "message": message,
        },
        status,
    )
