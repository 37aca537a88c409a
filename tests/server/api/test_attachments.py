"""Files that a person sends over the API."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from server.conversations.attachments import sent
from server.conversations.attachments.sent import BadFile, file_of
from tests.support.people.customers import talk
from tests.support.stack import Stack
from tests.support.waiting import until

JPEG = b"\xff\xd8\xff\xe0 a picture"


async def send(stack: Stack, id: str, name: str, data: bytes, **fields: str):
    files = {"file": (name, data, "application/octet-stream")}
    return await stack.http.post(f"/api/conversations/{id}/attachments", files=files, data=fields)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("photo.jpg", JPEG, "image"),
        ("photo.png", JPEG, "image"),  # by what it is, not by its name
        ("clip.mp4", b"film", "video"),
        ("song.mp3", b"song", "audio"),
        (".pdf", b"%PDF", "document"),
        ("прайс.xlsx", b"PK", "document"),
        ("../../etc/passwd.txt", b"x", "document"),
    ],
)
async def test_each_file_goes_out_as_what_it_is(stack: Stack, name: str, data: bytes, kind: str):
    contact, id = await talk(stack, "hello")
    answer = await send(stack, id, name, data)
    assert answer.status_code == 202, answer.text

    def sent():
        to = f"+{contact}"
        return [r for r in stack.emulator.requests if r.get("to") == to and r.get("type") == kind]

    await until(sent)
    assert stack.emulator.files.kept[sent()[0][kind]["id"]].data == data
    said = await stack.conversation_of(contact)
    line = said["messages"][-1]
    plain = name.rpartition("/")[2]
    assert (line["author"], line["kind"], line["attached"]["name"]) == ("person", kind, plain)
    assert said["owner"] == "person"
    media = await stack.http.get(f"/api/conversations/{id}/media/{line['id']}")
    assert media.content == data and "sandbox" in media.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("name", "data", "fields", "problem"),
    [
        ("empty.pdf", b"", {}, "it is empty"),
        ("photo.png", b"<html>", {}, "is no such picture"),
        ("Makefile", b"all:", {}, "no file without an ending"),
        ("all.zip", b"PK", {}, "WhatsApp takes no .zip"),
        ("note.ogg", b"RIFF", {"voice": "true"}, "neither OGG nor WebM"),
        ("a.pdf", b"x", {"text": "a" * 1025}, "1024"),
    ],
)
async def test_what_whatsapp_would_not_take_is_refused(stack: Stack, name, data, fields, problem):
    contact, id = await talk(stack, "hello")
    answer = await send(stack, id, name, data, **fields)
    assert answer.status_code == 422 and problem in answer.text
    assert (await stack.conversation_of(contact))["owner"] == "bot"


async def test_what_the_machine_does_not_know_is_known_here(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mimetypes.guess_type", lambda *_: (None, None))
    kinds = {"a.xlsx": "document", "a.docx": "document", "a.3gp": "video", "a.m4a": "audio", "a.ogg": "audio"}
    assert {name: file_of(name, b"x", "", False, True).kind for name in kinds} == kinds
    with pytest.raises(BadFile, match=r"takes no \.wav"):
        file_of("a.wav", b"RIFF", "", False, True)


async def test_a_bot_keeps_so_much_and_the_oldest_go(redis: Redis, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sent, "MOST", 25)
    for number in range(4):
        await sent.keep(redis, "b", f"r{number}", bytes(10))
    assert [await sent.kept(redis, "b", f"r{n}") is not None for n in range(4)] == [False, False, True, True]
    assert await sent.forget(redis, "b", "r3") == 1 and await sent.kept(redis, "b", "r3") is None


async def test_a_film_of_15_mb_passes_the_guard(stack: Stack):
    contact, id = await talk(stack, "hello")
    assert (await send(stack, id, "clip.mp4", bytes(15 << 20))).status_code == 202
    await until(
        lambda: [r for r in stack.emulator.requests if r.get("to") == f"+{contact}" and r["type"] == "video"]
    )


async def test_a_file_of_17_mb_is_too_large(stack: Stack):
    _, id = await talk(stack, "hello")
    assert (await send(stack, id, "a.bin", bytes(17 << 20))).status_code == 413


async def test_a_voice_message_and_erasure(stack: Stack):
    contact, id = await talk(stack, "hello")
    assert (await send(stack, id, "v.ogg", b"OggS voice", voice="true")).status_code == 202
    to = f"+{contact}"
    await until(
        lambda: [r for r in stack.emulator.requests if r.get("to") == to and r.get("audio", {}).get("voice")]
    )
    line = (await stack.conversation_of(contact))["messages"][-1]
    erased = await stack.http.delete(f"/api/contacts/{id}", params={"verify": "true"})
    assert erased.json()["left"] == []
    gone = await stack.http.get(f"/api/conversations/{id}/media/{line['id']}")
    assert gone.status_code == 404


async def test_only_what_the_contact_said_can_be_replied_to(stack: Stack):
    contact, id = await talk(stack, "hello")
    lines = (await stack.conversation_of(contact))["messages"]
    path = f"/api/conversations/{id}/messages"
    for quoted in ("wamid.of-somebody-else", lines[-1]["id"]):
        answer = await stack.http.post(path, json={"text": "yes", "quoted_id": quoted})
        assert answer.status_code == 422 and "quoted_id" in answer.text
    answer = await stack.http.post(path, json={"text": "yes", "quoted_id": lines[0]["id"]})
    assert answer.status_code == 202
    await until(
        lambda: any(r.get("context") for r in stack.emulator.requests if r.get("to") == f"+{contact}")
    )
