"""What Wappi holds and does: profiles with their history, sends, webhooks."""

from __future__ import annotations

import asyncio
import base64
import json
import mimetypes
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
from channels.emulators.media import ReceivedFile
from channels.emulators.phone import Bubble
from channels.emulators.wappi_requests import SENDS

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
class WappiProfile:
    """What the provider holds of one profile."""

    settings: Profile = field(default_factory=Profile)
    history: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    webhook: str = ""
    auth: str = ""
    qr: int = 0


class WappiAccount(Emulator):
    """One account of wappi.pro; its profiles are whatever ids it is asked about. `webhook` gives the address
    a profile's webhooks go to until `webhook/url/set` names one."""

    def __init__(self, token: str, webhook: Callable[[str], str], *, journal: Path | None = None) -> None:
        super().__init__("Wappi emulator", REDELIVERY_SECONDS, journal)
        self.token, self._webhook = token, webhook
        self.profiles: dict[str, WappiProfile] = {}

    def profile(self, name: str) -> WappiProfile:
        """What is held of a profile."""
        return self.profiles.setdefault(name, WappiProfile())

    async def write(self, number: str, written: Written, file: ReceivedFile | None = None) -> str:
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

    def _attached(self, number: str, message_id: str, file: ReceivedFile, caption: str) -> dict[str, Any]:
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

    async def send(self, number: str, call: str, request: Request) -> Response:
        """Take a message of the business."""
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
        if call in ("message/reply", "message/reaction") and quoted is None:
            return refused(400, {"status": "error", "detail": "message not found"})
        chat = quoted.contact if quoted else str(raw["recipient"])
        contact = chat.partition("@")[0] if chat.endswith("@c.us") else chat
        shown, content = self._shown(call, raw)
        now, message_id = time.time(), f"3EB0{secrets.token_hex(8).upper()}"
        bubble = Bubble(message_id, number, contact, False, shown, int(now * 1000), content=content)
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

    def _shown(self, call: str, raw: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """What the phone shows of a message: its words, and what is more than words as Graph writes it."""
        sort = {"img": "image"}.get(call.split("/")[1], call.split("/")[1])
        if sort == "reaction":
            told = {"message_id": raw["message_id"], "emoji": raw["body"]}
            return f"[reaction] {raw['body']}", {"type": "reaction", "reaction": told}
        if "body" in raw:
            return raw["body"], {}
        name, caption = raw.get("file_name", ""), raw.get("caption", "")
        if "url" in raw:
            sort = _sort_of(mimetypes.guess_type(raw["url"])[0] or "")
            part = {"link": raw["url"]}
        else:
            mime = mimetypes.guess_type(name)[0] or ("image/jpeg" if sort == "image" else "")
            part = {"id": self.files.keep(ReceivedFile(base64.b64decode(raw["b64_file"]), mime, name))}
        words = f"[{sort}{' ' + name if name else ''}] {caption}".strip()
        return words, {"type": sort, sort: {**part, "caption": caption, "filename": name}}

    def tell_authorized(self, number: str) -> None:
        """Tell that the phone was linked, or unlinked."""
        status = "online" if self.profile(number).settings.authorized else "offline"
        row = {"wh_type": "authorization_status", "profile_id": number, "status": status, "reason": "logout"}
        self.later(self._told(number, {**row, "time": int(time.time())}))

    def status(self, number: str) -> dict[str, Any]:
        """A profile, as `get/status` describes it."""
        kept = self.profile(number)
        return {
            **{"profile_id": number, "name": "Emulated", "phone": "77001112233", "platform": "whatsapp"},
            **{"app_status": kept.settings.app_status, "authorized": kept.settings.authorized},
            "payment_expired_at": kept.settings.paid_until.isoformat(),
            **{"webhook_url": kept.webhook, "message_count": len(kept.history)},
        }

    def history(self, number: str, limit: int, offset: int, order: str) -> dict[str, Any]:
        """Rows as `messages/get` names their fields."""
        kept = self.profile(number)
        rows = sorted(kept.history, key=lambda row: row["time"], reverse=order == "desc")[
            offset : offset + limit
        ]
        names = {"is_me": "fromMe", "stanza_id": "stanzaId", "is_forwarded": "isForwarded"}
        found = list[dict[str, Any]]()
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


def _sort_of(mime: str) -> str:
    family = mime.partition("/")[0]
    return family if family in ("image", "video", "audio") else "document"


def _type(file: ReceivedFile) -> str:
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
