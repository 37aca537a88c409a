"""Meta's side of the Cloud API: the Graph endpoint businesses send to, and signed webhooks to them.

It checks requests by rules of its own, written from Meta's reference and not from our sender. `/_control` is
for the person (or test) who plays the contact."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from channels.emulators.base import Emulator, SendFault, Written, emulator_of
from channels.emulators.cloud_answers import Answer, answered, shown_of, words_of
from channels.emulators.cloud_requests import ReadRequest, SendRequest, media_in
from channels.emulators.media import ReceivedFile, media_message
from channels.emulators.meta.catalogues import EmulatedCatalogues
from channels.emulators.meta.catalogues import routes as catalogue_routes
from channels.emulators.meta.errors import graph_error, not_allowed
from channels.emulators.meta.flow_routes import routes as flow_routes
from channels.emulators.meta.flows import EmulatedFlows, FormStep, ShownStep, done_with
from channels.emulators.meta.payments import EmulatedPayments, PaymentTap
from channels.emulators.meta.pricing import EmulatedPricing, EmulatedTariff
from channels.emulators.meta.standing import EmulatedStanding
from channels.emulators.meta.template_routes import routes as template_routes
from channels.emulators.meta.templates import EmulatedTemplates, Refusal
from channels.emulators.phone import Bubble
from channels.json_parts import as_dict

# Meta repeats an unacknowledged webhook at once and then ever more rarely, for 7 days.
REDELIVERY_SECONDS = (0.2, 0.5, 1, 2, 3, 5, 10, 30, 60)


# "Supported media types": a calendar file goes as plain text.
UPLOADED = (
    "text/plain",
    "application/pdf",
    "application/vnd.",
    "application/msword",
    "image/",
    "audio/",
    "video/",
)


routes = APIRouter()


class CloudApiEmulator(Emulator):
    """One Meta app: its numbers are whatever account ids it is asked about.

    `secret` signs webhooks, `token` is what businesses must send, `webhook` is where updates go. `auto_read`
    marks replies as read as soon as they are delivered, as when the chat is open on the phone. `callbacks`:
    statuses carry the callback of the request."""

    def __init__(
        self, webhook: str, secret: str, token: str, *, journal: Path | None = None, auto_read: bool = True
    ) -> None:
        super().__init__("Cloud API emulator", REDELIVERY_SECONDS, journal)
        self.webhook, self._secret, self._token, self._auto_read = webhook, secret, token, auto_read
        self.callbacks = True
        self.pricing = EmulatedPricing()
        self.templates: list[dict[str, Any]] = []  # what the business's account has, as Graph lists it
        self.account = EmulatedTemplates(lambda: self.templates)
        self.payments = EmulatedPayments()
        self.standing = EmulatedStanding()
        self.flows = EmulatedFlows(secret, self.http)
        self.catalogues = EmulatedCatalogues()

    def serve(self) -> None:
        """Put up Graph beside the control side."""
        super().serve()
        self.app.include_router(template_routes)
        self.app.include_router(flow_routes)
        self.app.include_router(catalogue_routes)
        self.app.include_router(routes)

    async def write(self, number: str, written: Written, file: ReceivedFile | None = None) -> str:
        """The contact sends a text, or a file with the text as its caption; returns its message id."""
        message_id = f"wamid.{secrets.token_hex(16).upper()}"
        if written.business:
            return self._by_hand(number, written, message_id)
        now = time.time()
        content: dict[str, Any] = {"type": "text", "text": {"body": written.text}}
        shown = written.text
        if file:
            content = media_message(self.files.keep(file), file, written.text)
            shown = f"[{content['type']}{' ' + file.name if file.name else ''}] {written.text}".strip()
        self.phones.show(Bubble(message_id, number, written.contact, True, shown, int(now * 1000)))
        message = {"from": written.contact, "id": message_id, "timestamp": str(int(now)), **content}
        if written.group:
            message["group_id"] = written.group
        if written.quoted_id:
            message["context"] = {"from": number, "id": written.quoted_id}
        self._told(number, written.name, message)
        return message_id

    def _told(self, number: str, name: str, message: dict[str, Any]) -> None:
        """A contact's message goes to the business."""
        contact = {"profile": {"name": name}, "wa_id": message["from"]}
        value = self._value(number, contacts=[contact], messages=[message])
        self.later(self._deliver(value, lambda: self.phones.tick(message["id"], "delivered")))

    async def answer(self, number: str, answer: Answer) -> str:
        """The contact taps something. Raises ValueError for what the phone does not show."""
        asked = self._asked(number, answer.contact, answer.bubble)
        words, part = answered(asked, answer)
        context: dict[str, Any] = {"id": asked.id} if asked else {}
        if answer.product:
            product = {"catalog_id": answer.catalogue, "product_retailer_id": answer.product}
            context["referred_product"] = product
        return self._tapped(number, answer, words, part, context)

    async def step(self, number: str, asked: FormStep) -> ShownStep:
        """The contact fills in a form. Raises ValueError for a message that is none, and NoScreen."""
        bubble = self._asked(number, asked.contact, asked.bubble)
        shown = await self.flows.step(number, bubble, asked)
        if shown.params is None:
            return shown
        sent = self._tapped(number, asked, "[form] Sent", done_with(shown.params), {"id": asked.bubble})
        return ShownStep(sent=sent)

    def _asked(self, number: str, contact: str, bubble_id: str) -> Bubble | None:
        """The message of the business that a contact taps on; None for one of another conversation."""
        found = self.phones.bubbles.get(bubble_id)
        return (
            found if found and (found.number, found.contact, found.mine) == (number, contact, False) else None
        )

    def _tapped(
        self, number: str, by: Answer | FormStep, words: str, part: dict[str, Any], context: dict[str, Any]
    ) -> str:
        """What was tapped on goes to the business; returns its message id."""
        message_id, now = f"wamid.{secrets.token_hex(16).upper()}", time.time()
        self.phones.show(
            Bubble(message_id, number, by.contact, True, words, int(now * 1000), content=shown_of(part))
        )
        message = {"from": by.contact, "id": message_id, "timestamp": str(int(now)), **part}
        if context:
            message["context"] = {"from": number, **context}
        self._told(number, by.name, message)
        return message_id

    def _by_hand(self, number: str, written: Written, message_id: str) -> str:
        """Somebody at the business writes from the phone app of the number (coexistence:
        "smb_message_echoes")."""
        self.phones.show(
            Bubble(message_id, number, written.contact, False, written.text, int(time.time() * 1000))
        )
        echo = {"from": number, "to": written.contact, "id": message_id, "timestamp": str(int(time.time()))}
        echoes = [{**echo, "type": "text", "text": {"body": written.text}}]
        self.later(self._deliver(self._value(number, message_echoes=echoes), field="smb_message_echoes"))
        return message_id

    async def post(self, payload: dict[str, Any]) -> int:
        """Sign a webhook body, post it once, return the HTTP status."""
        body = json.dumps(payload).replace("/", "\\/").encode()  # Meta escapes slashes and non-ASCII letters
        digest = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}
        return (await self.http.post(self.webhook, content=body, headers=headers)).status_code

    async def say_statuses(self, number: str, statuses: list[dict[str, Any]]) -> None:
        """A webhook of statuses of a number."""
        self.later(self._deliver(self._value(number, statuses=statuses)))

    async def tell(self, field: str, value: dict[str, Any]) -> None:
        """A webhook about the account, such as what became of a template."""
        self.later(self._deliver(value, field=field))

    async def _deliver(
        self, value: dict[str, Any], done: Callable[[], None] = lambda: None, field: str = "messages"
    ) -> None:
        change = {"field": field, "value": value}
        payload = {"object": "whatsapp_business_account", "entry": [{"id": "0", "changes": [change]}]}
        await self.deliver(lambda: self.post(payload), done)

    async def _statuses(self, bubble: Bubble) -> None:
        """sent, delivered and read, a moment apart; one that cannot be delivered is repeated and holds up no
        other."""
        for status in ("sent", "delivered", "read") if self._auto_read else ("sent", "delivered"):
            update = self._status(bubble, status)
            value = self._value(bubble.number, statuses=[update])
            self.later(self._deliver(value, lambda s=status: self.phones.tick(bubble.id, s)))
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
        update |= self.pricing.told(bubble.id, status)
        if code:
            update["errors"] = [
                {"code": code, "title": "emulated failure", "error_data": {"details": "emulated"}}
            ]
        return update

    def _value(self, number: str, **parts: Any) -> dict[str, Any]:
        return {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": number, "phone_number_id": number},
            **parts,
        }

    def allows(self, request: Request) -> bool:
        """Whether a request carries the token of the business."""
        return self.knows(request.headers.get("authorization", ""))

    def knows(self, authorization: str) -> bool:
        """Whether a header `Authorization` is that of the business."""
        return hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode())

    async def send(self, number: str, request: Request) -> Response:
        """Take a message of the business, or its mark that one was read."""
        if not self.allows(request):
            return not_allowed()
        try:
            raw: Any = json.loads(await request.body())
            is_read = "status" in as_dict(raw)
            body = (ReadRequest if is_read else SendRequest).model_validate(raw)
        except ValidationError as error:
            return graph_error(400, _code_of(error), _complaint(error))
        except ValueError as error:
            return graph_error(400, 100, str(error)[:300])
        if isinstance(body, ReadRequest):
            return self._read(body)
        if strange := [id for id in media_in(raw) if id not in self.files.kept]:
            return graph_error(400, 131053, f"Media upload error: there is no media {strange[0]}")
        try:
            self.account.fits(raw)
            self.payments.fits(number, raw)
            self.catalogues.fits(raw)
        except Refusal as refusal:
            return graph_error(400, refusal.code, str(refusal))
        self.requests.append(raw)
        fault = self.fault()
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
            words_of(body),
            now,
            callback=body.biz_opaque_callback_data or "",
            content=shown_of(raw),
        )
        late = fault.code if fault and fault.later else self.payments.take(number, contact, raw)
        if late:
            self.later(self._deliver(self._value(number, statuses=[self._status(bubble, "failed", late)])))
        else:
            self.phones.show(bubble)
            self.pricing.charge(bubble.id, number, contact, raw, self.templates)
            self.later(self._statuses(bubble))
        if fault and not fault.later:
            return _faulty(fault)
        return JSONResponse(
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": body.to or "", "wa_id": contact}],
                "messages": [{"id": bubble.id}],
            }
        )

    def _read(self, body: ReadRequest) -> Response:
        self.reads.append(body.message_id)
        bubble = self.phones.bubbles.get(body.message_id)
        if bubble:
            self.phones.tick(bubble.id, "read")
            if body.typing_indicator:
                self.phones.typing(bubble.number, bubble.contact)
        return JSONResponse({"success": True})


