"""Forms (WhatsApp Flows) on an emulated phone: which screens there are, what a data endpoint says of the next
one, and what the business hears when the contact is done ("Sending a Flow", "Implementing endpoints for
Flows", "Flow response message webhook")."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from pydantic import BaseModel, Field

from channels.emulators.meta.flow_wire import sealed_call, signed_token
from channels.emulators.phone import Bubble
from channels.json_parts import as_dict, as_dicts

JSON = dict[str, Any]
# (business number, id or name of a Flow) -> its Flow JSON, None where there is none.
FindFlow = Callable[[str, str], Awaitable[JSON | None]]
# Seconds in which a data endpoint answers before the phone gives up ("Implementing endpoints for Flows").
ENDPOINT_SECONDS = 10
CLOSED, SUCCESS = 427, "SUCCESS"
# The version of the data API whose calls have the token signed ("Flow token signature").
SIGNED_FROM = "4.0"


class FormStep(BaseModel):
    """What the contact does with the form of a message (`bubble`): opens it, asks the data endpoint from a
    `screen` with `data`, goes back from a screen that is refreshed then, or is done and sends `data`."""

    contact: Annotated[str, Field(pattern=r"^[0-9]{6,15}$")]
    name: str = "Simulated contact"
    bubble: str
    action: Literal["open", "data_exchange", "BACK", "complete"]
    screen: str = Field("", max_length=80)
    data: JSON = {}


class ShownStep(BaseModel):
    """What the phone shows next: a `screen` with its `data`, of a `flow` that was opened just now; `closed`
    says why the form cannot be filled in any more, and `params` are what goes back to the business."""

    flow: JSON = {}
    screen: str = ""
    data: JSON = {}
    closed: str = ""
    params: JSON | None = None
    sent: str = ""


class NoScreen(Exception):
    """The data endpoint did not answer as the reference has it."""


async def _none(_: str, __: str) -> JSON | None:
    return None


class EmulatedFlows:
    """The Flows of an emulated account. `secret` signs calls of data endpoints; `endpoint` says where that of
    a number is, and `public_key` is the key that its business has put up."""

    def __init__(self, secret: str, http: httpx.AsyncClient) -> None:
        self._secret, self._http = secret, http
        self.kept: dict[str, JSON] = {}
        self.find: FindFlow = _none
        self.endpoint: Callable[[str], str] = lambda number: ""
        self.public_key: RSAPublicKey | None = None

    async def step(self, number: str, bubble: Bubble | None, asked: FormStep) -> ShownStep:
        """What follows on what the contact does. Raises ValueError for a message without a form, and
        NoScreen."""
        interactive = as_dict((bubble.content if bubble else {}).get("interactive"))
        if bubble is None or interactive.get("type") != "flow":
            raise ValueError("the message is no form")
        sent = as_dict(as_dict(interactive.get("action")).get("parameters"))
        flow = await self._flow(number, sent)
        token = str(sent.get("flow_token") or "unused")
        if asked.action == "complete":
            return ShownStep(params={**asked.data, "flow_token": token})
        if asked.action != "open":
            return await self._asked(number, flow, token, (asked.action, asked.screen, asked.data))
        if sent.get("flow_action") == "data_exchange":
            shown = await self._asked(number, flow, token, ("INIT", "", {}))
            return shown.model_copy(update={"flow": flow})
        begins = as_dict(sent.get("flow_action_payload"))
        first = str(begins.get("screen") or as_dicts(flow.get("screens"))[0]["id"])
        return ShownStep(flow=flow, screen=first, data=as_dict(begins.get("data")))

    async def _flow(self, number: str, sent: JSON) -> JSON:
        flow_id = str(sent.get("flow_id") or sent.get("flow_name") or "")
        own = self.kept.get(f"{number}/{flow_id}") or await self.find(number, flow_id)
        if own:
            return own
        begins = as_dict(sent.get("flow_action_payload"))
        return unknown_flow(str(begins.get("screen") or "FORM"), [*as_dict(begins.get("data")), "name"])

    async def _asked(self, number: str, flow: JSON, token: str, call: tuple[str, str, JSON]) -> ShownStep:
        """Ask the data endpoint; an answer that leads to no screen of the Flow is told to it, as a phone
        does."""
        action, screen, data = call
        said = {"version": str(flow.get("data_api_version") or "3.0"), "flow_token": token}
        if said["version"] == SIGNED_FROM:
            said["flow_token_signature"] = signed_token(token, self._secret)
        answer = await self._called(number, {**said, "action": action, "screen": screen, "data": data})
        if answer.closed or answer.screen == SUCCESS:
            response = as_dict(answer.data.get("extension_message_response"))
            params = {"flow_token": token, **as_dict(response.get("params"))}
            return answer if answer.closed else ShownStep(params=params)
        if answer.screen not in {str(one.get("id")) for one in as_dicts(flow.get("screens"))}:
            error = {"error": "invalid-screen-transition", "error_message": f"no screen {answer.screen}"}
            await self._called(number, {**said, "action": action, "screen": screen, "data": error})
            raise NoScreen(f"the data endpoint leads to a screen that the form has not: {answer.screen}")
        return answer

    async def _called(self, number: str, said: JSON) -> ShownStep:
        if self.public_key is None or not (url := self.endpoint(number)):
            raise NoScreen("this form asks a data endpoint, and none is set up: set WHATSAPP_FLOWS_KEY_FILE")
        call = sealed_call(said, self.public_key)
        signed = hmac.new(self._secret.encode(), call.body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={signed}", "Content-Type": "application/json"}
        try:
            answer = await self._http.post(url, content=call.body, headers=headers, timeout=ENDPOINT_SECONDS)
            opened = call.opened(answer.text) if answer.status_code in (200, CLOSED) else {}
        except httpx.HTTPError as error:
            raise NoScreen(f"the data endpoint does not answer: {type(error).__name__}") from error
        except ValueError as error:
            raise NoScreen(f"what the data endpoint answers cannot be read: {error}") from error
        if answer.status_code == CLOSED:
            return ShownStep(closed=str(opened.get("error_msg") or "This form is no longer valid."))
        if answer.status_code != 200:
            raise NoScreen(f"the data endpoint answered {answer.status_code}")
        return ShownStep(screen=str(opened.get("screen") or ""), data=as_dict(opened.get("data")))


def unknown_flow(screen: str, fields: list[str]) -> JSON:
    """A form of text fields, in place of one whose JSON nobody here has."""
    children: list[JSON] = [
        {"type": "TextInput", "name": name, "label": name.replace("_", " ").capitalize()[:20]}
        for name in dict.fromkeys(fields)
    ]
    payload = {str(child["name"]): f"${{form.{child['name']}}}" for child in children}
    footer = {
        "type": "Footer",
        "label": "Send",
        "on-click-action": {"name": "complete", "payload": payload},
    }
    return {
        "version": "7.0",
        "screens": [
            {
                "id": screen,
                "title": "Form",
                "terminal": True,
                "layout": {"type": "SingleColumnLayout", "children": [*children, footer]},
            }
        ],
    }


def done_with(params: JSON) -> JSON:
    """The part of the webhook's message that a filled-in form is."""
    said = {"name": "flow", "body": "Sent", "response_json": json.dumps(params)}
    return {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": said}}
