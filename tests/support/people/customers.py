"""What customers send to the running product, and what they get."""

from __future__ import annotations

import random
import uuid
from typing import Any

import httpx

from channels.emulators.base import Written
from channels.emulators.media import ReceivedFile
from tests.fakes.openai_wire import last_user
from tests.support.stack import API, NUMBER, Stack, text, webhook
from tests.support.waiting import until


def fresh() -> tuple[str, str]:
    """A contact nobody has seen and a message id nobody has used."""
    return f"7702{uuid.uuid4().int % 10**7:07}", f"wamid.{uuid.uuid4().hex}"


async def talk(stack: Stack, *said: str, name: str = "Test") -> tuple[str, str]:
    """(number, conversation id) of a contact who has written, and was answered."""
    contact, message_id = fresh()
    for number, words in enumerate(said):
        payload = webhook(text(contact, words, f"{message_id}.{number}"))
        payload["entry"][0]["changes"][0]["value"]["contacts"][0]["profile"]["name"] = name
        await stack.post(payload)
        await until(lambda count=number + 1: len(stack.replies(contact)) >= count)
    await until(stack.idle)
    return contact, (await stack.conversation_of(contact))["id"]


async def silent(stack: Stack) -> tuple[str, str]:
    """(number, conversation) of a contact who got an answer and says nothing."""
    number, message_id = fresh()
    await stack.post(webhook(text(number, "what does delivery cost?", message_id)))
    await until(lambda: stack.replies(number))
    await until(stack.idle)
    return number, (await stack.conversation_of(number))["id"]


VOICE = "audio/ogg; codecs=opus"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


async def sends(stack: Stack, file: ReceivedFile, caption: str = "") -> str:
    contact = f"7702{random.randrange(10**6, 10**7)}"
    await stack.emulator.write(NUMBER, Written(contact=contact, text=caption), file)
    return contact


def raw(contact: str, kind: str, content: Any, **more: Any) -> dict[str, Any]:
    message_id = f"wamid.{uuid.uuid4().hex}"
    return {"from": contact, "id": message_id, "timestamp": "1786000000", "type": kind, kind: content, **more}


def asked(stack: Stack) -> list[str]:
    return [last_user(request) for request in stack.model.sales_calls()]


async def quiet(stack: Stack, contact: str, count: int) -> list[str]:
    """What a contact was answered, once there are so many replies and nothing is left to do."""
    await until(lambda: len(stack.replies(contact)) >= count)
    await until(stack.idle)
    return stack.replies(contact)


async def write(url: str, account: str, contact: str, text: str, **more: Any) -> None:
    async with httpx.AsyncClient(timeout=30, headers={"Authorization": f"Bearer {API}"}) as client:
        answer = await client.post(
            f"{url}/_control/{account}/messages", json={"contact": contact, "text": text, **more}
        )
        assert answer.status_code == 200, answer.text


def said(emulator: Any, account: str, contact: str) -> list[str]:
    return [
        b.text
        for b in list(emulator.phones.bubbles.values())
        if (b.number, b.contact, b.mine) == (account, contact, False)
    ]


async def answered(stack: Stack, wire: str, account: str, contact: str) -> list[str]:
    answer = await stack.http.get(
        f"/simulator/{wire}/_control/{account}/messages", params={"contact": contact}
    )
    return [row["text"] for row in answer.json() if not row["mine"]]