Meta = Annotated[CloudApiEmulator, Depends(emulator_of)]


@routes.post("/_control/{number}/answers")
async def answer(meta: Meta, number: str, answer: Answer) -> Response:
    """The contact taps a button, picks a row, fills in a form, sends a cart or their place."""
    try:
        return JSONResponse({"id": await meta.answer(number, answer)})
    except ValueError as error:
        return JSONResponse({"detail": str(error)}, 422)


@routes.post("/_control/{number}/payments")
async def pay(meta: Meta, number: str, tap: PaymentTap) -> Response:
    """The contact pays a bill, or tries to."""
    try:
        status = meta.payments.pay(number, tap)
    except ValueError as error:
        return JSONResponse({"detail": str(error)}, 422)
    await meta.say_statuses(number, [status])
    return JSONResponse(status)


@routes.get("/{version}/{number}/payments/{configuration}/{reference}")
async def look_up(meta: Meta, number: str, configuration: str, reference: str, request: Request) -> Response:
    """What became of a payment."""
    if not meta.allows(request):
        return not_allowed()
    if fault := meta.fault():
        return _faulty(fault)
    try:
        return JSONResponse(meta.payments.look_up(number, configuration, reference))
    except Refusal as refusal:
        return graph_error(400, refusal.code, str(refusal))


@routes.post("/_control/pricing")
async def set_tariff(meta: Meta, tariff: EmulatedTariff) -> EmulatedTariff:
    """How messages are charged from now on."""
    meta.pricing.tariff = tariff
    return tariff


@routes.get("/_media/{media_id}")
async def download(meta: Meta, media_id: str, request: Request) -> Response:
    """The bytes of a file that a contact sent."""
    file = meta.files.kept.get(media_id)
    if not meta.allows(request):
        return Response(status_code=401)
    if file is None or file.status != 200:
        return Response(status_code=file.status if file else 404)
    meta.files.fetched.append(media_id)
    return Response(file.data, media_type=file.mime_type)


@routes.get("/{version}/{media_id}")
async def media(meta: Meta, version: str, media_id: str, request: Request) -> Response:
    """Where a file is, and what it is; how a number stands, where fields of it are asked for."""
    if not meta.allows(request):
        return not_allowed()
    if fields := request.query_params.get("fields"):
        return JSONResponse(meta.standing.asked(media_id, fields))
    about = meta.files.about(media_id, str(request.base_url))
    return JSONResponse(about) if about else graph_error(400, 100, "Unsupported get request.")


@routes.post("/{version}/{number}/media")
async def upload(
    meta: Meta,
    request: Request,
    file: UploadFile,
    messaging_product: Annotated[str, Form()],
    type: Annotated[str, Form()],
) -> Response:
    """The business puts up a file to send."""
    if not meta.allows(request):
        return not_allowed()
    if messaging_product != "whatsapp" or not any(type.startswith(kind) for kind in UPLOADED):
        return graph_error(400, 100, f"Param file must be a file with one of the supported types, not {type}")
    return JSONResponse({"id": meta.files.keep(ReceivedFile(await file.read(), type, file.filename or ""))})


@routes.post("/{version}/{number}/messages")
async def send(meta: Meta, version: str, number: str, request: Request) -> Response:
    """The business sends a message."""
    return await meta.send(number, request)


def _code_of(error: ValidationError) -> int:
    """Meta's number for a request that is not as the reference has it ("Error codes"): of an interactive
    message a field is missing (131008) or a value not valid (131009), of any other a parameter (100)."""
    problems = error.errors()
    if not any(problem["loc"][:1] == ("interactive",) for problem in problems):
        return 100
    return 131008 if {problem["type"] for problem in problems} == {"missing"} else 131009


def _complaint(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"Parameter {'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"[:300]


def _faulty(fault: SendFault) -> Response:
    return graph_error(fault.status, fault.code, "emulated fault", fault=fault)
